"""`/workflow` and `/team`: runs in the background of a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.errors import UsageError

from .engine import Run, new_run, old_run
from .journal import find
from .runs import begin, running, stop
from .sources import workflows

if TYPE_CHECKING:
    from mimocode.session import Session


async def workflow(arguments: str, session: Session) -> str | None:
    """`/workflow NAME words`, `/workflow resume ID`, `/workflow cancel`; what the agent is told of a run, if at all.

    Raises:
        MimoError: there is no such workflow or run, or it cannot be begun.
    """
    name, _, rest = arguments.strip().partition(" ")
    if not name:
        known = ", ".join(workflows(session.host))
        now = ", ".join(running(session)) or "none"
        await session.notice("workflow", f"There is {known}. At work: {now}.")
        return None
    if name == "cancel":
        await stop(session)
        await session.notice("workflow", "Stopped; /workflow resume goes on.")
        return None
    if name == "resume":
        return await _begin(old_run(session, find(session.host, rest.strip())), session)
    return await _begin(new_run(session, name, {"text": rest.strip()}), session)


async def team(arguments: str, session: Session) -> str | None:
    """`/team <change>`.

    Raises:
        UsageError: nothing is said of the change.
    """
    if not arguments.strip():
        raise UsageError("say what is to be changed: /team <change>")
    return await workflow(f"team {arguments}", session)


async def _begin(run: Run, session: Session) -> str | None:
    """Set it to work. A conversation that ends with its turn has one: the agent waits for the run, and tells of it."""
    begin(run, session, background=True)
    await session.notice("workflow", f"{run.id} works in the background; /actors shows its agents.")
    if not session.host.options.get("headless"):
        return None
    told = f"The workflow {run.journal.head['name']} is at work ({run.id}). "
    return told + "Say so in one line and end your turn: you get its result then."
