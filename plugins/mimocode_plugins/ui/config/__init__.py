"""Show the user what is set, why, and where: `mimo config`, and the settings that no other plugin owns yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.main import Commands, Run
    from mimocode.ports import Setting
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim the keys of a settings file that are nobody's yet, so that an existing file loads."""
    from .claims import CLAIMS

    return CLAIMS


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo config show | get | set | unset | edit | validate | explain | schema | path | variables`."""
    from . import commands as own

    commands.add("config show", "print the merged settings, secrets masked", own.show)
    commands.add("config explain", "say what a setting is and who set it", own.explain, arguments=own.explain_arguments)
    commands.add("config schema", "print the JSON Schema of a settings file", own.schema)
    commands.add("config path", "list where settings are looked for, low to high", own.path)
    commands.add("config get", "print one setting", _change("get"), _key)
    commands.add("config set", "set one setting; comments and the rest of the file stay", _change("put"), _setting)
    commands.add("config unset", "take one setting out of a file", _change("unset"), _place)
    commands.add("config edit", "open a settings file in your editor, then check it", _change("edit"), _project)
    commands.add("config validate", "name every mistake in the settings, or in one file", _change("validate"), _file)
    commands.add("config variables", "list the environment variables that are known and what they do", _variables, _all)


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Remember how the settings files look now."""
    from .reloading import remember

    remember(session.host)
    yield


@hookimpl
async def take_input(session: Session) -> None:
    """Before each message: settings that the user has changed since count from now on."""
    from .reloading import refresh

    await refresh(session)


def _change(name: str) -> Run:
    async def run(args: argparse.Namespace, host: Host) -> int:
        from . import changing

        code: int = await getattr(changing, name)(args, host)
        return code

    return run


async def _variables(args: argparse.Namespace, host: Host) -> int:
    from ..variables import lines

    for line in lines(host.environ, everything=args.all):
        print(line)
    return 0


def _key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help='parts joined with dots; a part with dots in quotes: a."b.c".d')


def _project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", action="store_true", help="in this project's settings, not in yours")


def _place(parser: argparse.ArgumentParser) -> None:
    _key(parser)
    _project(parser)


def _setting(parser: argparse.ArgumentParser) -> None:
    _place(parser)
    parser.add_argument("value", metavar="VALUE", help="JSON, or a text")


def _file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="only this file")


def _all(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="also those that are not set")
