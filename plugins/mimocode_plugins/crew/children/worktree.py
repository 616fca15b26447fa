"""A git worktree of its own for a child, below `.mimocode/worktrees`, so that several can edit at once."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode import turn
from mimocode.errors import ToolFailed
from mimocode.messages import ToolCall
from mimocode.ports import Verdict

if TYPE_CHECKING:
    from mimocode.session import Session

FOLDER = ".mimocode/worktrees"
BRANCHES = "mimo/{}"
"""A directory for the branches of each, the first of them `work`: who may write in it moves no branch of a sibling."""


async def git(directory: Path, *words: str, given: bytes = b"") -> tuple[int, bytes, str]:
    """Exit code, output and complaint of a git command that reads what is given, without hooks of the repository."""
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", *words]
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=directory, stdin=pipe, stdout=pipe, stderr=pipe, env=env
        )
    except OSError as error:
        return 127, b"", str(error)
    out, complaint = await process.communicate(given)
    return process.returncode or 0, out, complaint.decode("utf-8", "replace").strip()


async def make(root: Path, directory: Path, name: str) -> Path:
    """A new worktree of what is committed, on a branch of its own.

    Raises:
        ToolFailed: this is no git repository with a commit, or git refused.
    """
    code, out, _ = await git(directory, "rev-parse", "--verify", "--quiet", "HEAD")
    if code:
        raise ToolFailed(f"A worktree needs a git repository with a commit, and {directory} is none.")
    safe = re.sub(r"[^\w.-]", "-", name)
    place = root / FOLDER / safe
    if place.is_dir():  # made before the process that made it was killed
        return place
    await _exclude(directory)
    head = out.decode().strip()
    branch = f"{BRANCHES.format(safe)}/work"
    code, _, complaint = await git(directory, "worktree", "add", "-q", "-b", branch, str(place), head)
    if code:
        raise ToolFailed(f"git made no worktree: {complaint}")
    code, _, complaint = await git(place, "update-ref", f"refs/mimo/{safe}", head)
    if code:
        raise ToolFailed(f"git made no worktree: {complaint}")
    return place


async def _common(directory: Path) -> Path | None:
    """Where the repository of a directory lies."""
    code, out, _ = await git(directory, "rev-parse", "--path-format=absolute", "--git-common-dir")
    return Path(out.decode().strip()) if not code else None


async def _exclude(directory: Path) -> None:
    """Our folder is nothing that belongs into the project's history."""
    if (repository := await _common(directory)) is None:
        return
    file = repository / "info" / "exclude"
    line = f"/{FOLDER}/"
    known = file.read_text("utf-8", "replace") if file.exists() else ""
    if line not in known.splitlines():
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{known.rstrip()}\n{line}\n".lstrip(), "utf-8")


async def changed(place: Path) -> bool:
    """Whether something is in it that was not there in the beginning."""
    return bool(place.is_dir() and await _difference(place))  # noqa: ASYNC240 - one look at a local disk


async def _difference(place: Path) -> bytes:
    """Everything that differs from the commit that it began with: committed, uncommitted and new."""
    await git(place, "add", "-A", "--intent-to-add")
    code, out, complaint = await git(place, "diff", "--binary", "--no-ext-diff", f"refs/mimo/{place.name}")
    if code:
        raise ToolFailed(f"git cannot say what changed in {place}: {complaint}")
    return out


async def merge(session: Session, place: Path) -> str:
    """Bring what changed into the caller's working tree, uncommitted and all or nothing; then the worktree goes.

    It runs through the shell tool, so that guards rule on it and it can be undone.

    Raises:
        ToolFailed: it is refused, or does not fit any more; then the worktree stays.
    """
    if not place.is_dir():  # noqa: ASYNC240 - one look at a local disk
        raise ToolFailed(f"{place} is gone.")
    patch = await _difference(place)
    if not patch:
        await discard(session.host.root, place)
        return "Nothing had changed; the worktree is gone."
    file = place.with_suffix(".patch")
    file.write_bytes(patch)
    try:
        relative = os.path.relpath(file, session.directory)  # noqa: ASYNC240 - no look at all
        code, said = await _run(session, f"git apply --whitespace=nowarn '{relative}'")
    finally:
        file.unlink(missing_ok=True)
    if code:
        raise ToolFailed(f"What changed does not fit the tree any more; it stays in {place}.\n{said[-2000:]}")
    _, out, _ = await git(place, "diff", "--stat", f"refs/mimo/{place.name}")
    await discard(session.host.root, place)
    return (
        f"Merged into the working tree, not committed; the worktree is gone.\n{out.decode('utf-8', 'replace').rstrip()}"
    )


async def _run(session: Session, command: str) -> tuple[int, str]:
    specs = session.toolbox.specs.values()
    tool = next((s.name for s in specs if (s.meta.get("mimocode") or {}).get("permission") == "bash"), "")
    if not tool:
        raise ToolFailed("There is no tool that runs commands.")
    call = ToolCall(f"merge_{os.urandom(6).hex()}", tool, {"command": command, "description": "merge a worktree"})
    ruling = await turn.rule(session, call)
    if ruling.verdict is not Verdict.ALLOW:
        raise ToolFailed(f"The merge was not allowed: {ruling.reason}")

    async def silent(text: str) -> None:
        """The output comes whole."""

    result = await session.toolbox.call(call, silent, session.meta(call))
    code = (result.display or {}).get("exit")
    return (code if isinstance(code, int) else 1), result.text


async def discard(root: Path, place: Path) -> None:
    """Remove a worktree with its branches; one that is gone already is gone."""
    if not place.resolve().is_relative_to((root / FOLDER).resolve()):  # noqa: ASYNC240 - one look at a local disk
        raise ToolFailed(f"{place} is no worktree of ours.")
    await git(root, "worktree", "remove", "--force", str(place))
    await git(root, "worktree", "prune")
    await git(root, "update-ref", "-d", f"refs/mimo/{place.name}")
    await _drop(root, f"refs/heads/{BRANCHES.format(place.name)}")


async def _drop(root: Path, branches: str) -> None:
    """Delete branches: first as files, because git would follow a link that was put among them to those of others."""
    if (repository := await _common(root)) is None:
        return
    for base in (repository, repository / "logs"):
        shutil.rmtree(base / branches, ignore_errors=True)
    _, out, _ = await git(root, "for-each-ref", "--format=delete %(refname)", branches)
    if out:
        await git(root, "update-ref", "--stdin", given=out)
