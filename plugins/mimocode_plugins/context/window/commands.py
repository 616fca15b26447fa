"""`/rebuild`, `/compact`, `/summarize`, `/context`, `/context-limit`: answered with notices, unheard by the agent."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mimocode.events import Noted
from mimocode.ports import Command

from .measure import NAME, amount, effective, estimate, gauge, of_message, of_opening, show_window, usable

if TYPE_CHECKING:
    from mimocode.session import Session


async def rebuild(_: str, session: Session) -> None:
    """Open a new window now."""
    from .turnover import turn_over

    if session.state.window is None:
        await session.notice(NAME, "there is nothing to rebuild: the conversation has not begun")
        return
    await session.open_model()
    await turn_over(session, "/rebuild")


async def compacted(wanted: str, session: Session) -> None:
    """Let the model summarise, then open a new window."""
    from .compact import compact

    if session.state.window is None:
        await session.notice(NAME, "there is nothing to compact: the conversation has not begun")
        return
    await compact(session, wanted)


async def limit(said: str, session: Session) -> None:
    """Set the most tokens that the window may have in this session."""
    model = await session.open_model()
    if said and said != "off" and not amount(said, model.window):
        await session.notice(NAME, f"{said!r} is no size: say 300K, 1.5M, 50%, a number, or off", "warning")
        return
    if said:
        await session.emit(Noted(NAME, {"limit": "" if said == "off" else said}))
    whole, room = effective(session, model.window), usable(session, model.window)
    show_window(session, model.window)
    if said not in ("", "off") and whole != min(amount(said, model.window), model.window):
        await session.notice(NAME, f"{said} leaves no room for an answer and is not used", "warning")
    await session.notice(NAME, f"context limit {whole:,} tokens of {model.window:,}; {room:,} for a request")


async def show(_: str, session: Session) -> None:
    """What fills the window."""
    model = await session.open_model()
    window, measured = session.state.window, gauge(session)
    room, used = usable(session, model.window), measured.used(session.state)
    rows: Counter[str] = Counter()
    for part in window.system if window else ():
        rows[f"prompt: {part.source or 'other'}"] += estimate(part.text)
    rows["tools"] += of_opening((), window.tools) if window else 0
    for message in session.state.messages:
        rows[f"messages: {message.role}{f' ({message.origin})' if message.origin else ''}"] += of_message(message)
    share = f" ({used / room:.0%})" if room else ""
    lines = [f"{used:,} of {room:,} usable tokens{share}; window {model.window:,} of {model.ref}"]
    lines += [f"{int(size * measured.ratio):>9,}  {name}" for name, size in rows.most_common() if size]
    turned = [note for note in session.state.notes.get(NAME, ()) if "after" in note]
    lines += (
        [f"last change: {turned[-1]['outcome']}, {turned[-1]['before']:,} to {turned[-1]['after']:,}"] if turned else []
    )
    await session.notice(NAME, "\n".join(lines))


COMMANDS = (
    Command("rebuild", "go on in a new context window, from the record", rebuild),
    Command("compact", "let the model summarise, and go on in a new context window", compacted, "[what matters]"),
    Command("summarize", "the same as /compact", compacted, "[what matters]"),
    Command("context", "what fills the context window", show),
    Command("context-limit", "the most tokens the context may have in this session", limit, "[300K|50%|off]"),
)
