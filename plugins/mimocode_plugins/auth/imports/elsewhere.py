"""Session history and memory, taken in by the commands of the plugins that own them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode import hookspecs as on
from mimocode.main import Commands

if TYPE_CHECKING:
    from mimocode.host import Host

LARGEST = 2_000_000_000
"""Bytes of transcripts in all that are counted as ordinary."""


def transcripts(own: Path, root: Path, *, all_projects: bool) -> tuple[int, int]:
    """How many transcripts of Claude Code there are for this project or for all, and their size in bytes."""
    slug = "".join(c if c.isalnum() else "-" for c in str(root))
    found = (own / "projects").glob("*/*.jsonl" if all_projects else f"{slug}/*.jsonl")
    count = size = 0
    with contextlib.suppress(OSError):
        for path in found:
            count += 1
            with contextlib.suppress(OSError):
                size += path.stat().st_size
    return count, size


async def history(host: Host, *, all_projects: bool) -> list[dict[str, Any]]:
    """Take in transcripts; returns a journal entry for each session that is new."""
    store = await host.store()
    before = {info.id for info in store.sessions()}
    await _run(host, ["session", "import-claude", *(["--all"] if all_projects else [])])
    fresh = [info for info in store.sessions() if info.id not in before and info.id.startswith("ses_claude_")]
    return [{"session": info.id, "facts": info.facts} for info in fresh]


async def memories(host: Host) -> list[dict[str, Any]]:
    """Take in memory files; returns a journal entry for each file that was made."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        await _run(host, ["memory", "import"])
    made = [Path(line.rpartition(" -> ")[2]) for line in said.getvalue().splitlines() if " -> " in line]
    return [{"file": str(path), "digest": hashlib.sha256(path.read_bytes()).hexdigest()} for path in made]


async def forget(host: Host, entry: dict[str, Any]) -> bool:
    """Take an imported session back, if nobody went on with it."""
    store = await host.store()
    for info in store.sessions():
        if info.id == entry["session"] and info.facts == entry["facts"]:
            return store.delete(info.id)
    return False


async def _run(host: Host, words: list[str]) -> int:
    """Run another command of this program; a plugin that is switched off takes in nothing."""
    commands = Commands()
    host.hooks.collect_now(on.register_cli, commands=commands)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            chosen = commands.parser.parse_args(words)
    except (SystemExit, Exception):
        sys.stderr.write(f"mimo: `mimo {' '.join(words)}` is switched off\n")
        return 1
    code: int = await chosen.run(chosen, host)
    return code
