"""What running calls have printed so far: in a small file, which a killed process leaves behind for the next one."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.events import CallFinished, MessageAdded, ToolProgress, TurnEnded
from mimocode.messages import Text, user
from mimocode.ports import StashKey
from mimocode.session import INTERRUPTED

if TYPE_CHECKING:
    from mimocode.events import Event
    from mimocode.session import Session

LONGEST = 8000
"""Characters of one call, the last ones."""
TOLD = '<interrupted call="{name}">\nUntil it was cut short it had printed:\n{text}\n</interrupted>'


@dataclass
class Printed:
    """By call, and in the file."""

    path: Path
    texts: dict[str, str] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)
    """What calls had printed that were cut short in this turn."""

    def write(self) -> None:
        """Whole or not at all. A disk that is full costs this copy, not the call."""
        with suppress(OSError):
            if not self.texts:
                self.path.unlink(missing_ok=True)
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft = self.path.with_suffix(".new")
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
                json.dump(self.texts, file)
            draft.replace(self.path)


_printed: StashKey[Printed] = StashKey("store.printed")


def _of(session: Session) -> Printed:
    if _printed not in session.stash:
        session.stash[_printed] = Printed(session.host.paths.data / "partial" / f"{session.id}.calls")
    printed: Printed = session.stash[_printed]
    return printed


async def follow(event: Event, session: Session) -> None:
    """Keep the file what the calls that run have printed; what those had that were cut short joins the conversation.

    The kernel answers a call that was cut short, and every call needs its answer before anything else may be said.
    """
    printed = _of(session)
    match event:
        case ToolProgress(call_id=id, text=text):
            printed.texts[id] = (printed.texts.get(id, "") + text)[-LONGEST:]
            printed.write()
        case CallFinished(call_id=id, content=(Text(text=text), *_)) if id in printed.texts and text == INTERRUPTED:
            made = (call for message in reversed(session.state.messages) for call in message.calls)
            name = next((call.name for call in made if call.id == id), "")
            if (text := printed.texts.pop(id)).strip():
                printed.cut.append(
                    TOLD.format(name=name, text=text.rstrip().replace("</interrupted", "<\\/interrupted"))
                )
            printed.write()
        case CallFinished(call_id=id) if id in printed.texts:
            del printed.texts[id]
            printed.write()
        case TurnEnded() if printed.cut:
            told, printed.cut = "\n".join(printed.cut), []
            await session.emit(MessageAdded(user(told, origin="interrupted")))


async def found(session: Session) -> None:
    """The file that a dead process left: its calls are answered with what they had printed."""
    path = _of(session).path
    try:
        left: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        left = None
    for call in list(session.state.unanswered):
        if isinstance(left, dict) and isinstance(text := left.get(call.id), str) and text.strip():
            told = f"{INTERRUPTED} Until then it had printed:\n{text}"
            await session.emit(CallFinished(call.id, (Text(told),), error=True))
    path.unlink(missing_ok=True)
