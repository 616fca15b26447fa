"""Rule on every call by the permission rules of defaults, agent, settings and approvals (surface.md 7).

The files of a project that is not trusted may tighten and never loosen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.events import Event
    from mimocode.messages import ToolCall
    from mimocode.ports import Ruling, Setting
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `permission` and `tools`."""
    from .settings import PERMISSION, TOOLS

    return PERMISSION, TOOLS


@hookimpl
def rule_on_call(call: ToolCall, session: Session) -> Ruling:
    """The strictest rule about anything that the call touches."""
    from .ruling import rule

    return rule(call, session)


@hookimpl
async def on_event(event: Event, session: Session) -> None:
    """Remember approvals."""
    from .remember import watch

    await watch(event, session)
