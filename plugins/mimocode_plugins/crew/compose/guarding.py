"""What an agent with gates may not do without evidence: finish a phase, merge, push."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mimocode.ports import Ruling, Verdict

from . import repository
from .ledger import evidence, passed, tasks

if TYPE_CHECKING:
    from mimocode.messages import ToolCall
    from mimocode.session import Session

_DONE = re.compile(r"^[ \t]*+(?:task\s+)?done\s+[\"']?(T[\d.]+)", re.MULTILINE | re.IGNORECASE)
_GIT = re.compile(
    r"\bgit\b((?:\s+-{1,2}[^\s;&|]+(?:\s+[^\s;&|-][^\s;&|]*)?)*?)\s+(merge|push|cherry-pick)(?![\w-])([^;&|\n]*)"
)
_PULL_REQUEST = re.compile(r"\bgh\s+pr\s+(create|merge)\b")
_ENDS = ("--abort", "--quit")


async def ruling(call: ToolCall, session: Session) -> Ruling | None:
    """Deny what has no evidence."""
    spec = session.toolbox.specs.get(call.name)
    if spec is None:
        return None
    why = ""
    if call.name == "task":
        why = next((reason for id in _finished(call.arguments) if (reason := _unproved(id, session))), "")
    elif argument := (spec.meta.get("mimocode") or {}).get("command"):
        why = await _unverified(str(call.arguments.get(argument, "")), session)
    return Ruling(Verdict.DENY, why) if why else None


def _finished(arguments: Mapping[str, Any]) -> Iterator[str]:
    """The ids of the tasks that a call of `task` would finish, in any of its spellings."""
    said = arguments.get("operation")
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except ValueError:
            yield from (id.upper() for id in _DONE.findall(said))
            return
    for each in said if isinstance(said, list) else [said]:
        if isinstance(each, Mapping) and "done" in (each.get("action"), each.get("operation")):
            yield str(each.get("id", "")).strip().upper()
    yield from (id.upper() for id in _DONE.findall(str(arguments.get("script") or "")))


def _unproved(id: str, session: Session) -> str:
    task = tasks(session).get(id)
    if task is None or not task.name or evidence(session, id):
        return ""
    return f"{id} is the phase {task.name}, and its gate has not been passed: call gate with task {id} first"


async def _unverified(text: str, session: Session) -> str:
    """Why a command line must not merge or publish what it would."""
    merging = list(_GIT.finditer(text))
    if not merging and not _PULL_REQUEST.search(text):
        return ""
    verified = passed(session, "verify")
    if not verified:
        return "nothing has been verified: pass the gate of the phase verify before anything is merged or published"
    good = str(verified[-1].get("head"))
    for found in merging:
        if why := await _other(found[2], found[3], good, session):
            return why
    return ""


async def _other(action: str, rest: str, good: str, session: Session) -> str:
    try:
        words = shlex.split(rest)
    except ValueError:
        return f"this git {action} cannot be read"
    if any(word in _ENDS for word in words):
        return ""
    if action == "push":
        here = await repository.head(session.directory)
        if here == good or passed(session, "merge"):
            return ""
        return f"{here[:12]} is checked out, and {good[:12]} was verified: verify again before you push"
    names = [
        word for at, word in enumerate(words) if not word.startswith("-") and words[at - 1 : at] not in (["-m"], ["-s"])
    ]
    for name in names or ["HEAD"]:
        is_now = await repository.commit(session.directory, name)
        if is_now != good:
            return f"{name} is {is_now[:12] or 'unknown'}, and {good[:12]} was verified: verify again before you merge"
    return ""
