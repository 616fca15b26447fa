"""What files were before a call and after it: noted in the log of the conversation that the user holds.

The content is kept and the note is written before the call runs, so that a process may die at any instant.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from mimocode.events import Noted
from mimocode.messages import ToolCall, ToolSpec
from mimocode.ports import StashKey

from .blobs import Blobs
from .shape import shape, unread
from .tree import LARGEST, Tree, only_looks

if TYPE_CHECKING:
    from mimocode.session import Session

PLUGIN, NESTED = "undo", "nested"
_IN_PATCH = re.compile(r"^\*\*\* (?:(?:Add|Update|Delete) File|Move to): *(.+?) *$", re.MULTILINE)
_TREE: StashKey[Tree] = StashKey("undo.tree")
_OPEN: StashKey[dict[tuple[str, str], dict[str, Any]]] = StashKey("undo.open")
AGAIN = 500
"""Files that are read after a command though the time for looking is over."""
QUIET: StashKey[bool] = StashKey("undo.quiet")
"""Set while facts are put back into the log: they are no new calls."""


def blobs_of(session: Session) -> Blobs:
    """Where contents are kept."""
    return Blobs(session.host.paths.data / "undo")


def tree_of(session: Session) -> Tree:
    """What is known of the project's files; shared by a session and those it starts."""
    top = root_of(session)
    tree: Tree = top.stash.setdefault(_TREE, Tree(Path(os.path.realpath(session.host.root)), blobs_of(session)))
    return tree


def root_of(session: Session) -> Session:
    """The conversation that the user holds, whose log says what its agents changed."""
    while session.parent is not None:
        session = session.parent
    return session


async def before(session: Session, call_id: str) -> None:
    """Keep what a call may change as it is now."""
    call = next((call for call in session.state.open if call.id == call_id), None) or nested(session, call_id)
    spec = session.toolbox.specs.get(call.name) if call else None
    if call is None or spec is None or spec.read_only or QUIET in root_of(session).stash or not _wanted(session):
        return
    note = await to_thread.run_sync(_note, session, call, spec)
    if note is None:
        return
    root_of(session).stash.setdefault(_OPEN, {})[session.id, call_id] = note
    shared = session.parent is not None or call not in session.state.open
    # the call stands in another log, or in no message, so what it ran is said here, too
    told = {key: value for key, value in note.items() if shared or key != "command"}
    await root_of(session).emit(Noted(PLUGIN, told))


def nested(session: Session, call_id: str) -> ToolCall | None:
    """A call that another call made, as a program of code mode does: it is noted before it begins."""
    noted = session.state.notes.get(NESTED, ())
    found = next((note for note in reversed(noted) if note["call"] == call_id), None)
    return ToolCall(call_id, str(found["name"]), dict(found["arguments"])) if found else None


async def after(session: Session, call_id: str) -> None:
    """Note what a call changed."""
    note = root_of(session).stash.get(_OPEN, {}).pop((session.id, call_id), None)
    if note is not None:
        await settle(session, note)


async def settle(session: Session, note: dict[str, Any]) -> None:
    """Compare what is there now with what was there before a call, and note the difference."""
    changed = await to_thread.run_sync(_changed, session, note)
    await root_of(session).emit(Noted(PLUGIN, {"op": "after", "call": note["call"], "files": changed}))


def _wanted(session: Session) -> bool:
    settings = session.host.settings
    return "snapshot" not in settings or bool(settings["snapshot"])


def _note(session: Session, call: ToolCall, spec: ToolSpec) -> dict[str, Any] | None:
    """What is kept of a call before it runs: the files that it names, or the whole project as one more content."""
    said = spec.meta.get("mimocode", {})
    if "remote_name" in said:  # somebody else's tool: it may change anything
        return _whole(session, call, json.dumps(dict(call.arguments)), session.directory)
    command = _value(call, said.get("command", ""))
    if isinstance(command, str):
        start = session.directory / str(_value(call, "workdir") or ".")
        return None if only_looks(command) else _whole(session, call, command, start)
    if said.get("permission") != "edit":
        return None
    names = [_value(call, name) for name in said.get("paths", ())]
    names += _IN_PATCH.findall(str(_value(call, said.get("patch", "")) or ""))
    return _named(session, call, [name for name in names if isinstance(name, str) and name.strip()])


def _named(session: Session, call: ToolCall, names: list[str]) -> dict[str, Any] | None:
    paths = [Path(os.path.realpath(session.directory / Path(name).expanduser())) for name in names if "\0" not in name]
    if session.parent is not None:  # what background writers keep of their own goes back by their own rules
        paths = [path for path in paths if not path.is_relative_to(session.host.paths.data / "memory")]
    if not paths:
        return None
    blobs = blobs_of(session)
    absent = {str(parent) for path in paths for parent in path.parents if not parent.exists()}
    files = {str(path): shape(path, blobs) for path in paths}
    return {"op": "before", "call": call.id, "files": files} | ({"folders": sorted(absent)} if absent else {})


def _whole(session: Session, call: ToolCall, command: str, directory: Path) -> dict[str, Any]:
    tree = tree_of(session)
    files = tree.look(command, Path(os.path.realpath(directory)))
    listed = tree.blobs.keep(json.dumps(files).encode())
    return {"op": "before", "call": call.id, "listed": listed, "command": command, "directory": str(directory)}


def _changed(session: Session, note: dict[str, Any]) -> dict[str, list[str]]:
    """Path to what the file was and what it is now, for those that differ."""
    if "files" in note:
        blobs = blobs_of(session)
        pairs = {path: [was, shape(Path(path), blobs)] for path, was in note["files"].items()}
    else:
        tree = tree_of(session)
        was = json.loads(tree.blobs.load(note["listed"]) or b"{}")
        now = tree.look(note["command"], Path(note["directory"]))
        now |= tree.see(path for path in was if path not in now)
        pairs = {path: [was.get(path, ""), now.get(path, "")] for path in {**was, **now}}
        _look_again(pairs, tree.blobs)
    return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}


def _look_again(pairs: dict[str, list[str]], blobs: Blobs) -> None:
    """Settle what there was no time to read: before, its stamp says whether it changed; now, it is read after all."""
    left = AGAIN
    for path, pair in pairs.items():
        if pair[0].startswith("?") and unread(Path(path)) == pair[0]:
            pair[1] = pair[0]
        elif pair[0] != pair[1] and pair[1].startswith("?") and left:
            pair[1], left = shape(Path(path), blobs, LARGEST), left - 1


def _value(call: ToolCall, name: str) -> Any:
    """An argument, in whichever spelling the model wrote its name."""
    camel = re.sub(r"_(\w)", lambda found: found[1].upper(), name)
    return call.arguments.get(name, call.arguments.get(camel))
