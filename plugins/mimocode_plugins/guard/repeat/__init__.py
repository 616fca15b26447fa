"""Notice when an agent repeats the same calls without getting anywhere, and ask before it goes on.

The key is `doom_loop` of the permission rules, its pattern the tool's name. Where nobody can be asked (--yolo) the
call is refused instead, because approving everything would approve the loop; a rule `doom_loop: allow` lifts that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.messages import ToolCall
    from mimocode.ports import Ruling
    from mimocode.session import Session


@hookimpl
def rule_on_call(call: ToolCall, session: Session) -> Ruling | None:
    """Ask or deny when this call would close a circle."""
    from .detect import circle, signature, steps

    period = circle(steps(session.state, call), signature(call))
    if not period:
        return None
    from .ruling import rule

    return rule(call, session, period)
