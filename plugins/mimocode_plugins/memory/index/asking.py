"""What the user is asked before the agent confirms or forgets an item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.errors import ToolFailed

from ..shelf import shelf

if TYPE_CHECKING:
    from mimocode.session import Session


def question(operation: str, id: str, session: Session) -> str:
    """The question, or "" when there is nothing to ask: what the agent proposed itself it may take back."""
    try:
        item = shelf(session.host, session.id).find(id.removeprefix("m:"))
    except ToolFailed:
        return ""  # the tool says that there is none
    if operation == "forget":
        return f'forget "{item.text}"?' if item.status != "proposed" else ""
    return f'remember for later sessions, as something you stand for: "{item.text}"?'
