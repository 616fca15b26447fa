"""Write every ruling on a call that may change something into the log, for `mimo audit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mimocode.events import Noted
from mimocode.ports import Ruling, Verdict

from ..policy import BASH_WRITE, FOREIGN, RULINGS
from .ruling import Judged

if TYPE_CHECKING:
    from mimocode.messages import ToolCall
    from mimocode.session import Session

MOST, LONGEST = 50, 2_000
"""Things of one call that are written down, and characters of each."""


async def note(call: ToolCall, judged: Sequence[Judged], ruling: Ruling, session: Session) -> None:
    """Note what a call touches and how it was decided. What only reads and is allowed leaves no trace."""
    spec = session.toolbox.specs.get(call.name)
    if ruling.verdict is Verdict.ALLOW and spec is not None and spec.read_only:
        return
    touched: dict[str, list[str]] = {}
    for each in judged[:MOST]:
        if each.touch.key not in (BASH_WRITE, FOREIGN) or each.decision.verdict is not Verdict.ALLOW:
            texts = touched.setdefault(each.touch.key, [])
            if each.touch.pattern[:LONGEST] not in texts:
                texts.append(each.touch.pattern[:LONGEST])
    rule = ruling.reason or "; ".join(dict.fromkeys(each.line for each in judged))
    said = {"call": call.id, "verdict": ruling.verdict.name.lower(), "rule": rule[:LONGEST], "touched": touched}
    await session.emit(Noted(RULINGS, said))
