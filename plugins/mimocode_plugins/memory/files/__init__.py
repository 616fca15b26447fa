"""Keeps what is remembered in Markdown files, puts it before the model, and guards who writes what.

Layers and places are those of runtime.md 2.1: per session, per project, global.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.events import CallFinished, CallStarted, Noted
from mimocode.hookspecs import hookimpl
from mimocode.messages import Part, ToolCall
from mimocode.ports import Ruling, Setting

if TYPE_CHECKING:
    from mimocode.events import Fact
    from mimocode.host import Host
    from mimocode.session import Session

    from .lending import Lent

RANK = 40


@hookimpl
def register_settings() -> Iterable[Setting]:
    """`memory`: whether writing is off, and whether Claude Code's memory is read too."""
    return [Setting("memory", "mimocode_plugins.memory.settings:Memory", {}, "What may be remembered.")]


@hookimpl
async def contribute(session: Session) -> Iterable[Part]:
    """What is known of the user and the project, within a budget, and where memory is; says what was left out."""
    import asyncio

    from .opening import gather

    opening = await asyncio.to_thread(gather, session)
    if session.parent is None and opening.report:
        await session.notice("memory", opening.report, "info")
        told = {"loaded": opening.loaded, "left": opening.left, "waiting": opening.waiting}
        await session.emit(Noted("recall", told))
    return [Part(opening.text, RANK, "memory")]


@hookimpl
async def rule_on_call(call: ToolCall, session: Session) -> Ruling | None:
    """Each writer has its own files below the memory folder (runtime.md 2.7)."""
    spec = session.toolbox.specs.get(call.name)
    said = spec.meta.get("mimocode", {}) if spec is not None and not spec.read_only else {}
    if not (said.get("paths") or said.get("patch")):
        return None
    from ..layout import ready
    from .guard import rule

    await ready(session.host)
    return rule(call, session)


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """What a tool writes into MEMORY.md past us is kept as proposed until the user stands for it."""
    if isinstance(fact, CallStarted | CallFinished):
        from .watch import after, before

        if isinstance(fact, CallStarted):
            await before(fact.call_id, session)
        else:
            await after(fact, session)


@hookimpl(optionalhook=True)
async def open_memory(host: Host) -> Lent:
    """Hand the project's memory to those who tidy it."""
    from .lending import lend

    return await lend(host)


@hookimpl(optionalhook=True)
async def open_past(host: Host) -> Lent:
    """Tell those who look at what was done which sessions are the project's, and what a secret is."""
    from .lending import lend

    return await lend(host)
