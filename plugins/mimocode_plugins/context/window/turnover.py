"""Opens a new window: what it begins with is gathered, fitted into a budget, measured, and only then opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mimocode import hookspecs as on
from mimocode.events import Noted, WindowOpened
from mimocode.messages import Message, Part, Usage, user
from mimocode.ports import StashKey

from . import hookspecs
from .measure import NAME, effective, estimate, gauge, of_message, of_opening, show_window, usable
from .settings import Compaction, Heard, compaction, heard
from .tail import HEARD, OWN, Tail, clip, cut

if TYPE_CHECKING:
    from mimocode.ports import Prompt
    from mimocode.session import Session
    from mimocode.state import State

MOST, SHARE = 65_000, 0.44
"""What a new window holds at most: tokens, and share of the window (65,000 of the usable 148,000 of a 200K one)."""
TAIL_MOST = 20_000
SMALLER = 0.9
"""A new window that is not at least this much smaller than the old one is not opened."""
QUICK, BREAK = 3, 3
"""So few answers in a window, so many times in a row: it fills up faster than work is done (demands.md A 4)."""
refused: StashKey[int] = StashKey("context.refused")
"""How much there was when a smaller window could not be made: not tried again before it is a tenth more."""


@dataclass
class Room:
    """How the budget of a new window is divided, in our own tokens. Each section's share is reserved for it."""

    recalled: int
    heard: int
    tail: int
    each: int
    """Of one earlier message of the user."""
    turns: int | None
    """Turns that the tail may reach back; None is any number."""
    exact: bool
    """The tail gets no room that others leave over."""


@dataclass
class Draft:
    """A window that is not open yet."""

    system: tuple[Part, ...]
    tools: tuple[Any, ...]
    messages: list[Message] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    outcome: str = "rebuilt"

    @property
    def size(self) -> int:
        """Tokens, as we count."""
        return of_opening(self.system, self.tools) + sum(map(of_message, self.messages))


async def keep_room(prompt: Prompt, session: Session) -> Prompt | None:
    """The request in a new window, if the old one is nearly full; else None. Waits for nobody."""
    if session.model is None or session.state.window is None:
        return None
    measured, room = gauge(session), usable(session, session.model.window)
    show_window(session, session.model.window)
    used = measured.used(session.state)
    if room <= 0:
        return None
    if used >= room and compaction(session).auto and _grown(session):
        await turn_over(session, f"{used:,} of {room:,} tokens were used", fallback=True)
        measured.used(session.state)
    else:
        await session.hooks.tell(hookspecs.context_grew, session=session, used=used, usable=room)
        return None
    return renewed(prompt, session)


def renewed(prompt: Prompt, session: Session) -> Prompt:
    """The same request in the window that is open now."""
    window = session.state.window
    assert window is not None
    return replace(prompt, system=window.system, tools=window.tools, messages=session.state.messages)


def _grown(session: Session) -> bool:
    """Whether there is anything since this window opened that a new one could leave out."""
    window = session.state.window
    assert window is not None
    fresh = list(session.state.messages)[len(window.messages) :]
    tried = session.stash.get(refused, 0) * 1.1 > gauge(session).raw(session.state)
    return not tried and any(m.role != "user" or not m.origin for m in fresh)


async def turn_over(
    session: Session,
    reason: str,
    *,
    summary: Part | None = None,
    usage: Usage | None = None,
    fallback: bool = False,
) -> bool:
    """Open a new window. False: it would not be smaller, so the old one stays.

    Args:
        summary: what a model wrote of the conversation, instead of what is recalled.
        usage: what that has cost.
        fallback: when nothing can be recalled, ask the model for a summary.
    """
    before = gauge(session).raw(session.state)
    quick = _quick(session)
    draft = await _drafted(session, before, summary, tight=quick >= BREAK)
    if fallback and draft.outcome not in ("rebuilt", "trimmed"):
        from .compact import summarise

        await session.notice(NAME, f"{draft.outcome}: the model is asked for a summary instead")
        summary, usage = await summarise(session, patience=40.0)
        if summary is not None:
            draft = await _drafted(session, before, summary, tight=False)
    after = draft.size
    if after > before * SMALLER:
        session.stash[refused] = before
        await _note(session, {"outcome": "insert-failed", "before": before, "after": after})
        fixed = f"{of_opening(draft.system, draft.tools):,} are the prompt, tools and memory, which stay"
        told = f"the context cannot be made smaller: of about {before:,} tokens {fixed}"
        await session.notice(NAME, told, "warning")
        return False
    session.stash.pop(refused, None)
    await session.emit(WindowOpened(draft.system, draft.tools, tuple(draft.messages), reason))
    data: dict[str, Any] = {"outcome": draft.outcome, "before": before, "after": after, "reason": reason}
    data |= {"quick": quick, "left_out": draft.left_out} | ({"usage": usage} if usage else {})
    await _note(session, data)
    told = f"new context window ({draft.outcome}): {before:,} tokens became {after:,}"
    if quick >= BREAK:
        told += f"; it filled up {quick} times in a row after few steps, so only the least was kept"
    await session.notice(NAME, told, "warning" if quick >= BREAK else "info")
    return True


