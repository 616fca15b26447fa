"""What gates need to know of a git repository. Reads only."""

from __future__ import annotations

import asyncio
from pathlib import Path


async def git(directory: Path, *words: str) -> tuple[int, str]:
    """Exit code and output of a git command, without hooks of the repository; 127 if there is no git."""
    try:
        process = await asyncio.create_subprocess_exec(
            *("git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", *words),
            cwd=directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return 127, ""
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode("utf-8", "replace").strip()


async def head(directory: Path) -> str:
    """The commit that is checked out, or ""."""
    return await commit(directory, "HEAD")


async def commit(directory: Path, name: str) -> str:
    """The commit that a name stands for, or ""."""
    code, out = await git(directory, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return out if code == 0 else ""


async def dirt(directory: Path) -> str:
    """What is not committed, a line for each file; "" if all is."""
    code, out = await git(directory, "status", "--porcelain")
    return out if code == 0 else "this is no git repository"


async def contains(directory: Path, older: str) -> bool:
    """Whether what is checked out has this commit in its history."""
    code, _ = await git(directory, "merge-base", "--is-ancestor", older, "HEAD")
    return code == 0
