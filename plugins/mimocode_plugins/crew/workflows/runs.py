"""The runs of one conversation while this process works on them: begun, waited for, stopped, told of when they end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mimocode.errors import ToolFailed
from mimocode.events import Say
from mimocode.ports import StashKey

from .engine import NOTES, Outcome, Run
from .journal import Journal, folder, shown

if TYPE_CHECKING:
    from mimocode.session import Session

NOTE = 4000
"""Characters of a result that the conversation gets (runtime.md 10.3)."""
ORIGIN = "workflow"
"""Origin of the messages that tell of runs."""
PATIENCE = 580.0
"""Seconds that one wait before the end of a turn may take; the hook has 600."""
STEP = 0.5
"""Seconds between two looks at whether somebody has said something."""
HEAD, TAIL = 40, 160
"""Lines of what a run said that are shown: the first and the last (runtime.md 10.3)."""
ENDING = 8.0
"""Seconds that runs get to end their agents."""


@dataclass
class Work:
    """A run that this process works on."""

    run: Run
    task: asyncio.Task[Outcome]
    background: bool
    """The conversation goes on meanwhile and is told when it is over, unless somebody waits for it by then."""
    awaited: int = 0
    telling: asyncio.Task[None] | None = None
    stopped: bool = False

    def cut(self) -> None:
        """Stop it, once: a second time would stop it from tidying up."""
        if not self.stopped:
            self.stopped = True
            self.task.cancel()


_running: StashKey[dict[str, Work]] = StashKey("crew.workflows.running")
_woken: StashKey[bool] = StashKey("crew.workflows.woken")


def running(session: Session) -> dict[str, Work]:
    """What is at work for this conversation, by the id of the run."""
    found: dict[str, Work] = session.stash.setdefault(_running, {})
    return found


def begin(run: Run, session: Session, *, background: bool) -> Work:
    """Set a run to work; returns at once."""
    task = asyncio.create_task(run.work(), name=f"workflow {run.id}")
    work = running(session)[run.id] = Work(run, task, background)
    task.add_done_callback(lambda _: running(session).pop(run.id, None))
    work.telling = asyncio.create_task(_told(work, session), name=f"end of workflow {run.id}")
    return work


async def _told(work: Work, session: Session) -> None:
    await asyncio.wait({work.task})
    if work.background and not work.awaited and not work.task.cancelled():
        told = f"<workflow>\n{ended(work)}\n</workflow>\nTell the user in short what came of it."
        await session.submit(Say(told, origin=ORIGIN))


async def wait(work: Work, seconds: float) -> str:
    """What came of a run, or that it goes on; when whoever waits is interrupted, one in the background goes on, too."""
    work.awaited += 1
    try:
        await asyncio.wait({work.task}, timeout=seconds)
    except asyncio.CancelledError:
        if not work.background:
            work.cut()
        raise
    finally:
        work.awaited -= 1
    if work.task.done():
        return ended(work)
    work.background = True
    return f"{work.run.id} goes on in the background; wait for it, or you are told when it is over."


def ended(work: Work) -> str:
    """How a run ended, for the conversation."""
    if work.task.cancelled():
        return f"The workflow {work.run.id} was stopped; resume goes on with it."
    if (broke := work.task.exception()) is not None:
        return f"The workflow {work.run.id} broke: {broke}"
    outcome = work.task.result()
    text = f"The workflow {work.run.id} ended: {outcome.state}. {outcome.why}".strip()
    return text if outcome.value is None else f"{text}\n{clipped(shown(outcome.value), NOTE)}"


async def stop(session: Session, ids: set[str] | None = None) -> list[str]:
    """Stop these runs with all their agents, or all; their journals stay."""
    works = [work for id, work in running(session).items() if ids is None or id in ids]
    for work in works:
        work.background = False
        work.cut()
    if works:
        await asyncio.wait([work.task for work in works], timeout=ENDING)
    return [work.run.id for work in works]


async def awaited(session: Session) -> str | None:
    """What came of the runs in the background, for an agent that cannot be woken up once it has stopped."""
    works = [work for work in running(session).values() if work.background]
    if not works or (session.parent is None and not session.host.options.get("headless")):
        return None
    for work in works:
        work.awaited += 1
    until = asyncio.get_running_loop().time() + PATIENCE
    try:
        while any(not work.task.done() for work in works) and not session.steering:
            if asyncio.get_running_loop().time() > until:
                break
            await asyncio.wait({work.task for work in works}, timeout=STEP)
    finally:
        for work in works:
            work.awaited -= 1
    return "\n\n".join(ended(work) if work.task.done() else f"{work.run.id} is still at work." for work in works)


def interrupted(session: Session) -> None:
    """The user stopped the agent: what it was waiting for stops, too; the background goes on."""
    for work in running(session).values():
        if not work.background:
            work.cut()


def taken_back(session: Session) -> None:
    """Runs that were begun by what no longer counts."""
    known = {note.get("run") for note in session.state.notes.get(NOTES, ())}
    for id, work in running(session).items():
        if id not in known:
            work.background = False
            work.cut()


def cut_off(session: Session) -> str:
    """Once after the session was opened: which runs ended with the process that worked on them."""
    if session.stash.get(_woken):
        return ""
    session.stash[_woken] = True
    begun: dict[str, str] = {}
    for note in session.state.notes.get(NOTES, ()):
        if note["op"] == "began":
            begun[note["run"]] = str(note.get("name", ""))
        elif note["op"] == "ended":
            begun.pop(note["run"], None)
    lost = [f"{name} ({id})" for id, name in begun.items() if id not in running(session)]
    return f"Cut off with you: the workflow {', '.join(lost)}. `resume` goes on where it was." if lost else ""


def clipped(text: str, room: int) -> str:
    """A text of at most this many characters."""
    return text if len(text) <= room else f"{text[: room - 1]}…"


def journal(session: Session, id: str) -> Journal:
    """The journal of a run of this project.

    Raises:
        ToolFailed: there is none.
    """
    path = folder(session.host) / f"{id}.jsonl"
    found = Journal(path) if id.startswith("wf_") and "/" not in id and path.exists() else None
    if found is None or found.head.get("root") != str(session.host.root):
        there = ", ".join(running(session)) or "none at work"
        raise ToolFailed(f"There is no run {id!r}; there is: {there}. status without id shows the latest.")
    return found


def transcript(found: Journal) -> str:
    """What a run said and did, a line each; the middle of a long one is left out."""
    lines = list(_lines(found))
    if len(lines) > HEAD + TAIL:
        lines = [*lines[:HEAD], f"({len(lines) - HEAD - TAIL} lines left out)", *lines[-TAIL:]]
    return "\n".join(lines)


def _lines(found: Journal) -> Iterator[str]:
    for line in found.lines[1:]:
        why = f" ({line['why']})" if line.get("why") else ""
        word = next((word for word in ("phase", "log", "failed", "ended") if word in line), "")
        if word:
            yield f"{word}: {line[word]}{why}"
        elif "key" in line:
            yield f"agent: {line.get('label')}: {clipped(shown(line.get('value')), 200)}"


def overview(found: Journal, session: Session) -> dict[str, Any]:
    """How a run stands, for programs."""
    end = found.end
    state = "running" if found.head["run"] in running(session) else end.get("ended", "cut off")
    done, failed = (sum(word in line for line in found.lines) for word in ("key", "failed"))
    phase = next((line["phase"] for line in reversed(found.lines) if "phase" in line), "")
    head = found.head
    return {"id": head["run"], "name": head["name"], "state": state, "phase": phase, "done": done, "failed": failed}
