"""What compilers and package managers keep between runs: of their own inside, one directory for each project.

Theirs lie in the home, which is read-only, and without a place to write some cannot work at all. The user's cannot be
lent: programs outside of the sandbox would believe what a command put into them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path

from .layout import Access, Layout

UNUSED = 30 * 86_400.0
"""Seconds after which the directory of a project is removed."""
_GONE = ".gone-"
NEEDED = {"UV_CACHE_DIR": "uv", "GOCACHE": "go", "CCACHE_DIR": "ccache"}
"""These write also to do what needs no network."""
FETCHED = {
    "npm_config_cache": "npm",
    "npm_config_store_dir": "pnpm",
    "YARN_CACHE_FOLDER": "yarn",
    "YARN_GLOBAL_FOLDER": "yarn-global",
    "BUN_INSTALL_CACHE_DIR": "bun",
    "DENO_DIR": "deno",
    "PIP_CACHE_DIR": "pip",
    "POETRY_CACHE_DIR": "poetry",
    "CARGO_HOME": "cargo",
    "GOMODCACHE": "go-modules",
    "GRADLE_USER_HOME": "gradle",
    "COMPOSER_HOME": "composer",
    "NUGET_PACKAGES": "nuget",
}
"""These write what they fetch; without a network they do better with what the user's have, read-only."""


def folder_of(cache: Path, root: Path) -> Path:
    """Where those of a project are, below the cache directory of ours."""
    return cache / "sandbox" / f"{root.name[:40]}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:12]}"


def opened(cache: Path, root: Path) -> Path:
    """The same, made and marked as used; those of projects that were not worked in for long are removed.

    Raises:
        OSError: it cannot be made.
    """
    folder = folder_of(cache, root)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.utime(folder)
    threading.Thread(target=_tidy, args=(folder.parent,), daemon=True).start()
    return folder


def _tidy(caches: Path) -> None:
    """Beside the work, because there may be much; what a process could not finish the next one does."""
    found: list[Path] = []
    with suppress(OSError):
        found = list(caches.iterdir())
    for each in found:
        with suppress(OSError):
            if not each.name.startswith(_GONE) and time.time() - each.stat().st_mtime > UNUSED:
                each = each.rename(each.with_name(_GONE + each.name))
            if each.name.startswith(_GONE):
                for where, _, _ in os.walk(each):
                    Path(where).chmod(0o700)  # Go keeps its modules read-only
                shutil.rmtree(each, ignore_errors=True)


def variables(folder: Path, plan: Layout, fetches: bool) -> dict[str, str]:
    """Those that lead there, but for what the user has put where commands may write already.

    Args:
        folder: of the project's caches.
        plan: of the disk.
        fetches: there is a network.
    """
    wanted = {**NEEDED, **(FETCHED if fetches else {})}
    return {
        name: str(folder / place) for name, place in wanted.items() if not _writable(os.environ.get(name, ""), plan)
    }


def _writable(said: str, plan: Layout) -> bool:
    real = Path(os.path.realpath(said)) if said else None
    holders = [path for path in plan.access if real is not None and (path == real or path in real.parents)]
    return bool(holders) and plan.access[max(holders, key=lambda path: len(path.parts))] is Access.WRITE
