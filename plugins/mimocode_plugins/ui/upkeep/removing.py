"""`mimo uninstall`: what would go, with its size, then a question, then exactly that."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import UsageError

from .installing import method, removal_command, run, working_copy

if TYPE_CHECKING:
    from mimocode.host import Host


BESIDE = "mimocode-log.db"
"""Our log, where another program's was there first."""


async def uninstall(args: argparse.Namespace, host: Host) -> int:
    """Remove what was not asked to be kept, the program last.

    Raises:
        UsageError: nobody is there to be asked, or a directory is not ours alone.
    """
    folders = wanted(args, host)
    for folder in folders:
        size = await asyncio.to_thread(_size, folder)
        print(f"{folder}  {size / 1e6:.1f} MB")
    keys = await asyncio.to_thread(_rung, host) if not args.keep_data else []
    if keys:
        print(f"credentials in the keyring: {', '.join(keys)} (`mimo auth logout NAME` before, if they are to go)")
    words, copy = removal_command(args.method or method(Path(sys.prefix), host.environ)), working_copy()
    if copy:
        print(f"the program is a working copy in {copy} and stays")
    else:
        print(" ".join(words))
    if args.dry_run:
        return 0
    if not args.force and not _agreed():
        print("nothing was removed", file=sys.stderr)
        return 1
    host.close()
    for folder in folders:
        await asyncio.to_thread(shutil.rmtree, folder)
    return 0 if copy else await run(words, host, dry=False)


def wanted(args: argparse.Namespace, host: Host) -> list[Path]:
    """The directories that go; each is called as we are, or lies in a directory that was made for us alone.

    Raises:
        UsageError: one of them could hold what is not ours.
    """
    places = host.paths
    named = [places.cache, places.state]
    named += [] if args.keep_config else [places.config]
    named += [] if args.keep_data else [places.data]
    home = Path(host.environ.get("HOME") or Path.home()).resolve()
    found = [folder for folder in named if folder.is_dir()]
    if places.data in found and (places.data / BESIDE).exists():
        raise UsageError(f"{places.data} also holds what the original MiMo Code keeps: leave it with --keep-data")
    for folder in found:
        real = folder.resolve()
        ours = folder.name == "mimocode" or folder.parent == Path(host.environ.get("MIMOCODE_HOME") or "/nowhere")
        if folder.is_symlink() or not ours or home.is_relative_to(real):
            raise UsageError(f"{folder} could hold what is not ours: remove it by hand")
    return found


def _size(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(where, name).lstat().st_size
            except OSError:
                continue
    return total


def _rung(host: Host) -> list[str]:
    """Names of credentials that removing files does not reach."""
    import json

    try:
        names = json.loads((host.paths.data / "auth-keyring.json").read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [str(name) for name in names] if isinstance(names, list) else []


def _agreed() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nobody is there to be asked: look with --dry-run, accept with --force")
    sys.stderr.write("Remove all of this? It cannot be brought back. [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
