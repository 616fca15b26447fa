"""Put questions to the user and wait for the answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mimocode.errors import ToolFailed
from mimocode.events import Noted

if TYPE_CHECKING:
    from mimocode.session import Session

NOTES = "question"
ANSWERED = "questions"
"""Key of `host.options` by which a front end says that somebody is there to answer."""
_NOBODY = "Nobody is there to answer. Decide yourself, and say at the end what you assumed."


async def ask(
    session: Session, call: str, questions: Sequence[dict[str, Any]], nobody: str = _NOBODY
) -> list[list[str]]:
    """Wait for the answers: one list of texts per question. `nobody` is said where nobody can answer.

    Raises:
        ToolFailed: nobody can answer, or the user does not want to.
    """
    if not questions:
        raise ToolFailed("questions is empty.")
    if not call or not session.host.options.get(ANSWERED) or session.host.options.get("never_ask"):
        raise ToolFailed(nobody)
    given = session.expect_approval(call)
    await session.emit(Noted(NOTES, {"call": call, "questions": list(questions)}))
    answer = await given
    if not answer.allow:
        raise ToolFailed(f"The user did not answer{f': {answer.message}' if answer.message else '.'}")
    return answers(answer.message, len(questions))


def answers(message: str, count: int) -> list[list[str]]:
    """What was answered to each of `count` questions; a text that is not the list meant here answers the first."""
    try:
        value = json.loads(message)
    except ValueError:
        value = None
    if isinstance(value, list) and all(isinstance(item, str | list) for item in value):
        lists = [[item] if isinstance(item, str) else [str(text) for text in item] for item in value][:count]
    else:
        lists = [[message]] if message.strip() else []
    return lists + [[] for _ in range(count - len(lists))]
