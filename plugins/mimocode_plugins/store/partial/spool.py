"""One file for each session that is answering; written without a buffer, because a killed process flushes nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.events import MessageAdded, Retrying, TextDelta, TurnEnded
from mimocode.messages import Message, Text
from mimocode.ports import StashKey

if TYPE_CHECKING:
    from mimocode.events import Event
    from mimocode.session import Session

MARK = "\n[This answer was cut off here.]"


@dataclass
class Spool:
    """An open file and what is in it."""

    path: Path
    handle: int = -1
    said: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Append. A disk that is full costs this copy, not the answer."""
        self.said.append(text)
        try:
            if self.handle < 0:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
                self.handle = os.open(self.path, flags, 0o600)
            os.write(self.handle, text.encode("utf-8", "replace"))
        except OSError:
            return

    def empty(self) -> None:
        """What is in it is whole elsewhere, or void."""
        if self.said:
            self.said.clear()
            if self.handle >= 0:
                os.ftruncate(self.handle, 0)


_spool: StashKey[Spool] = StashKey("store.partial")


def _of(session: Session) -> Spool:
    spool: Spool | None = session.stash.get(_spool)
    if spool is None:
        path = session.host.paths.data / "partial" / f"{session.id}.txt"
        spool = session.stash[_spool] = Spool(path)
    return spool


async def follow(event: Event, session: Session) -> None:
    """Keep the file what the answer so far is."""
    spool = _of(session)
    match event:
        case TextDelta(text=text):
            spool.add(text)
        case Retrying():
            spool.empty()
        case MessageAdded(message=message) if message.role == "assistant":
            spool.empty()
        case TurnEnded() if spool.said:
            text = "".join(spool.said)
            spool.empty()
            await _keep(text, session)


async def found(session: Session) -> None:
    """The file that a dead process left: its text is kept if the turn it belongs to is still open."""
    spool = _of(session)
    try:
        text = spool.path.read_bytes().decode("utf-8", "ignore")
    except OSError:
        return
    messages = session.state.messages
    whole = bool(messages) and messages[-1].role == "assistant"  # it died between writing the log and emptying the file
    if session.state.busy and not whole:
        await _keep(text, session)
    spool.path.unlink(missing_ok=True)


async def _keep(text: str, session: Session) -> None:
    if text.strip():
        await session.emit(MessageAdded(Message("assistant", (Text(text.rstrip()), Text(MARK))), finish="cut"))


def close(session: Session) -> None:
    """Take the file away."""
    spool = _of(session)
    if spool.handle >= 0:
        os.close(spool.handle)
        spool.handle = -1
        if not spool.said:
            spool.path.unlink(missing_ok=True)
