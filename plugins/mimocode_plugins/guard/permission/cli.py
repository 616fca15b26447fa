"""Names and summaries of the commands; what they do is loaded when one of them runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.ports import Command

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.session import Session


def register(commands: Commands) -> None:
    """Add `mimo permissions ...`."""
    commands.add("permissions list", "the rules in force, and what you approved", _list, _agent, aliases=["ls"])
    commands.add("permissions test", "what would happen to a shell command, and why", _test, _command)
    commands.add("permissions remove", "forget an approval", _remove, _rule, aliases=["rm", "forget"])


def _agent(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--agent", default="", help="the rules for this agent")


def _command(parser: argparse.ArgumentParser) -> None:
    _agent(parser)
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="a shell command, best in quotes")


def _rule(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", metavar="RULE", help='an approval as `mimo permissions list` shows it: "bash: git *"')


async def _list(args: argparse.Namespace, host: Host) -> int:
    from .commands import show

    return await show(args, host)


async def _test(args: argparse.Namespace, host: Host) -> int:
    from .commands import explain

    return await explain(args, host)


async def _remove(args: argparse.Namespace, host: Host) -> int:
    from .commands import remove

    return await remove(args, host)


async def _permissions(arguments: str, session: Session) -> None:
    from .commands import slash

    await slash(arguments, session)


async def _timeout(arguments: str, session: Session) -> None:
    from .waiting import slash

    await slash(arguments, session)


SLASH = (
    Command("permissions", "the rules in force; test a command, forget an approval", _permissions, "[test|forget ...]"),
    Command("permission-timeout", "how long a question about a permission waits for you", _timeout, "<seconds>"),
)
