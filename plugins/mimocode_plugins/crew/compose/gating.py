"""Closing a gate: run what proves a phase, judge it, write it into the log."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode import turn
from mimocode.errors import ToolFailed
from mimocode.events import Noted
from mimocode.messages import ToolCall
from mimocode.ports import Verdict

from . import repository
from .ledger import NOTES, awaited, book, gates, passed, tasks
from .settings import documents

if TYPE_CHECKING:
    from mimocode.session import Session

DOCUMENTS = ("spec", "plan")
ROUND = ("red", "green")
"""Phases that come as often as there are behaviours."""
NOT_RUN = (126, 127)
"""Exit codes of a shell that could not start the command."""
NO_TESTS = 5
"""pytest found nothing to run."""
EMPTY = re.compile(r"(?:true|:|exit|echo|printf|test|\[|ls|cat|pwd)\b")
"""Commands that prove nothing."""
SHOWN = 1500
"""Characters of a command's output that come back, from its end."""
LEAST_NOTE = 20
TIMEOUT = 30 * 60_000
"""Milliseconds for one command."""


@dataclass(frozen=True)
class Ran:
    """A command that was run."""

    exit: int
    output: str


async def close(session: Session, task: str, command: str, file: str, note: str) -> str:
    """Prove a phase and say what was seen.

    Raises:
        ToolFailed: there is no such phase, it is not its turn, or the evidence is not there.
    """
    id = task.strip().upper()
    phase = _phase(session, id)
    _in_order(session, phase)
    record: dict[str, Any] = {"task": id, "phase": phase, "command": command, "note": note}
    try:
        said = await _proved(session, phase, command, file, note, record)
    except ToolFailed as error:
        await book(session).emit(Noted(NOTES, record | {"passed": False, "why": str(error)[:300]}))
        raise
    await book(session).emit(Noted(NOTES, record | {"passed": True}))
    return f"Passed: {id} {phase}. {said}\nNow finish it: task done {id}."


def _phase(session: Session, id: str) -> str:
    known = tasks(session)
    found = known.get(id)
    if not gates(session):
        raise ToolFailed(f"The agent {session.agent.name} has no gates.")
    if found is None or not found.name:
        there = ", ".join(each.id for each in known.values() if each.name) or "none yet"
        raise ToolFailed(f"{id} stands for no phase; tasks that do begin with {', '.join(gates(session))}: {there}.")
    if found.status != "in_progress":
        raise ToolFailed(f"{id} is {found.status}; start it first.")
    return found.name


def _in_order(session: Session, phase: str) -> None:
    order = gates(session)
    before = [name for name in order[: order.index(phase)] if not (phase in ROUND and name in ROUND)]
    missing = [name for name in before if not passed(session, name)]
    if missing:
        raise ToolFailed(f"The gate {phase} comes after {missing[0]}, which has not been passed.")
    if phase not in ROUND and "green" in before and (open_ := awaited(session)):
        raise ToolFailed(f"A test that was red has not been seen green: {open_}")


async def _proved(session: Session, phase: str, command: str, file: str, note: str, record: dict[str, Any]) -> str:
    if phase in DOCUMENTS:
        return _document(session, file, record)
    if not command.strip():
        raise ToolFailed(f"The gate {phase} needs a command.")
    if phase == "green" and command != (wanted := awaited(session)):
        raise ToolFailed(f"Green needs the very command that was red: {wanted or 'nothing was red yet'}")
    if phase == "review" and len(note.strip()) < LEAST_NOTE:
        raise ToolFailed("Say in note who reviewed, what was found and what became of it.")
    if phase != "review" and EMPTY.match(command.strip()):
        raise ToolFailed(f"{command} proves nothing; run the tests.")
    await _settled(session, phase)
    ran = await run(session, command)
    record |= {"exit": ran.exit, "head": await repository.head(session.directory)}
    _judged(phase, command, ran)
    await _settled(session, phase)
    return f"`{command}` ended with exit code {ran.exit}.\n{ran.output}"


def _document(session: Session, file: str, record: dict[str, Any]) -> str:
    place, folder = Path(session.directory, file), documents(session) or session.directory
    if not file or not place.resolve().is_relative_to(folder.resolve()):
        where = "the project" if folder == session.directory else f"{folder}, as the setting compose.docs says"
        raise ToolFailed(f"Give in file the path of the document, inside {where}.")
    text = place.read_text("utf-8", "replace") if place.is_file() else ""
    if not text.strip():
        raise ToolFailed(f"{file} is not there or is empty.")
    record |= {"file": file, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return f"{file} has {len(text.splitlines())} lines."


async def _settled(session: Session, phase: str) -> None:
    """What is verified and merged is what is committed."""
    if phase not in ("verify", "merge"):
        return
    if dirt := await repository.dirt(session.directory):
        raise ToolFailed(f"Not everything is committed, so {phase} would prove something else:\n{dirt[:500]}")
    if phase == "merge":
        verified = str(passed(session, "verify")[-1]["head"])
        if not await repository.contains(session.directory, verified):
            raise ToolFailed(f"What is checked out here does not contain the verified commit {verified[:12]}.")


def _judged(phase: str, command: str, ran: Ran) -> None:
    told = f"`{command}` ended with exit code {ran.exit}"
    if ran.exit in NOT_RUN or ran.exit < 0:
        raise ToolFailed(f"{told}: it did not run to its end.\n{ran.output}")
    if ran.exit == NO_TESTS and "pytest" in command:
        raise ToolFailed(f"{told}: no test was collected.\n{ran.output}")
    if phase == "red" and ran.exit == 0:
        raise ToolFailed(f"{told}: this test does not fail, so it shows nothing new.\n{ran.output}")
    if phase != "red" and ran.exit != 0:
        raise ToolFailed(f"{told}: {phase} needs 0.\n{ran.output}")


async def run(session: Session, command: str) -> Ran:
    """Run a command with the shell tool, if the guards let it.

    Raises:
        ToolFailed: it was not run.
    """
    specs = session.toolbox.specs.values()
    tool = next((s.name for s in specs if (s.meta.get("mimocode") or {}).get("command")), "")
    if not tool:
        raise ToolFailed("There is no tool that runs commands.")
    call = ToolCall(f"gate_{secrets.token_hex(6)}", tool, {"command": command, "timeout": TIMEOUT})
    ruling = await turn.rule(session, call)
    if ruling.verdict is not Verdict.ALLOW:
        raise ToolFailed(f"The command was not run: {ruling.reason}")
    result = await session.toolbox.call(call, _silent, session.meta(call))
    code = (result.display or {}).get("exit")
    if not isinstance(code, int):
        raise ToolFailed(f"The command has no exit code: {result.text[-SHOWN:]}")
    return Ran(code, result.text[-SHOWN:])


async def _silent(text: str) -> None:
    """The output comes whole."""
