"""Slash commands that show something, or change what is shown."""

from __future__ import annotations

import asyncio
import base64
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode import __version__
from mimocode.errors import UsageError
from mimocode.messages import Message

from .exporting import markdown, page
from .items import Drawn
from .keys import HELP, described
from .slash_session import held, literal
from .status import money, thousands

if TYPE_CHECKING:
    from .chat import Chat
    from .slash import Slash

CLIPBOARD = 100_000
"""Bytes that terminals take through OSC 52; many drop what is longer."""


async def help(chat: Chat, rest: str) -> None:
    """Every key and every command."""
    from .slash import OURS as ours

    keys = "\n".join(f"| {key} | {what} |" for key, what in (*HELP, *described(chat.face.screen.chosen)))
    rows = [f"| /{one.name} {_cell(one.arguments)} | {one.summary}{_also(one)} |" for one in ours]
    own = {one.name for one in ours}
    rows += [f"| /{name} | {_cell(summary)} |" for name, summary in chat.face.summaries.items() if name not in own]
    table = "| key | what it does |\n|---|---|\n"
    chat.face.show(Drawn(f"{table}{keys}\n\n{table.replace('key', 'command')}" + "\n".join(rows)))


async def thinking(chat: Chat, rest: str) -> None:
    """Show thoughts from here on, or no longer."""
    chat.face.screen.thinking = not chat.face.screen.thinking
    chat.face.tuning.choose("thinking_mode", "show" if chat.face.screen.thinking else "hide")
    chat.face.tell(
        "Thoughts are shown from here on." if chat.face.screen.thinking else "Thoughts are hidden from here on."
    )


async def details(chat: Chat, rest: str) -> None:
    """Show the last turn's calls in full and all that follow, or no longer."""
    chat.face.screen.details = not chat.face.screen.details
    if not chat.face.screen.details:
        chat.face.tell("Tool calls are brief from here on.")
        return
    calls = chat.face.feed.last_turn
    chat.face.tell("Tool calls are shown with details from here on." + (" The last turn's:" if calls else ""))
    chat.face.show(*(replace(call, full=True) for call in calls))


async def status(chat: Chat, rest: str) -> None:
    """Where we are and who joins in."""
    session, host = held(chat), chat.host
    servers = Counter(spec.server or "-" for spec in session.toolbox.specs.values())
    tools = ", ".join(f"{name} ({count})" for name, count in sorted(servers.items()))
    rows = {
        "version": __version__,
        "session": f"{session.id} {session.state.title}".strip(),
        "directory": str(session.directory),
        "project": f"{host.root}{'' if host.trusted else ', not trusted: its settings can only tighten'}",
        "agent": session.agent.name,
        "model": chat.face.model,
        "tools": tools or "none yet",
        "broken plugins": ", ".join(sorted(host.plugins.broken)) or "none",
        "settings left out": "; ".join(host.settings.ignored) or "none",
    }
    chat.face.show(Drawn("\n".join(f"- **{name}**: {literal(value)}" for name, value in rows.items())))


async def cost(chat: Chat, rest: str) -> None:
    """Tokens and money of this session."""
    usage = held(chat).state.usage
    cached = f", {100 * usage.cache_read // usage.input}% of them from the cache" if usage.input else ""
    lines = [
        f"- **in**: {usage.input:,} tokens{cached}",
        f"- **out**: {usage.output:,} tokens" + (f", {usage.reasoning:,} of them thoughts" if usage.reasoning else ""),
        f"- **cost**: {money(usage.cost) or 'no price is known for this model'}",
    ]
    chat.face.show(Drawn("\n".join(lines)))


async def context(chat: Chat, rest: str) -> None:
    """What fills the window, by characters, and what the provider counted."""
    state = held(chat).state
    if state.window is None:
        chat.face.tell("The context window opens with your first message.")
        return
    sizes = {f"system: {part.source or 'prompt'}": len(part.text) for part in state.window.system}
    sizes["tool definitions"] = sum(len(tool.description) + len(str(tool.schema)) for tool in state.window.tools)
    for message in state.messages:
        name = {"user": "what you said", "assistant": "answers and calls", "tool": "tool results"}[message.role]
        sizes[name] = sizes.get(name, 0) + _size(message)
    total = max(1, sum(sizes.values()))
    rows = [f"| {name} | {100 * size // total}% | {thousands(size)} |" for name, size in sizes.items() if size]
    counted = f"The last request and its answer had {state.context:,} tokens.\n\n" if state.context else ""
    chat.face.show(Drawn(counted + "| part | share | characters |\n|---|--:|--:|\n" + "\n".join(rows)))


async def export(chat: Chat, rest: str) -> None:
    """Write the session into a file that does not exist yet: HTML when its name says so, else Markdown.

    Raises:
        UsageError: it cannot be written.
    """
    session = held(chat)
    write = page if Path(rest).suffix.lower() in (".html", ".htm") else markdown
    text = write(session.state.title or session.id, session.state.messages)
    name = rest or f"session-{session.id[-8:]}.md"
    try:
        path = await asyncio.to_thread(_write, session.directory, name, text)
    except FileExistsError:
        raise UsageError(f"{name} exists already; name another file: /export FILE") from None
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror or error}") from error
    chat.face.tell(f"Written to {path}")


async def copy(chat: Chat, rest: str) -> None:
    """Hand the last answer to the terminal's clipboard (OSC 52); whether it took it nobody can know."""
    words = held(chat).last_words().encode()
    if not words:
        chat.face.tell("There is no answer to copy yet.", "warning")
        return
    if len(words) > CLIPBOARD:
        chat.face.tell(f"{len(words):,} bytes are more than terminals take; /export writes a file.", "warning")
        return
    chat.face.screen.raw(clipboard(words, os.environ))
    chat.face.tell(
        "Handed to the terminal's clipboard. If nothing arrives, the terminal does not allow it: use /export."
    )


async def editor(chat: Chat, rest: str) -> None:
    """Write the prompt in an editor."""
    chat.face.screen.buffer.open_in_editor(validate_and_handle=False)


def clipboard(data: bytes, environ: os._Environ[str] | dict[str, str]) -> str:
    """The sequence that sets a terminal's clipboard, through tmux and screen too."""
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode('ascii')}\x07"
    if environ.get("TMUX"):
        return f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\"
    return f"\x1bP{sequence}\x1b\\" if environ.get("TERM", "").startswith("screen") else sequence


def _write(directory: Path, name: str, text: str) -> Path:
    path = directory / Path(name).expanduser()
    with path.open("x", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return path


def _cell(text: str) -> str:
    """A text in a table of Markdown."""
    return text.replace("|", "\\|")


def _also(one: Slash) -> str:
    return f" (also {', '.join('/' + name for name in one.aliases)})" if one.aliases else ""


def _size(message: Message) -> int:
    return sum(len(str(getattr(block, "text", "") or getattr(block, "arguments", ""))) for block in message.content)
