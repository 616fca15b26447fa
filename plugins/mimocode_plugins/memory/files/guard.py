"""Who may write which memory file, by any tool that says which paths it writes (runtime.md 2.7)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.ports import Ruling, Verdict

from ..layout import Kind, family, kind
from ..redact import redact
from ..shelf import Shelf, shelf

if TYPE_CHECKING:
    from mimocode.messages import ToolCall
    from mimocode.session import Session

WRITER = "checkpoint-writer"
PATCHED = re.compile(r"^[ \t]*+\*\*\* (?:Add File|Update File|Delete File|Move to):(.*)$", re.MULTILINE)
"""The files that a patch names (see plugins/README.md, key `patch`)."""
GARDENERS = ("dream", "distill")
"""They tidy all of memory and may also write what they make of it into the project's own folder."""


def rule(call: ToolCall, session: Session) -> Ruling | None:
    """Deny what this writer may not touch; say nothing of paths that are no concern of ours."""
    paths = [_real(text, session.directory) for text in _paths(call, session)]
    base = Path(os.path.realpath(session.host.paths.data / "memory"))
    inside = [path for path in paths if path == base or path.is_relative_to(base)]
    narrow = session.agent.name == WRITER or session.agent.name in GARDENERS
    if not inside and not narrow:
        return None
    kept = shelf(session.host, session.id)
    for path in paths:
        if why := _refusal(path, base, kept, session):
            return Ruling(Verdict.DENY, why)
    if inside and (found := redact("\n".join(_strings(call.arguments)))[1]):
        return Ruling(Verdict.DENY, f"what you want to keep holds a secret ({found[0]}); write it without")
    return None


def _refusal(path: Path, base: Path, kept: Shelf, session: Session) -> str:
    who, name = session.agent.name, path.name
    if not path.is_relative_to(base):
        own = Path(os.path.realpath(session.host.root)) / ".mimocode"
        if who in GARDENERS and path.is_relative_to(own):
            return ""
        return f"{who} writes only memory files, and {path} is none"
    if not kept.writable:
        return "the user switched writing to memory off (memory.disable_write)"
    what = kind(base, path)
    if what is None:
        return f"{name} is no memory file; those are Markdown files in global/, projects/<id>/ and sessions/<id>/"
    if who in GARDENERS:
        return ""
    if what.scope == "projects" and what.owner != kept.layout.project:
        return f"{name} belongs to another project"
    if what.scope == "sessions":
        return _of_session(what, session)
    if what.type != "memory":
        return f"{name} has no place there; a project's files are MEMORY.md and MEMORY-<topic>.md"
    if (who, what.scope) == (WRITER, "global"):
        return f"{who} keeps to its project and session"
    return ""


def _of_session(what: Kind, session: Session) -> str:
    if what.owner not in family(session):
        return f"{what.rest[-1]} belongs to another session"
    if what.rest[0] == "tasks" and len(what.rest) == 3:
        if session.agent.name == WRITER or what.rest[1] in _bound(session):
            return ""
        return f"only the agent that works on task {what.rest[1]} writes its files"
    if len(what.rest) > 1:
        return f"{'/'.join(what.rest)} has no place in a session's folder"
    if what.type == "checkpoint" and session.agent.name != WRITER:
        return f"{what.rest[0]} is kept by the checkpoint writer; use notes.md or the memory tool"
    return ""


def _bound(session: Session) -> set[str]:
    """The tasks that this session was started for, as the log has it."""
    notes = session.state.notes.get("tasks", ())
    return {str(note.get("id")) for note in notes if note.get("op") == "bind"}


def _paths(call: ToolCall, session: Session) -> Iterator[str]:
    """All paths that the call names, under any spelling of the arguments its author declared."""
    spec = session.toolbox.specs[call.name]
    said = spec.meta.get("mimocode", {})
    names = set(said.get("paths") or ())
    for name, value in call.arguments.items():
        spelt = {name, re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()}
        texts = [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
        if spelt & names:
            yield from texts
        if said.get("patch") in spelt:
            yield from (path.strip() for text in texts for path in PATCHED.findall(text))


def _real(text: str, directory: Path) -> Path:
    try:
        return Path(os.path.realpath(directory / os.path.expanduser(text)))  # noqa: PTH111 - keeps an unknown ~user
    except ValueError:
        return directory / "?"  # no file can have this name: the tool says so


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)
