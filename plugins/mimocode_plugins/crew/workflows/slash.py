"""`/workflow` and `/team`: runs in the background of a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.errors import MimoError

from .engine import Run, new_run, old_run
from .journal import find
from .runs import begin, running, stop
from .sources import workflows

if TYPE_CHECKING:
    from mimocode.session import Session


async def workflow(arguments: str, session: Session) -> None:
    """`/workflow NAME words`, `/workflow resume ID`, `/workflow cancel`."""
    name, _, rest = arguments.strip().partition(" ")
    try:
        if not name:
            known = ", ".join(workflows(session.host))
            now = ", ".join(running(session)) or "none"
            await session.notice("workflow", f"There is {known}. At work: {now}.")
        elif name == "cancel":
            await stop(session)
            await session.notice("workflow", "Stopped; /workflow resume goes on.")
        elif name == "resume":
            await _begin(old_run(session, find(session.host, rest.strip())), session)
        else:
            await _begin(new_run(session, name, {"text": rest.strip()}), session)
    except MimoError as error:
        await session.notice("workflow", str(error), "error")


async def team(arguments: str, session: Session) -> None:
    """`/team <change>`."""
    if not arguments.strip():
        await session.notice("team", "Say what is to be changed: /team <change>", "error")
        return
    await workflow(f"team {arguments}", session)


async def _begin(run: Run, session: Session) -> None:
    begin(run, session, background=True)
    await session.notice("workflow", f"{run.id} works in the background; /actors shows its agents.")
