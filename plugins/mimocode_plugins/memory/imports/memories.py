"""Memory files of Claude Code and of the original MiMo Code, copied to where ours lie (runtime.md 2.1).

What they say is found by searching. It is not put before a model by itself: nobody knows who wrote it. A file that is
there already stays; what is new in the other one lies beside it under a name of its own.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import UsageError

from .. import saving
from ..layout import Layout, kind, layout, ready
from ..redact import redact
from ..shelf import shelf
from .transcripts import slug

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host

LARGEST = 2_000_000
"""Bytes. What is larger is no memory file, whatever its name."""
_NAME = re.compile(r"[^A-Za-z0-9_-]+")


async def run(args: argparse.Namespace, host: Host) -> int:
    """`mimo memory import [FOLDER]`: the folder is a data folder of the original, or Claude Code's (the default).

    Raises:
        UsageError: there is no such folder, or writing to memory is switched off.
    """
    await ready(host)
    if not shelf(host).writable:
        raise UsageError("memory is read-only here: you set memory.disable_write")
    home = Path(host.environ.get("HOME") or Path.home())
    folder = home / ".claude" if args.folder is None else host.directory / args.folder
    done = await asyncio.to_thread(take, folder, layout(host), host.root)
    sys.stdout.write("".join(f"{line}\n" for line in done))
    if not done:
        sys.stderr.write(f"Nothing in {folder} is new.\n")
    return 0


def take(folder: Path, place: Layout, root: Path) -> list[str]:
    """Copy what is new; returns a line for each file that was made.

    Raises:
        UsageError: there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    pairs = list(_originals(folder, place) if (folder / "memory").is_dir() else _claude(folder, place, root))
    done: list[str] = []
    with saving.locked(place.base):
        for source, target in pairs:
            if source.stat().st_size > LARGEST:
                done.append(f"skipped {source}: too large")
            elif made := _copy(source, target):
                done.append(f"{source} -> {made}")
    return done


def _originals(folder: Path, place: Layout) -> Iterator[tuple[Path, Path]]:
    """Same names, same places; MEMORY.md goes beside ours under another name, as no line of it is signed."""
    base = folder / "memory"
    if os.path.realpath(base) == os.path.realpath(place.base):
        return
    for source in sorted(base.glob("*/**/*.md")):
        if source.is_file() and not source.is_symlink() and (what := kind(base, source)) is not None:
            target = place.base / source.relative_to(base)
            yield source, target.with_name("MEMORY-imported.md") if what.rest[-1].lower() == "memory.md" else target


def _claude(folder: Path, place: Layout, root: Path) -> Iterator[tuple[Path, Path]]:
    if (folder / "CLAUDE.md").is_file():
        yield folder / "CLAUDE.md", place.global_file.with_name("MEMORY-claude.md")
    for source in sorted((folder / "projects" / slug(root) / "memory").glob("*.md")):
        if source.is_file() and not source.is_symlink():
            yield source, place.project_folder / f"MEMORY-claude-{_NAME.sub('-', source.stem).lower()}.md"


def _copy(source: Path, target: Path) -> Path | None:
    """Where the text went, or None when it is there already."""
    text = redact(saving.read(source))[0]
    for number in range(1, 100):
        path = target if number == 1 else target.with_name(f"{target.stem}-{number}{target.suffix}")
        if not path.exists():
            saving.replace(path, text)
            os.utime(path, (source.stat().st_atime, source.stat().st_mtime))  # what is older counts less
            return path
        if saving.read(path) == text:
            return None
    return None
