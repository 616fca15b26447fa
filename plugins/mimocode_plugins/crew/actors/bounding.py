"""What a child may not do: use tools that its parent's agent lacks, or edit outside of its worktree.

Permission rules of its parents are the policy's to apply; this is what they do not speak about.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.ports import Ruling, Verdict

from ..children.team import LIVE

if TYPE_CHECKING:
    from mimocode.messages import ToolCall
    from mimocode.ports import Prompt
    from mimocode.session import Session


def cached_with(prompt: Prompt, session: Session) -> Prompt | None:
    """The prompt of a child that began as its parent was, under "<parent>/<child>"."""
    above: Session | None = session
    while above is not None and (live := above.stash.get(LIVE)) is not None and live.order.context == "full":
        above = above.parent
    return None if above is None or above is session else replace(prompt, session=f"{above.id}/{session.id}")


def ruling(call: ToolCall, session: Session) -> Ruling | None:
    """Deny what goes beyond; None if nothing does."""
    live = session.stash.get(LIVE)
    if live is None:
        return None
    above = session.parent
    while above is not None:
        if above.agent.tools and call.name not in {spec.name for spec in session.toolbox.offered(above.agent)}:
            return Ruling(Verdict.DENY, f"it works for the agent {above.agent.name}, which has no tool {call.name}")
        above = above.parent
    if live.directory and (outside := _outside(call, session, Path(live.directory))):
        why = f"{outside} lies outside of the worktree {live.directory} that this subagent works in"
        return Ruling(Verdict.DENY, why)
    return None


def _outside(call: ToolCall, session: Session, place: Path) -> str:
    """A path that would be changed, or that a command starts in, outside of the worktree."""
    spec = session.toolbox.specs.get(call.name)
    said = (spec.meta.get("mimocode") or {}) if spec else {}
    if spec is None or spec.read_only:
        return ""
    for name in said.get("paths") or ():
        for value in _values(call.arguments.get(name)):
            if not (session.directory / value).resolve().is_relative_to(place.resolve()):
                return value
    return ""


def _values(value: object) -> list[str]:
    return (
        [value]
        if isinstance(value, str)
        else [v for v in value if isinstance(v, str)]
        if isinstance(value, list)
        else []
    )
