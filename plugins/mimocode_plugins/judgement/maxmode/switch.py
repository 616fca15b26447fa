"""Whether Max Mode is on for a step, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mimocode.errors import UsageError

if TYPE_CHECKING:
    from mimocode.ports import Prompt
    from mimocode.session import Session

PLUGIN = "maxmode"
AGENT = "max"
"""The agent that always thinks like this; the setting switches it on for `build` (DESIGN.md 8)."""
FEWEST, MOST, USUAL = 2, 16, 5


@dataclass(frozen=True)
class Wish:
    """How many candidates, when, judged by whom, and for how much money beyond the ordinary (US dollars)."""

    candidates: int = USUAL
    when: Literal["always", "on_failure", "on_plan"] = "always"
    model: str = ""
    cost_cap: float = 0.0


def wish(session: Session) -> Wish | None:
    """What holds for this session; None when Max Mode is off."""
    if session.parent is not None:
        return None
    experimental = session.host.settings["experimental"] if "experimental" in session.host.settings else {}  # noqa: SIM401  not a dict
    said = _field(experimental, "maxMode")
    base = _wish(said)
    notes = session.state.notes.get(PLUGIN, ())
    switched = next((note for note in reversed(notes) if note.get("op") == "switch"), None)
    option = session.host.options.get("max")
    if switched is not None:
        return _count(base, int(switched["candidates"])) if switched["on"] else None
    if option:
        return _count(base, 0 if option is True else int(option))
    if session.agent.name == AGENT:
        return base
    return base if said and session.agent.name == "build" else None


def _field(table: Any, name: str) -> Any:
    return table.get(name) if isinstance(table, Mapping) else getattr(table, name, None)


def _wish(said: Any) -> Wish:
    if not said or said is True:
        return Wish()
    given = {name: _field(said, name) for name in ("candidates", "when", "model", "cost_cap")}
    return Wish(**{name: value for name, value in given.items() if value is not None})


def _count(base: Wish, candidates: int) -> Wish:
    return Wish(counted(candidates), base.when, base.model, base.cost_cap) if candidates else base


def counted(candidates: int) -> int:
    """A number of candidates that makes sense.

    Raises:
        UsageError: it does not.
    """
    if not FEWEST <= candidates <= MOST:
        raise UsageError(f"Max Mode compares {FEWEST} to {MOST} candidates, not {candidates}")
    return candidates


def due(wanted: Wish, prompt: Prompt) -> bool:
    """Whether this step is one of those that Max Mode is for."""
    if not prompt.messages or wanted.when == "always":
        return True
    if wanted.when == "on_plan":
        return prompt.messages[-1].role == "user"
    latest = []
    for message in reversed(prompt.messages):
        if message.role != "tool":
            break
        latest.append(message)
    return any(message.error for message in latest)
