"""The model's own summary, asked for as the next message on the same prefix, so that its cache is used."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from importlib.resources import files
from typing import TYPE_CHECKING

from mimocode.errors import MimoError
from mimocode.messages import Part, Usage, user
from mimocode.ports import Answer, Prompt

from .measure import NAME
from .tail import OWN
from .turnover import turn_over

if TYPE_CHECKING:
    from mimocode.session import Session

PATIENCE = 90.0
"""Seconds; a command may take 120."""


async def compact(session: Session, wanted: str = "") -> bool:
    """Summarise the conversation and go on in a new window; without a summary the record alone is taken along.

    Args:
        wanted: what the user wants kept in mind.
    """
    part, usage = await summarise(session, wanted)
    return await turn_over(session, "/compact", summary=part, usage=usage)


async def summarise(session: Session, wanted: str = "", patience: float = PATIENCE) -> tuple[Part | None, Usage | None]:
    """What the model writes of the conversation and what that cost; no part if it failed or took too long."""
    window = session.state.window
    assert window is not None and not session.state.open
    text = files(__package__).joinpath("summary.md").read_text("utf-8").strip()
    ask = user(f"{text}\n\nThe user adds: {wanted}" if wanted else text, origin=OWN)
    model = await session.open_model()
    prompt = Prompt(window.system, session.state.messages.plus(ask), window.tools, session.id, session.agent.options)
    answer: Answer | None = None
    try:
        async with asyncio.timeout(patience), aclosing(model.stream(prompt)) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                answer = piece if isinstance(piece, Answer) else answer
    except (MimoError, TimeoutError) as error:
        await session.notice(NAME, f"no summary ({error or 'it took too long'}); the record is taken along", "warning")
    said = answer.message.text.strip() if answer else ""
    return Part(f"# Summary\n{said}", 10, "summary") if said else None, answer.usage if answer else None
