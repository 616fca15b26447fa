"""Bring files to what they were: each in one step, all or none, never through a link."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from mimocode.errors import ToolFailed

from ..place import because, show
from ..text.anchored import remove
from ..text.saving import save
from .blobs import Blobs
from .plan import Step
from .shape import content, mode, shape


def put_all(steps: Sequence[Step], blobs: Blobs, folders: Iterable[str] = ()) -> None:
    """Carry out all steps; `folders` are removed afterwards when they are empty.

    Raises:
        ToolFailed: one cannot be carried out; the files are as they were.
    """
    done: list[Step] = []
    try:
        for step in steps:
            if shape(Path(step.path), blobs) != step.now:
                raise ToolFailed(f"{show(step.path)} was changed at this very moment")
            done.append(step)
            put(step.path, step.want, blobs)
    except (ToolFailed, OSError) as error:
        why = because(error) if isinstance(error, OSError) else str(error).rstrip(".")
        for step in reversed(done):
            with suppress(ToolFailed, OSError):
                put(step.path, step.now, blobs)
        raise ToolFailed(f"{why}; nothing was taken back, the files are as they were.") from None
    for folder in folders:
        with suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106


def put(path: str, state: str, blobs: Blobs) -> None:
    """Make one file what it was.

    Raises:
        ToolFailed: it cannot be done; the file is unchanged.
        OSError: the system refused.
    """
    file, data = Path(path), content(state, blobs)
    if os.path.realpath(path) != path:
        raise ToolFailed(f"a link is in the way of {show(path)}")
    if data is None:
        raise ToolFailed(f"the old content of {show(path)} is not kept any more")
    if not state:
        with suppress(FileNotFoundError):
            remove(file)
        return
    save(file, data, mode(state))
