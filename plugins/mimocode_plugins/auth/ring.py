"""The keyring of the system, behind three functions; nothing here imports it before it is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds for a keyring that asks its user to unlock it; one that waits for a screen that nobody has never answers."""
READING = 25.0
"""Seconds for reading; who asks waits for less, and says so."""
SERVICE = "mimocode"


def backend() -> Any | None:
    """The keyring, or None where there is none that keeps secrets safely."""
    try:
        import keyring

        found = keyring.get_keyring()
        members = getattr(found, "backends", None)
        # a chain is as good as its best member; the null and fail backends have a priority below 1
        best = members[0] if members else found
        return found if float(best.priority) >= 1 else None
    except Exception:  # whatever a backend raises while it looks for its daemon, there is no keyring
        return None


def name_of(ring: Any) -> str:
    """What the keyring is called."""
    return str(getattr(ring, "name", "") or type(ring).__name__)


def read(name: str) -> str | None:
    """The text that is kept for a provider; None when there is none or the keyring is locked or gone."""

    def look() -> Any:
        ring = backend()
        return ring.get_password(SERVICE, name) if ring is not None else None

    text = _answer(look, None, READING)
    return text if isinstance(text, str) else None


def write(name: str, text: str) -> bool:
    """Keep a text; False when the keyring does not take it, or does not answer."""

    def keep() -> bool:
        if (ring := backend()) is None:
            return False
        ring.set_password(SERVICE, name, text)
        return bool(ring.get_password(SERVICE, name) == text)

    return _answer(keep, False)


def remove(name: str) -> None:
    """Forget a text; one that is not there is no mistake."""

    def forget() -> None:
        if (ring := backend()) is not None:
            ring.delete_password(SERVICE, name)

    _answer(forget, None)


def _answer(ask: Callable[[], T], otherwise: T, patience: float | None = None) -> T:
    """What the keyring says; `otherwise` when it fails or does not answer in time: its thread is then left alone."""
    said: list[T] = []

    def run() -> None:
        try:
            said.append(ask())
        except Exception:  # whatever a backend raises, it did not take the secret
            return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE if patience is None else patience)
    return said[0] if said else otherwise
