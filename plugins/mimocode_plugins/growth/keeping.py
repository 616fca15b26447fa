"""What a plugin of this family remembers between runs: one small JSON file per project, and when it ran last."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mimocode.host import Host


def folder(host: Host, plugin: str, project: Path) -> Path:
    """Where a plugin keeps what belongs to a project."""
    return host.paths.data / plugin / sha256(str(project).encode()).hexdigest()[:16]


def looked_through(sessions: int) -> str:
    """How many sessions, for people."""
    return f"{sessions} session{'s' * (sessions != 1)} looked through"


def load(place: Path) -> dict[str, Any]:
    """What was kept; nothing when there is nothing that can be read."""
    try:
        kept = json.loads((place / "state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def save(place: Path, state: dict[str, Any]) -> None:
    """Keep it, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    write(place / "state.json", json.dumps(state, indent=1, ensure_ascii=False) + "\n")


def write(path: Path, text: str) -> None:
    """Put a text in place of a file at once.

    Raises:
        OSError: it cannot be written; nothing has changed then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


@contextmanager
def alone(place: Path) -> Iterator[bool]:
    """Whether no other process is at the same work; true holds until the context ends."""
    place.mkdir(parents=True, exist_ok=True)
    handle = os.open(place / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
