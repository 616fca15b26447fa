"""`/workflow` and `/team`: runs in the background of a conversation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mimocode.errors import MimoError
from mimocode.events import Say
from mimocode.ports import StashKey

from .cli import shown
from .engine import Run, new_run, old_run
from .journal import find
from .sources import workflows

if TYPE_CHECKING:
    from mimocode.session import Session

NOTE = 4000
"""Characters of a result that the conversation gets (runtime.md 10.3)."""
_running: StashKey[dict[str, asyncio.Task[None]]] = StashKey("crew.workflows.running")


async def workflow(arguments: str, session: Session) -> None:
    """`/workflow NAME words`, `/workflow resume ID`, `/workflow cancel`."""
    name, _, rest = arguments.strip().partition(" ")
    running = session.stash.setdefault(_running, {})
    try:
        if not name:
            known = ", ".join(workflows(session.host))
            await session.notice("workflow", f"There is {known}. At work: {', '.join(running) or 'none'}.")
        elif name == "cancel":
            await close(session)
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
    running = session.stash.setdefault(_running, {})
    running[run.id] = asyncio.create_task(_work(run, session), name=f"workflow {run.id}")
    await session.notice("workflow", f"{run.id} works in the background; /actors shows its agents.")


async def _work(run: Run, session: Session) -> None:
    outcome = await run.work()
    session.stash.setdefault(_running, {}).pop(run.id, None)
    text = f"The workflow {run.id} ended: {outcome.state}. {outcome.why}".strip()
    if outcome.value is not None:
        text = f"{text}\n{shown(outcome.value)[:NOTE]}"
    await session.submit(
        Say(f"<workflow>\n{text}\n</workflow>\nTell the user in short what came of it.", origin="workflow")
    )


async def close(session: Session) -> None:
    """Stop all runs."""
    tasks = list(session.stash.setdefault(_running, {}).values())
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=8)
    session.stash.setdefault(_running, {}).clear()
