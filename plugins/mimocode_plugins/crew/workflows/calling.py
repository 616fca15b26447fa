"""What the tool `workflow` does, an action each."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mimocode.errors import ToolFailed, UsageError

from ..children.settings import bounds
from ..children.team import depth
from . import runs
from .engine import new_run, old_run
from .journal import latest
from .sources import workflow, workflows

if TYPE_CHECKING:
    from mimocode.session import Session

PATIENCE = 600.0
"""Seconds that run, resume and wait last before a run goes on in the background."""
LISTED = 10
"""Runs that are listed."""


@dataclass(frozen=True)
class Wish:
    """The arguments of a call, as they came."""

    name: str = ""
    script: str = ""
    args: Any = None
    workspace: str = ""
    background: bool = False
    id: str = ""
    timeout: float = PATIENCE


async def run(session: Session, wish: Wish) -> str:
    """Begin one."""
    if depth(session) >= bounds(session.host).depth:
        raise ToolFailed("Its agents would stand too deep below the user; do this yourself.")
    if bool(wish.name) is bool(wish.script.strip()):
        raise ToolFailed("Give either the name of a workflow or a script. list says what there is.")
    if wish.name and not workflow(session.host, wish.name).trusted:
        raise ToolFailed(
            f"{wish.name} came with a project that the user has not trusted; they can start it themselves."
        )
    made = new_run(session, wish.name, _args(wish.args), script=wish.script, workspace=wish.workspace)
    return await _begun(session, runs.begin(made, session, background=wish.background), wish)


async def resume(session: Session, wish: Wish) -> str:
    """Go on with one."""
    if wish.id in runs.running(session):
        raise ToolFailed(f"{wish.id} is at work; wait for it.")
    made = old_run(session, runs.journal(session, _id(wish)))
    return await _begun(session, runs.begin(made, session, background=wish.background), wish)


async def _begun(session: Session, work: runs.Work, wish: Wish) -> str:
    if wish.background:
        return f"{work.run.id} works in the background; you are told when it is over."
    return await runs.wait(work, wish.timeout)


def _id(wish: Wish) -> str:
    if not wish.id:
        raise ToolFailed("Say in id which run; status lists them.")
    return wish.id


def _args(given: Any) -> Mapping[str, Any]:
    """What the script gets; text alone is args["text"]."""
    if isinstance(given, str):
        with suppress(ValueError):
            given = json.loads(given)
    if given in (None, ""):
        return {"text": ""}
    return {"text": "", **given} if isinstance(given, dict) else {"text": given}


async def list_(session: Session, wish: Wish) -> str:
    """What can be run."""
    lines = []
    for name, each in workflows(session.host).items():
        try:
            _, meta = each.read()
        except UsageError as error:
            lines.append(f"{name}: cannot be run: {error}")
            continue
        if not each.trusted:
            continue
        what = [
            meta.description,
            f"When: {meta.when}." * bool(meta.when),
            f"args: {meta.arguments}." * bool(meta.arguments),
        ]
        lines.append(f"{name}: {' '.join(part for part in what if part)}")
    return "\n".join(lines)


async def status(session: Session, wish: Wish) -> str:
    """How runs stand; of one also what it said so far."""
    if wish.id:
        found = runs.journal(session, wish.id)
        return f"{_line(runs.overview(found, session))}\n{runs.transcript(found)}"
    lines = [_line(runs.overview(each, session)) for each in latest(session.host)[:LISTED]]
    return "\n".join(lines) or "There were no runs yet."


def _line(seen: Mapping[str, Any]) -> str:
    phase = f", phase {seen['phase']}" if seen["phase"] else ""
    return f"{seen['id']} {seen['name']} [{seen['state']}]{phase}, agents: {seen['done']} done, {seen['failed']} failed"


async def wait(session: Session, wish: Wish) -> str:
    """Wait for one, or for all that are at work here."""
    works = dict(runs.running(session))
    if wish.id and wish.id not in works:
        return await status(session, wish)
    wanted = [work for id, work in works.items() if wish.id in ("", id)]
    return "\n\n".join([await runs.wait(work, wish.timeout) for work in wanted]) or "Nothing is at work."


async def cancel(session: Session, wish: Wish) -> str:
    """Stop one, or all that are at work here; one that is over stays as it is."""
    if wish.id:
        runs.journal(session, wish.id)
    gone = await runs.stop(session, {wish.id} if wish.id else None)
    return f"Stopped: {', '.join(gone)}. resume goes on with it." if gone else "It is not at work."


def display(session: Session, action: str, wish: Wish) -> dict[str, Any]:
    """For the screen: what is at work."""
    title = " ".join(part for part in (action, wish.name or wish.id or ("a script" if wish.script else "")) if part)
    return {
        "title": title,
        "runs": [runs.overview(work.run.journal, session) for work in runs.running(session).values()],
    }


ACTIONS: dict[str, Callable[[Session, Wish], Coroutine[Any, Any, str]]] = {
    "run": run,
    "list": list_,
    "status": status,
    "wait": wait,
    "cancel": cancel,
    "resume": resume,
}
