"""`mimo` at a terminal: talk with the agent, watch it work, approve, steer, take back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    import argparse
    from types import ModuleType

    from mimocode.events import Fact
    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.session import Session


@hookimpl
def register_hooks() -> ModuleType:
    """Bring `offer_mentions`."""
    from . import hookspecs

    return hookspecs


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo chat`, which is also what `mimo` means with no command, with its options or with a directory."""
    from .alone import understood

    commands.add("chat", "Talk with the agent in this terminal", _chat, _arguments)
    commands.meant = partial(understood, commands.parser)
    commands.parser.epilog = "`mimo` alone is `mimo chat`: mimo -c, mimo --prompt TEXT, mimo PROJECT."


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """Bring approvals and questions, also those of children, before the user."""
    from mimocode.events import ApprovalAsked, Noted

    if isinstance(fact, ApprovalAsked):
        from .desk import DESK

        if desk := session.host.stash.get(DESK):
            await desk.take(fact, session)
    elif isinstance(fact, Noted) and fact.plugin == "question":
        from .questions import QUESTIONS

        if questions := session.host.stash.get(QUESTIONS):
            questions.take(fact.data, session)


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("dir", nargs="?", metavar="PROJECT", help="the directory to work in; default: this one")
    add("-m", "--model", default="", metavar="PROVIDER/MODEL", help="the model to ask")
    add("-c", "--continue", dest="continue_", action="store_true", help="go on with the latest session of the project")
    add("-s", "--session", default="", metavar="ID", help="go on with this session")
    add("--fork", action="store_true", help="with -c or -s: go on in a copy, the original stays as it is")
    add("--prompt", default="", metavar="TEXT", help="say this at once")
    add("--agent", default="", metavar="NAME", help="the agent that answers (build, plan, ...)")
    add("--yolo", "--dangerously-skip-permissions", action="store_true", help="allow what would be asked, this once")
    add("--plain", action="store_true", help="linear text: no colours, no signs, nothing that moves")
    add("--trust", action="store_true", help="trust this project's settings for this run")


async def _chat(args: argparse.Namespace, host: Host) -> int:
    from .command import chat

    return await chat(args, host)
