"""Keeps the conversation inside the model's context window: opens a new window at once when the old one is nearly full.

What a new window begins with comes from the log and from whoever answers `recall`; nothing is waited for.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING

from mimocode.events import MessageAdded
from mimocode.hookspecs import hookimpl
from mimocode.ports import Command, Setting

if TYPE_CHECKING:
    from mimocode.events import Fact
    from mimocode.host import Host
    from mimocode.ports import Model, Prompt
    from mimocode.session import Session


@hookimpl
def register_hooks() -> ModuleType:
    """Bring `recall` and `context_grew`."""
    from . import hookspecs

    return hookspecs


@hookimpl
def register_settings() -> Iterable[Setting]:
    """`compaction`: when and how a full window is made smaller."""
    shape = "mimocode_plugins.context.window.settings:Compaction"
    return [Setting("compaction", shape, {}, "When and how a full context window is made smaller.")]


@hookimpl(tryfirst=True)
async def shape_prompt(prompt: Prompt, session: Session) -> Prompt | None:
    """Between steps is where a window changes: every call has its answer, and no request is on its way."""
    from .turnover import keep_room

    return await keep_room(prompt, session)


@hookimpl(trylast=True)
async def wrap_model(model: Model, session: Session) -> Model:
    """When a provider says that a request is too long, go on in a new window, once."""
    from .overflow import Fitting

    return Fitting(model, session)


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """Learn from what the provider counted."""
    if isinstance(fact, MessageAdded) and fact.usage is not None and fact.usage.input:
        from .measure import gauge

        gauge(session).learn(fact.usage.input)


@hookimpl
async def register_commands(host: Host) -> Iterable[Command]:
    """`/rebuild`, `/compact`, `/summarize`, `/context`, `/context-limit`."""
    from .commands import COMMANDS

    return COMMANDS
