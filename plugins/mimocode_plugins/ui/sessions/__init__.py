"""`mimo session`: list, show, delete, verify, export and import sessions (surface.md 1.4).

`mimo export` and `mimo import` are the same commands under their old names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.main import Commands

ID = 'an id, the beginning of one, or "last"'


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add the commands; what they do is loaded when one of them runs."""
    commands.add("session list", "list the sessions of this project", _list, _list_arguments, aliases=["ls"])
    commands.add("session show", "print what was said and done in a session", _show, _show_arguments)
    commands.add("session delete", "forget a session and its children", _delete, _one_session, aliases=["rm"])
    commands.add("session verify", "check that the log of a session was not edited", _verify, _verify_arguments)
    commands.add("debug prompt", "print what the model sees of a session", _prompt, _last_session)
    for name in ("session export", "export"):
        commands.add(name, "print a session as JSON that can be imported", _export, _export_arguments)
    for name in ("session import", "import"):
        commands.add(name, "take in an exported session", _import, _import_arguments)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", "--max-count", type=int, metavar="N", help="only the latest N")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    parser.add_argument("--all", action="store_true", help="those of every directory")


def _one_session(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help=ID)


def _last_session(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", default="last", help=f"{ID} (default)")


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    _last_session(parser)
    parser.add_argument("--format", choices=["text", "json"], default="text", help="json: one fact per line")


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", default="last", help=f"{ID} (default)")
    parser.add_argument("--all", action="store_true", help="every session there is")


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", default="last", help=f"{ID} (default)")
    parser.add_argument("--sanitize", action="store_true", help="leave out texts and paths, keep what happened")


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help='what `mimo session export` printed; "-" is stdin')


async def _list(args: argparse.Namespace, host: Host) -> int:
    from . import work

    return work.show_list(await host.store(), host.root, count=args.max_count, form=args.format, everywhere=args.all)


async def _show(args: argparse.Namespace, host: Host) -> int:
    from . import work

    return work.show(await host.store(), host.root, args.id, args.format)


async def _prompt(args: argparse.Namespace, host: Host) -> int:
    from . import work

    return work.prompt(await host.store(), host.root, args.id)


async def _delete(args: argparse.Namespace, host: Host) -> int:
    from . import work

    return work.delete(await host.store(), host.root, args.id)


async def _verify(args: argparse.Namespace, host: Host) -> int:
    from . import work

    return work.verify(await host.store(), host.root, args.id, everything=args.all)


async def _export(args: argparse.Namespace, host: Host) -> int:
    from . import work

    return work.export(await host.store(), host.root, args.id, sanitize=args.sanitize)


async def _import(args: argparse.Namespace, host: Host) -> int:
    from . import work

    return work.take_in(await host.store(), host.directory, args.file)
