"""Slash commands of the terminal: the table, and which of several commands of one name is meant.

Ours come first, then those of plugins, then the ones that are promised and say so.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mimocode.events import Say

from . import dressing, slash_more, slash_session, slash_show, working
from .chat import unknown
from .items import Said
from .slash_session import held

if TYPE_CHECKING:
    from mimocode.host import Host

    from .chat import Chat

Run = Callable[["Chat", str], Awaitable[None]]
_NAME = re.compile(r"/([\w:.-]+)(?:\s+(.*))?$", re.DOTALL)


@dataclass(frozen=True)
class Slash:
    """A command of the terminal."""

    name: str
    summary: str
    run: Run
    aliases: tuple[str, ...] = ()
    arguments: str = ""


OURS = (
    Slash("help", "keys and commands", slash_show.help),
    Slash("new", "begin a new session", slash_session.new, ("clear",)),
    Slash("sessions", "go on with another session", slash_session.sessions, ("resume", "continue"), "[id]"),
    Slash("models", "choose the model", slash_session.models, ("model",), "[provider/model]"),
    Slash("agents", "choose the agent", slash_session.agents, ("agent",), "[name]"),
    Slash("tasks", "the tree of tasks and subagents, with signs of life", working.tasks),
    Slash("rename", "give the session a title", slash_session.rename, (), "<title>"),
    Slash("fork", "go on in a copy of this session", slash_session.fork),
    Slash("undo", "take the last turn back, files included", slash_session.undo, (), "[turns|preview|diff|force|keep]"),
    Slash("redo", "put back what /undo took", slash_session.redo, (), "[preview|diff|force|keep]"),
    Slash("timeline", "the turns of this session: look, go back, go on from there in a copy", slash_session.timeline),
    Slash("connect", "connect a provider of models", slash_more.connect, ("login",), "[way]"),
    Slash("btw", "ask aside: nothing of it becomes part of the conversation", slash_more.btw, (), "<question>"),
    Slash("themes", "choose the colours", dressing.themes, ("theme",), "[name]"),
    Slash("dark", "colours for a dark background", dressing.dark),
    Slash("light", "colours for a light background", dressing.light),
    Slash("language", "choose the language of the program", dressing.language, ("lang",), "[auto|en|zh]"),
    Slash("keymap", "keys of vi or of emacs in the prompt", dressing.keymap, (), "[vi|emacs]"),
    Slash("thinking", "show or hide what the model thinks", slash_show.thinking, ("toggle-thinking",)),
    Slash("details", "show more or less of tool calls", slash_show.details),
    Slash("status", "this session, its model, its tools, its plugins", slash_show.status),
    Slash("cost", "tokens and money so far", slash_show.cost),
    Slash("context", "what fills the context window", slash_show.context),
    Slash("export", "write the session to a file: Markdown, or HTML when it ends so", slash_show.export, (), "[file]"),
    Slash("copy", "put the last answer on the clipboard", slash_show.copy),
    Slash("editor", "write the prompt in $VISUAL or $EDITOR", slash_show.editor),
    Slash("exit", "leave", slash_session.leave, ("quit", "q")),
)
LATER = {
    "share": "Sharing a session",
    "unshare": "Sharing a session",
    "dream": "Tidying the memory",
    "distill": "Turning workflows into skills",
    "voice": "Talking",
    "plugins": "The list of plugins",
    "doctor": "Looking for what is wrong",
    "stats": "What all sessions cost",
    "cron": "Work at fixed times",
    "audit": "What a session did",
    "worktree": "Working in a git worktree",
    "init": "Writing an AGENTS.md for the project",
    "compact": "Making the context window smaller by hand",
    "summarize": "Making the context window smaller by hand",
    "memory": "Looking into the memory",
    "goal": "Working towards a goal",
    "max": "Proposing a step several times",
    "skills": "Choosing a skill",
    "mcps": "Looking after MCP servers",
    "permissions": "Editing permissions",
}
"""What people know from elsewhere; without a plugin that brings it, it says so."""
HINTS = {
    "share": "/export FILE.html writes a page that you can send.",
    "unshare": "Nothing was shared.",
    "init": "Ask for it in your own words: write an AGENTS.md for this project.",
    "permissions": 'The key "permission" of mimocode.json has the rules.',
    "doctor": "/status and /plugins show what there is.",
    "stats": "/cost shows this session's tokens and money.",
}
ELSEWHERE = {
    "logout": "`mimo auth logout NAME` forgets a login.",
    "force-agent": "An agent can be changed between any two turns: /agents.",
    "never-ask": "`mimo --yolo` approves everything for one run; /permissions shows the rules.",
    "skip-permissions": "`mimo --yolo` approves everything for one run; /permissions shows the rules.",
    "variants": 'A variant is part of the model\'s settings: "provider" in mimocode.json.',
    "modalities": "`mimo models` shows what a model reads.",
    "timestamps": "/timeline shows when each turn was.",
    "vivid": "Nothing moves here but the spinner; /themes chooses colours.",
    "background": "There are no pictures behind the text; /themes chooses colours.",
    "docs": "`mimo --help`, /help and the README of each folder are the documentation.",
    "workflows": "/workflow lists and runs them.",
    "org": "There are no organisations here; /connect changes the account.",
}
"""Commands of other programs that mean something else here: where to find it."""


async def summaries(host: Host) -> dict[str, str]:
    """Every command by name with one line on what it does."""
    found = {name: f"not there yet: {what}" for name, what in LATER.items()}
    found |= {name: f"{LATER[name]}: mimo {' '.join(words)}" for name, words in slash_more.brought(host).items()}
    found |= {command.name: command.summary for command in (await host.commands()).values()}
    return dict(sorted({**found, **{one.name: one.summary for one in OURS}}.items()))


def meant(name: str, known: Iterable[str]) -> str:
    """The command that somebody means who was faster than the completion: the only one that begins so."""
    fitting = [one for one in known if one.startswith(name)]
    return fitting[0] if len(fitting) == 1 and name not in fitting else name


async def run_slash(chat: Chat, text: str) -> bool:
    """Run what the user typed if it is a command; whether it was."""
    typed = _NAME.match(text.strip())
    if typed is None:
        return False  # a path, or just a slash
    name, rest = typed[1], (typed[2] or "").strip()
    aliases = {alias for one in OURS for alias in one.aliases}
    if name not in aliases | ELSEWHERE.keys() and (whole := meant(name, chat.face.summaries)) != name:
        text, name = text.replace(name, whole, 1), whole
    chat.face.show(Said(text.strip()))
    ours = next((one for one in OURS if name == one.name or name in one.aliases), None)
    if ours is not None:
        await ours.run(chat, rest)
    elif name in await chat.host.commands():
        pastes, session = chat.face.screen.pastes, held(chat)
        await session.submit(Say(pastes.expand(text.strip()), pastes.shown(text)))
        chat.do(chat.see_through(f"/{name}", session))
    elif name in slash_more.CLI and await slash_more.through_cli(chat, name, rest):
        pass
    elif name in LATER:
        hint = HINTS.get(name, "")
        chat.face.tell(
            f"{LATER[name]} is not there yet: no plugin brings /{name}.{' ' + hint if hint else ''}", "warning"
        )
    elif name in ELSEWHERE:
        chat.face.tell(ELSEWHERE[name])
    else:
        chat.face.tell(unknown(name, [*chat.face.summaries]), "error")
        chat.face.screen.fill(text)
    return True
