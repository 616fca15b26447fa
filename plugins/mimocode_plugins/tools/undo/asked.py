"""From what was asked for to a plan in words, for the slash commands and the command line alike."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import ToolFailed, UsageError
from mimocode.events import Entry

from ..place import Place
from . import record, taking
from .journal import blobs_of
from .plan import Choice, Plan, described

if TYPE_CHECKING:
    from mimocode.session import Session

WORDS = {"preview", "diff", "force", "keep"}
"""What may be said behind a slash command."""
_SAID = 60


@dataclass(frozen=True)
class Wish:
    """What is to be taken back or put back, with everything that is needed to do it."""

    entries: Sequence[Entry]
    plan: Plan
    headline: str
    to: int = 0
    undo: Entry | None = None

    def lines(self, session: Session, diff: bool) -> list[str]:
        """The wish in words."""
        place = Place(Path(session.host.root), Path(session.host.root))
        files = described(self.plan, place, blobs_of(session), diff)
        return [f"{self.headline}:", *files] if files else [f"{self.headline}; no file changes with it."]

    async def grant(self, session: Session, choice: Choice) -> None:
        """Carry it out.

        Raises:
            ToolFailed: a file cannot be changed; all is as it was.
            UsageError: files were changed by somebody else and nothing was chosen for them.
        """
        plan = self.plan
        if not choice and (plan.contested or plan.lost):
            raise UsageError(_refusal(plan))
        chosen = plan.chosen(choice)
        if self.undo is None:
            await taking.take_back(session, self.entries, self.to, chosen)
        else:
            await taking.put_back(session, self.entries, self.undo, chosen)


async def wish(what: str, session: Session, turns: int = 1, number: int = 0) -> Wish:
    """Find out what taking back `turns` turns, or the message `number` and what follows, or putting back, would do.

    Raises:
        UsageError: there is nothing of the kind.
    """
    entries = await taking.log_of(session)
    if what == "redo":
        undo = record.taken(entries)
        if undo is None:
            raise UsageError("there is nothing to put back: nothing was taken back, or the conversation went on since")
        back = record.turns([e for e in record.standing(entries[: undo.seq]) if e.seq > undo.event.data["to"]])  # type: ignore[union-attr]
        return Wish(entries, await taking.redo_plan(session, undo), _headline("Puts back", back), undo=undo)
    known = record.turns(record.standing(entries))
    if not known:
        raise UsageError("there is no turn to take back")
    first = number or len(known) + 1 - turns
    if not 1 <= first <= len(known):
        many = f"are {len(known)} turns" if len(known) > 1 else "is 1 turn"
        raise UsageError(f"there {many}, numbered from 1: {number or turns} is not among them")
    to = known[first - 1].seq - 1
    return Wish(entries, await taking.undo_plan(session, entries, to), _headline("Takes back", known[first - 1 :]), to)


def _headline(verb: str, turns: Sequence[record.Turn]) -> str:
    many = f"{len(turns)} turns, from" if len(turns) != 1 else "the turn"
    return f"{verb} {many} {_quoted(turns[0].said)}" if turns else f"{verb} nothing that was said"


def _quoted(said: str) -> str:
    line = " ".join(said.split())
    return f'"{line[:_SAID]}{"..." * (len(line) > _SAID)}"'


def _refusal(plan: Plan) -> str:
    names = [Path(path).name for path in (*(step.path for step in plan.contested), *(path for path, _ in plan.lost))]
    many = (
        f"{len(names)} files would not come back as they were"
        if len(names) > 1
        else "1 file would not come back as it was"
    )
    force = " or force to put them back all the same" if plan.contested else ""
    return f"nothing was done: {many} ({', '.join(names)}); choose keep to leave such files alone{force}"


async def listed(session: Session) -> list[str]:
    """The messages that one can go back to."""
    found = record.turns(record.standing(await taking.log_of(session)))
    return [
        f"{t.number:3}  {time.strftime('%Y-%m-%d %H:%M', time.localtime(t.time))}  {_quoted(t.said)}" for t in found
    ]


async def slash(what: str, arguments: str, session: Session) -> None:
    """Carry out a slash command and say what was done."""
    if session.state.busy:
        await session.notice("undo", f"Stop the agent first, then /{what}.", "warning")
        return
    words = set(arguments.lower().replace("--", "").split())
    numbers = {word for word in words if word.isdecimal() and what != "redo"}
    if strange := words - numbers - WORDS:
        how = f"Say /{what} alone, or with preview, diff, force or keep"
        await session.notice("undo", f"{how}; {' '.join(sorted(strange))!r} is none of these.", "warning")
        return
    number = max(map(int, numbers), default=0)
    choice: Choice = "force" if "force" in words else "keep" if "keep" in words else ""
    try:
        if what == "revert" and not number:
            lines = await listed(session) or ["There is nothing to go back to."]
            await session.notice(
                "undo", "\n".join([*lines, "/revert NUMBER takes that message and all after it back."])
            )
            return
        found = await wish(what, session, number or 1) if what == "undo" else await wish(what, session, number=number)
        lines = found.lines(session, "diff" in words)
        if words & {"preview", "diff"}:
            await session.notice("undo", "\n".join([*lines, f"Nothing was changed yet: /{what} does it."]))
            return
        await found.grant(session, choice)
    except (UsageError, ToolFailed) as error:
        await session.notice("undo", f"{str(error)[:1].upper()}{str(error)[1:]}.".replace("..", "."), "warning")
        return
    after = "" if what == "redo" else "\n/redo puts it back."
    await session.notice("undo", "\n".join(lines).replace("Takes", "Took").replace("Puts", "Put", 1) + after)
