"""Put the pieces together: what the model reads of a result that was too long."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING

from mimocode.messages import Text

from .keep import collect, keep
from .shorten import Cut, shorten

if TYPE_CHECKING:
    from pathlib import Path

    from mimocode.messages import ToolCall
    from mimocode.ports import ToolResult
    from mimocode.session import Session


async def shape(result: ToolResult, call: ToolCall, session: Session) -> ToolResult | None:
    """The result with its text cut and a hint where the whole is; None if it fits or the tool cut it itself."""
    if result.display is not None and "truncated" in result.display:
        return None
    text = result.text
    cut = shorten(text)
    if cut is None:
        return None
    folder = session.host.paths.data / "tool-output"
    try:
        path = await asyncio.to_thread(keep, folder, call.id, text)
        hint = _hint("hint.md", cut, path=str(path))
    except OSError as error:
        hint = _hint("lost.md", cut, why=error.strerror or str(error))
    else:
        await _tidy(session, folder)
    shown = f"{cut.head.rstrip()}\n\n{hint}" + (f"\n\n{cut.tail}" if cut.tail else "")
    others = tuple(block for block in result.content if not isinstance(block, Text))
    return replace(result, content=(Text(shown), *others), display={**(result.display or {}), "truncated": True})


async def _tidy(session: Session, folder: Path) -> None:
    try:
        await asyncio.to_thread(collect, folder)
    except OSError as error:
        session.host.report("truncate", error)


def _hint(name: str, cut: Cut, **more: str) -> str:
    form = (resources.files(__package__) / name).read_text("utf-8").strip()
    where = " here" if cut.tail else " after this"
    return form.format(gone=cut.gone, lines=cut.lines, where=where, size=f"{cut.size / 1024:.0f}", **more)
