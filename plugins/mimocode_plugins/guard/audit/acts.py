"""Read a log as a list of acts: every command, file change, installation and network access of a session.

The guard's own notes say what a call touched and which rule spoke; the kernel's facts say when it ran, who approved
it and how it ended. What commands reached from inside of a sandbox is what its proxy noted. What was taken back later
(undo) happened all the same and is listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mimocode.events import ApprovalAsked, ApprovalGiven, CallFinished, CallStarted, Entry, MessageAdded, Noted
from mimocode.messages import Text

from ..policy import RULINGS

FILES = ("write", "edit", "multiedit", "apply_patch", "notebook_edit")
_RUN = re.compile(r"(?:^|[;&|]\s*|\b(?:sudo|env|nice|timeout \S+|xargs)\s+)(?:\w+=\S*\s+)*")
_INSTALL = re.compile(
    r"(?:pip3?|pipx|uv(?: pip| tool)?|conda|mamba|poetry|pdm|npm|pnpm|yarn|bun|gem|bundle|cargo|go|apt(?:-get)?|dnf|"
    r"yum|apk|brew|pacman|zypper|composer|dotnet|cpan|luarocks|nix-env|snap|flatpak)\s+(?:-\S+\s+)*"
    r"(?:install|i|ci|add|get|update|upgrade|sync|require|-S\w*)\b|python3? -m pip install"
)
_NETWORK = re.compile(
    r"(?:curl|wget|http|https|ssh|scp|sftp|rsync|ftp|nc|ncat|netcat|telnet|ping|dig|nslookup|host|getent|npx|bunx|uvx|"
    r"git\s+(?:-\S+\s+)*(?:clone|fetch|pull|push|ls-remote|submodule)|gh|aws|gcloud|az|kubectl|docker\s+(?:pull|push|"
    r"login))\b"
)
_ADDRESS = re.compile(r"\b(?:https?|ftp|ssh|git)://[^\s'\"<>|;&]+")


@dataclass
class Act:
    """One call, or one way out of the sandbox, and what became of it. Times are Unix seconds; 0 when it never ran."""

    session: str
    call: str
    tool: str
    kinds: tuple[str, ...]
    """ "command", "file", "install", "network"; "other" for a tool that is none of these."""
    what: tuple[str, ...]
    asked: float
    started: float = 0.0
    ended: float = 0.0
    decision: str = "not ruled on"
    rule: str = ""
    result: str = "unanswered"
    touched: Mapping[str, Any] = field(default_factory=dict)


def acts(entries: Iterable[Entry]) -> list[Act]:
    """The acts of one log, in order. Calls that only read and were allowed are none."""
    found: dict[str, Act] = {}
    for entry in _once(entries):
        match entry.event:
            case MessageAdded(message=message) if message.role == "assistant":
                for call in message.calls:
                    kinds, what = _plainly(call.name, call.arguments)
                    found[call.id] = Act(entry.session, call.id, call.name, kinds, what, entry.time)
            case Noted(plugin="nested", data=data):  # a call that a program of code mode made
                kinds, what = _plainly(str(data["name"]), data["arguments"])
                found[data["call"]] = Act(entry.session, data["call"], data["name"], kinds, what, entry.time)
            case Noted(plugin=plugin, data=data) if plugin == RULINGS and data.get("call") in found:
                _ruled(found[str(data["call"])], data)
            case Noted(plugin="sandbox", data={"network": where, "allowed": allowed}):
                found[f"sandbox {entry.seq}"] = _reached(entry, str(where), bool(allowed))
            case ApprovalAsked(call=call, reason=reason) if call.id in found:
                found[call.id].decision, found[call.id].rule = "asked, not answered", reason
            case ApprovalGiven(call_id=id) if id in found:
                said, act = entry.event, found[id]
                kept = f", remembered for {said.remember}" if said.remember else ""
                act.decision = f"asked, allowed{kept}" if said.allow else "asked, refused"
            case CallStarted(call_id=id) if id in found:
                found[id].started = entry.time
            case CallFinished(call_id=id) if id in found:
                found[id].ended, found[id].result = entry.time, _result(entry.event, found[id])
    return [act for act in found.values() if act.kinds]


def _reached(entry: Entry, where: str, allowed: bool) -> Act:
    """Where a command wanted to go, as the sandbox's proxy saw it; of each place it notes the first time."""
    act = Act(entry.session, "", "sandbox", ("network",), (where,), entry.time, entry.time, entry.time)
    act.decision = "allowed" if allowed else "denied"
    act.rule = f"sandbox.network {'lists' if allowed else 'does not list'} it"
    act.result = "let through" if allowed else "refused"
    return act


def _once(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The facts without those that a redo says again: nothing happened twice."""
    again = False
    for entry in entries:
        if isinstance(entry.event, Noted) and entry.event.plugin == "undo":
            again = entry.event.data.get("op") == "redo" or (again and entry.event.data.get("op") != "redone")
        if not again:
            yield entry


def _ruled(act: Act, note: Mapping[str, Any]) -> None:
    """What the guard noted counts for more than the arguments."""
    verdict = str(note.get("verdict", ""))
    act.decision = {"allow": "allowed", "ask": "asked, not answered", "deny": "denied"}.get(verdict, verdict)
    act.rule, touched = str(note.get("rule", "")), note.get("touched", {})
    if not isinstance(touched, Mapping):
        return
    act.touched = touched
    commands, edits = list(touched.get("bash", ())), list(touched.get("edit", ()))
    kinds = [*act.kinds, *(["command"] * bool(commands)), *(["file"] * bool(edits)), *_of_commands(commands)]
    network = any(key in touched for key in ("webfetch", "websearch", "codesearch"))
    kinds += ["network"] * network
    act.kinds = tuple(dict.fromkeys(kinds)) or ("other",)
    act.what = act.what or tuple(map(str, [*commands, *edits])) or tuple(str(v) for vs in touched.values() for v in vs)


def _plainly(tool: str, arguments: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a call is by its own words, for logs whose guard noted nothing."""
    command = arguments.get("command")
    if isinstance(command, str):
        return ("command", *_of_commands([command])), (command,)
    path = arguments.get("file_path") or arguments.get("filePath") or arguments.get("path")
    if tool in FILES:
        return ("file",), (str(path),) if path else ()
    url = arguments.get("url") or arguments.get("query")
    return (("network",), (str(url),)) if tool in ("webfetch", "websearch", "codesearch") else ((), ())


def _of_commands(commands: Iterable[str]) -> list[str]:
    kinds: list[str] = []
    for text in map(str, commands):
        for begin in _RUN.finditer(text):
            kinds += ["install", "network"] * bool(_INSTALL.match(text, begin.end()))
            kinds += ["network"] * bool(_NETWORK.match(text, begin.end()))
        kinds += ["network"] * bool(_ADDRESS.search(text))
    return list(dict.fromkeys(kinds))


def _result(finished: CallFinished, act: Act) -> str:
    display = finished.display or {}
    first = next((block.text for block in finished.content if isinstance(block, Text)), "")
    line = next((part for part in first.splitlines() if part.strip()), "")
    if not act.started:
        return f"did not run: {line}" if line else "did not run"
    if "exit" in display:
        code = display["exit"]
        return "exit code unknown" if code is None else f"exit code {code}"
    return f"failed: {line}" if finished.error else "done"
