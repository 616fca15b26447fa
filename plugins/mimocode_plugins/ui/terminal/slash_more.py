"""Slash commands that reach beyond the conversation: connecting a provider, asking aside, our own command line."""

from __future__ import annotations

import os
import sys
from contextlib import aclosing
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

from mimocode import hookspecs as on
from mimocode.events import Noted
from mimocode.messages import user
from mimocode.ports import Answer, Prompt

from .alone import known
from .handing import hand_over
from .items import Drawn
from .slash_session import at_rest, held

if TYPE_CHECKING:
    from mimocode.host import Host

    from .chat import Chat


async def connect(chat: Chat, rest: str) -> None:
    """Walk the ways to a model in the terminal, then begin afresh with what came of it."""
    session = held(chat)
    if not at_rest(chat):
        return
    words = [sys.executable, "-m", "mimocode.main", "setup", *rest.split()[:1]]
    code = await hand_over(chat.face.screen.app, words, session.directory, os.environ)
    if code:
        chat.face.tell("Nothing was connected. /connect asks again.", "warning")
    elif len(session.state.messages):
        chat.again = True
        chat.go(None)
    else:
        chat.face.tell("Connected. Choose the model with /models; if it is not there, leave and start mimo again.")
        await chat.learn()


async def btw(chat: Chat, rest: str) -> None:
    """Ask the model about the conversation so far without it becoming part of it; what it costs is counted.

    Raises:
        ModelError: the model does not answer.
    """
    if not rest:
        chat.face.screen.fill("/btw ")
        return
    session, rules = held(chat), files(__package__).joinpath("btw.md").read_text("utf-8").strip()
    model, window = await session.open_model(), session.state.window
    messages = [*session.state.messages]
    while messages and messages[-1].role == "assistant" and messages[-1].calls:
        messages.pop()  # calls without results are refused
    system, tools = (window.system, window.tools) if window else ((), ())
    prompt = Prompt(system, [*messages, user(f"{rules}\n\n{rest}")], tools, f"{session.id}-btw")
    chat.face.hint("Asking aside …", 60)
    try:
        async with aclosing(model.stream(prompt)) as stream:  # type: ignore[type-var]
            async for piece in stream:
                if isinstance(piece, Answer):
                    await session.emit(Noted("ui.terminal", {"op": "btw"}, piece.usage))
                    text = piece.message.text.strip() or "The model wanted to use a tool instead of answering."
                    chat.face.show(Drawn("\n".join(f"> {line}" for line in text.splitlines())))
    finally:
        chat.face.hint("", 0)


async def through_cli(chat: Chat, name: str, rest: str) -> bool:
    """Run `mimo NAME` and show what it prints; False when no plugin brings such a command."""
    if name not in brought(chat.host):
        return False
    words = [*CLI[name], *rest.split()]
    if chat.face.shell.command:
        chat.face.tell("One command at a time: Esc ends the one that runs.", "warning")
        return True
    shown = " ".join(["mimo", *words])
    program = [sys.executable, "-m", "mimocode.main", *words]
    chat.face.changed()
    done = await chat.face.shell.run(shown, held(chat).directory, program, chat.face.screen.look.width - 2)
    chat.face.show(replace(done, most=400))
    return True


CLI = {
    "plugins": ("plugins",),
    "doctor": ("doctor",),
    "stats": ("stats",),
    "cron": ("cron", "list"),
    "audit": ("audit",),
    "worktree": ("worktree", "list"),
}
"""Slash commands that are commands of `mimo`, too, when no plugin brings them for the terminal."""


def brought(host: Host) -> dict[str, tuple[str, ...]]:
    """Those of `CLI` that some plugin brings."""
    from mimocode.main import Commands

    commands = Commands()
    host.hooks.collect_now(on.register_cli, commands=commands)
    there = known(commands.parser)
    return {name: words for name, words in CLI.items() if words[0] in there}
