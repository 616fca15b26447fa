"""Carry out a patch: worked out completely in memory first, then written; if writing fails, everything is put back."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mimocode.errors import ToolFailed

from ..place import Place, because, show
from ..text.anchored import remove
from ..text.coding import Coding, coding_of, is_binary
from ..text.editing import load
from ..text.ledger import Ledger
from ..text.saving import save
from .envelope import Operation, parse
from .hunks import patched


@dataclass(frozen=True)
class Patched:
    """What a patch did to one file: `mark` is A, M or D, `old` the name it had."""

    mark: str
    path: Path
    before: str
    after: str
    old: Path | None = None


@dataclass
class _File:
    """A file as it is on disk (`was`, None for none) and as it shall be (`now`); `mode` when it comes from another."""

    was: bytes | None
    now: bytes | None
    mode: int | None = None


def apply(place: Place, text: str, ledger: Ledger) -> list[Patched]:
    """Carry out a patch, or change nothing at all.

    Raises:
        ToolFailed: the patch makes no sense, does not fit the files, leaves the project, or could not be written.
    """
    operations = parse(text)
    names = {name: _inside(place, name) for o in operations for name in (o.path, o.move) if name}
    with ledger.alone(*(real for _, real in names.values())):
        draft: dict[Path, _File] = {}
        done = [_work_out(operation, names, draft) for operation in operations]
        _write(draft)
        for path, file in draft.items():
            if file.now is None:
                ledger.forget(path)
            else:
                ledger.saw(path, file.now)
    return done


def _inside(place: Place, name: str) -> tuple[Path, Path]:
    """A named path and where it really leads, which must be in the project."""
    named = place.find(name)
    real = place.target(named)
    roots = {Path(os.path.realpath(root)) for root in (place.root, place.directory)}
    if not any(real.is_relative_to(root) and real != root for root in roots):
        raise ToolFailed(f"{show(named)} is outside of the project; a patch changes only files in it.")
    return named, real


def _work_out(operation: Operation, names: dict[str, tuple[Path, Path]], draft: dict[Path, _File]) -> Patched:
    named, real = names[operation.path]
    file = _look(real, draft)
    if operation.kind == "Add":
        if file.now is not None:
            raise ToolFailed(f"{show(named)} exists already: use *** Update File. Nothing was changed.")
        file.now = Coding().encode(operation.content)
        return Patched("A", named, "", operation.content)
    if file.now is None:
        load(real)  # says what is close
        raise ToolFailed(f"The patch has deleted or moved {show(named)} before. Nothing was changed.")
    if operation.kind == "Delete":
        if named.is_symlink():
            raise ToolFailed(f"{show(named)} is a link; delete it with a command. Nothing was changed.")
        before, file.now = _text(file.now), None
        return Patched("D", named, before, "")
    before, after, coding = "", "", Coding()
    if operation.hunks:
        if is_binary(file.now):
            raise ToolFailed(f"{show(named)} is a binary file; a patch changes text only. Nothing was changed.")
        coding = coding_of(file.now)
        before = coding.decode(file.now)
        after = patched(before, operation.hunks, operation.path)
        file.now = coding.encode(after)
    if not operation.move:
        return Patched("M", named, before, after)
    return _move(operation, names, draft, Patched("M", named, before, after))


def _move(
    operation: Operation, names: dict[str, tuple[Path, Path]], draft: dict[Path, _File], change: Patched
) -> Patched:
    there, target = names[operation.move]
    _, real = names[operation.path]
    if change.path.is_symlink():
        raise ToolFailed(f"{show(change.path)} is a link; move it with a command. Nothing was changed.")
    if _look(target, draft).now is not None:
        raise ToolFailed(f"{show(there)} exists already and is not overwritten. Nothing was changed.")
    old = draft[real]
    draft[target].now, old.now = old.now, None
    draft[target].mode = stat.S_IMODE(real.stat().st_mode) if old.was is not None else old.mode
    return Patched("M", there, change.before, change.after, change.path)


def _look(real: Path, draft: dict[Path, _File]) -> _File:
    if real not in draft:
        data = load(real) if os.path.lexists(real) else None
        draft[real] = _File(data, data)
    return draft[real]


def _text(data: bytes) -> str:
    return "" if is_binary(data) else coding_of(data).decode(data)


def _write(draft: dict[Path, _File]) -> None:
    """Bring the disk to the draft: what comes first, then what goes; on a failure put back what was done."""
    changed = sorted(((p, f) for p, f in draft.items() if f.was != f.now), key=lambda pair: pair[1].now is None)
    done: list[tuple[Path, _File, int | None, list[Path]]] = []
    try:
        for path, file in changed:
            missing = [parent for parent in path.parents if not parent.exists()]
            mode = stat.S_IMODE(path.stat().st_mode) if file.was is not None else None
            done.append((path, file, mode, missing))
            _bring(path, file.now, file.mode)
    except (ToolFailed, OSError) as error:
        why = because(error) if isinstance(error, OSError) else str(error).split("; ")[0].rstrip(".")
        lost = [path for path, file, mode, missing in reversed(done) if not _put_back(path, file, mode, missing)]
        if lost:
            names = ", ".join(map(show, lost))
            raise ToolFailed(f"{why}; then {names} could not be put back: look at what is there now.") from None
        raise ToolFailed(f"{why}; all files are as they were.") from None


def _bring(path: Path, data: bytes | None, mode: int | None) -> None:
    if data is None:
        remove(path)
    else:
        save(path, data, mode)


def _put_back(path: Path, file: _File, mode: int | None, missing: list[Path]) -> bool:
    try:
        if file.was is not None:
            now = path.read_bytes() if path.exists() else None
            if now != file.was:
                _bring(path, file.was, mode)
        elif path.exists():
            remove(path)
    except (ToolFailed, OSError):
        return False
    for folder in missing:  # those that were made for it, innermost first
        with suppress(OSError):
            folder.rmdir()
    return True