async def _note(session: Session, data: dict[str, Any]) -> None:
    await session.emit(Noted(NAME, data))


def _quick(session: Session) -> int:
    """How many times in a row, this one included, a window was full after few answers."""
    window = session.state.window
    assert window is not None
    fresh = list(session.state.messages)[len(window.messages) :]
    if not window.messages or sum(message.role == "assistant" for message in fresh) > QUICK:
        return 0
    past = [note for note in session.state.notes.get(NAME, ()) if "quick" in note]
    return 1 + int(past[-1]["quick"] if past else 0)


async def _drafted(session: Session, before: int, summary: Part | None, *, tight: bool) -> Draft:
    """The largest draft within the budget that is also smaller than what there is."""
    offers = await session.hooks.collect(on.contribute, session=session)
    system = tuple(sorted((part for offer in offers for part in offer), key=lambda part: part.rank))
    tools = session.toolbox.offered(session.agent)
    fixed, left = of_opening(system, tools), budget(session, before)
    free = max(left - fixed, left // 3)
    rooms = _rooms(free, heard(session), compaction(session))
    if summary is not None:
        parts = [summary]
    else:
        said = await session.hooks.collect(hookspecs.recall, session=session, room=rooms.recalled)
        parts = sorted((part for offer in said for part in offer), key=lambda part: part.rank)
    draft = Draft(system, tools)
    for shrink in (8,) if tight else (1, 2, 4, 16):
        draft = Draft(system, tools, outcome="compacted" if summary else "rebuilt")
        _fill(draft, session.state, parts, rooms, shrink)
        if draft.size <= min(before * SMALLER, max(left, fixed + free)):
            break
    if tight:
        draft.outcome = "trimmed"
    return draft


def _rooms(free: int, said: Heard, wanted: Compaction) -> Room:
    tail = min(TAIL_MOST, free // 4)
    if wanted.preserve_recent_tokens is not None:
        tail = max(0, min(wanted.preserve_recent_tokens, free // 2))
    recalled = free // 2 - max(0, tail - free // 4)
    exact = wanted.preserve_recent_tokens is not None
    return Room(recalled, min(said.all, free // 5), tail, said.each, wanted.tail_turns, exact)


def budget(session: Session, before: int) -> int:
    """Tokens, as we count, that a new window may have in all."""
    window = effective(session, session.model.window) if session.model else 0
    whole = min(MOST, int(window * SHARE)) if window else MOST
    return min(int(whole / gauge(session).ratio), int(before * SMALLER))


def _fill(draft: Draft, state: State, parts: Sequence[Part], rooms: Room, shrink: int) -> None:
    recalled = list(_fitted(parts, rooms.recalled // min(shrink, 4), draft))
    left_over = 0 if rooms.exact else rooms.recalled - sum(estimate(text) for text in recalled)
    spare = max(0, left_over) // shrink
    kept = cut(state.messages, rooms.tail // shrink + spare, rooms.heard // shrink, rooms.each, rooms.turns)
    text = "\n\n".join([_prose("opening.md"), *recalled])
    messages = [user(text, origin=OWN)]
    if kept.heard:
        gone = f" {kept.unheard} more are only in the history." if kept.unheard else ""
        messages += [user(_prose("heard.md").format(unheard=gone), origin=OWN), *kept.heard]
    messages.append(user(seam(state, kept), origin=OWN))
    draft.messages = messages + kept.messages
    if kept.unheard:
        draft.left_out.append(f"{kept.unheard} of the user's messages")


def _fitted(parts: Sequence[Part], room: int, draft: Draft) -> Iterator[str]:
    if not any(part.text for part in parts):
        draft.outcome = next((part.source for part in parts), "nothing-recalled")
    for part in parts:
        size = estimate(part.text)
        if not part.text:
            continue
        if size > room:
            draft.left_out.append(part.source)
            if room < 200:
                continue
        yield clip(part.text, room, f"see {part.source}")
        room = max(0, room - size)


def seam(state: State, kept: Tail) -> str:
    """What to do next, from what the conversation has come to (runtime.md 12.1, 6)."""
    real = [message for message in state.messages if message.origin in ("", HEARD)]
    last = real[-1] if real else None
    if last is None or last.role == "tool" or state.open:
        kind = "unfinished"
    elif last.role == "user":
        kind = "asked" if any(message is last for message in kept.messages) else "unfinished"
    else:
        kind = "unfinished" if state.busy else "waiting"
    sections = _prose("seams.md").split("## ")
    return next(section.partition("\n")[2].strip() for section in sections if section.startswith(kind))


def _prose(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8").strip()
