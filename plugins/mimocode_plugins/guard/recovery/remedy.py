"""Send the agent back with the right words, or give up with a word to the user."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from .classify import diagnose, spent

if TYPE_CHECKING:
    from mimocode.session import Session


async def remedy(session: Session) -> str | None:
    """What to tell the model about its last answer; None when it can stand, or when telling did not help."""
    state = session.state
    if not state.messages or (found := diagnose(state.messages[-1], state.finish)) is None:
        return None
    texts = [said(name) for name in found.texts]
    before = spent(state.messages, texts)
    if before >= found.allowed(session.host.environ):
        await session.notice("recovery", found.trouble, "warning")
        return None
    return texts[min(before, len(texts) - 1)]


def said(name: str) -> str:
    """A text for the model."""
    return (resources.files(__package__) / f"{name}.md").read_text("utf-8").strip()
