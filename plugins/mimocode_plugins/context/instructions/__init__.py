"""Puts AGENTS.md, CLAUDE.md and the files of `instructions` in front of the model, within a budget."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl
from mimocode.messages import Part, ToolCall
from mimocode.ports import Setting, ToolResult

if TYPE_CHECKING:
    from mimocode.session import Session

RANK = 30


@hookimpl
def register_settings() -> Iterable[Setting]:
    """`instructions`: more files than those that are found by their names."""
    return [
        Setting(
            "instructions",
            list[str],
            [],
            "More instruction files: absolute or ~/ paths and globs, or globs that are looked for from the working"
            " directory up to the project root. Addresses are not fetched.",
            needs_trust=True,
        )
    ]


@hookimpl
async def contribute(session: Session) -> Iterable[Part]:
    """Every instruction file as a part of its own, the most general first; says what was read and what was not."""
    import asyncio

    from .discover import Places, candidates
    from .load import gather

    host = session.host
    places = Places.of(session.directory, host.root, host.paths.config, host.environ)
    wanted = list(host.settings["instructions"])
    found = await asyncio.to_thread(lambda: gather(candidates(places, wanted)))
    if session.parent is None and (line := found.report(session.directory)):
        await session.notice("instructions", line, "info")
    return [Part(text, RANK, source) for source, text in found.texts]


@hookimpl
async def shape_result(result: ToolResult, call: ToolCall, session: Session) -> ToolResult | None:
    """Add the instructions of a subfolder when a file in it is read for the first time in a window."""
    spec = session.toolbox.specs.get(call.name)
    touches = spec.meta.get("mimocode") if spec is not None and not result.error else None
    if not touches or touches.get("permission") != "read":
        return None
    import asyncio

    from .nearby import added

    paths = [str(call.arguments.get(name, "")) for name in touches.get("paths", ())]
    return await asyncio.to_thread(added, result, paths, session)
