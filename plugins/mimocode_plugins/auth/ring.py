"""The keyring of the system, behind three functions; nothing here imports it before it is needed."""

from __future__ import annotations

from typing import Any

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
    ring = backend()
    try:
        text = ring.get_password(SERVICE, name) if ring is not None else None
    except Exception:
        return None
    return text if isinstance(text, str) else None


def write(name: str, text: str) -> bool:
    """Keep a text; False when the keyring does not take it."""
    ring = backend()
    try:
        if ring is None:
            return False
        ring.set_password(SERVICE, name, text)
        return bool(ring.get_password(SERVICE, name) == text)
    except Exception:
        return False


def remove(name: str) -> None:
    """Forget a text; one that is not there is no mistake."""
    ring = backend()
    try:
        if ring is not None:
            ring.delete_password(SERVICE, name)
    except Exception:
        return
