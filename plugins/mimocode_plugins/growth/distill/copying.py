"""A throw-away copy of a project, small enough to be made while somebody waits."""

from __future__ import annotations

import os
import shutil
import stat
import time
from pathlib import Path

MOST_FILES, MOST_BYTES, MOST_SECONDS = 20_000, 200_000_000, 15.0
SPARED = frozenset("node_modules .venv venv target .tox .mypy_cache .ruff_cache .pytest_cache __pycache__".split())  # noqa: SIM905
"""Folders that are left out: they can be made again, and are most of what there is."""


class TooMuch(Exception):
    """The project is too large to be copied for a trial."""


def copied(root: Path, to: Path) -> None:
    """Copy a project with its repository. Links stay links; pipes and sockets are left out.

    Raises:
        TooMuch: there are too many files, or it takes too long.
        OSError: the copy cannot be written.
    """
    files = size = 0
    until = time.monotonic() + MOST_SECONDS
    for folder, names, plain in os.walk(root):
        here = to / Path(folder).relative_to(root)
        here.mkdir(parents=True, exist_ok=True)
        links = [name for name in names if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
        names[:] = [name for name in names if name not in SPARED and name not in links]
        for name in (*links, *plain):
            source = Path(folder, name)
            try:
                kind = source.lstat()
                if not stat.S_ISREG(kind.st_mode) and not stat.S_ISLNK(kind.st_mode):
                    continue
                files, size = files + 1, size + kind.st_size
                if files > MOST_FILES or size > MOST_BYTES or time.monotonic() > until:
                    raise TooMuch
                shutil.copy2(source, here / name, follow_symlinks=False)
            except PermissionError:
                continue  # what may not be read is no part of the trial
