"""What an agent did in a session, as a row of steps that can be compared: tool calls without what differs each time."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mimocode.events import CallFinished, CallStarted, Entry, MessageAdded, Rewound
from mimocode.messages import ToolCall

LOOKING = frozenset(
    "ls cat head tail grep rg find pwd cd which wc echo tree stat file less sed awk true test".split()  # noqa: SIM905
)
"""Commands that look around: no step of a procedure."""
RUNNERS = frozenset(
    "make npm pnpm yarn git docker kubectl cargo go uv poetry pip gh npx just helm terraform mvn gradle dotnet".split()  # noqa: SIM905
)
"""Programs whose next word says what is done."""
CHANGING = frozenset(("content", "new_string", "edits", "new_text"))
"""Arguments of calls that change a file."""
DELEGATED = "subagent "
"""How a step begins that was handed to another agent."""
_WORD = re.compile(r"[a-z][\w:.-]*", re.IGNORECASE)
_PIECE = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|&&|\|\||[;\n]|.""", re.DOTALL)


@dataclass(frozen=True)
class Step:
    """One step: `key` is what is compared, `shown` what really was called."""

    key: str
    shown: str
    seq: int = 0
    tool: str = ""
    """The tool that did it."""


def steps(entries: Iterable[Entry]) -> list[Step]:
    """The steps of a session that succeeded and were not taken back, in order; the same one twice in a row is one."""
    calls: dict[str, ToolCall] = {}
    started: dict[str, int] = {}
    found: list[Step] = []
    for entry in entries:
        match entry.event:
            case MessageAdded(message=message):
                calls |= {call.id: call for call in message.calls}
            case CallStarted(call_id=id):
                started[id] = entry.seq
            case CallFinished(call_id=id, error=False) if id in calls and id in started:
                found += of(calls[id], started[id])
            case Rewound(to=to):
                found = [step for step in found if step.seq <= to]
    return [step for at, step in enumerate(found) if at == 0 or step.key != found[at - 1].key]


def of(call: ToolCall, seq: int = 0) -> Iterator[Step]:
    """The steps of a call: of a command line one for each command, of a changed file its kind, of work that
    was handed on who got it; looking is none.
    """
    arguments: Mapping[str, Any] = call.arguments
    if isinstance(command := arguments.get("command"), str):
        for each in _commands(command):
            if key := _command(each):
                yield Step(key, " ".join(each.split()), seq, call.name)
        return
    if isinstance(task := arguments.get("prompt"), str) and isinstance(arguments.get("subagent_type"), str):
        helper = arguments["subagent_type"] or "general"
        words = " ".join(str(arguments.get("description") or task).split())[:80]
        yield Step(f"{DELEGATED}{helper}", f"{DELEGATED}{helper}: {words}", seq, call.name)
        return
    path = arguments.get("file_path") or arguments.get("path")
    if isinstance(path, str) and not CHANGING.isdisjoint(arguments):
        name = path.rsplit("/", 1)[-1]
        stem, _, suffix = name.rpartition(".")
        plain = not stem or stem.isupper()
        kind, shown = (name, name) if plain else (f"*.{suffix}", f"a .{suffix} file")
        yield Step(f"edit {kind}", shown, seq, call.name)


def _commands(line: str) -> list[str]:
    """A command line taken apart where one command ends and the next begins, but not inside of quotes."""
    parts = [""]
    for piece in _PIECE.findall(line.split("\n", 1)[0] if "<<" in line else line):
        if piece in ("&&", "||", ";", "\n"):
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts if part.strip()]


def _command(text: str) -> str:
    """A command without what differs from time to time: the program, what it does, and its long options."""
    try:
        words = shlex.split(text.split("|")[0])
    except ValueError:
        return ""
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words.pop(0)
    if not words or words[0] in LOOKING or words[0].startswith("#"):
        return ""
    program = words[0].rsplit("/", 1)[-1] if not words[0].startswith("./") else words[0]
    rest = [word for word in words[1:] if not word.startswith("-")]
    kept = [program]
    if program in RUNNERS and rest and _WORD.fullmatch(rest[0]):
        kept.append(rest[0])
        if rest[0] in ("run", "compose", "pr", "release", "exec") and len(rest) > 1 and _WORD.fullmatch(rest[1]):
            kept.append(rest[1])
    if program.startswith("python") and "-m" in words[:-1]:
        at = words.index("-m")
        kept = [program, "-m", words[at + 1], *(word for word in words[at + 2 : at + 3] if _WORD.fullmatch(word))]
    return " ".join(kept)
