"""`mimo auth import SOURCE`: a preview of everything, a question, and then exactly that."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError, UsageError

from .. import records
from ..vault import vault
from ..ways import own_settings
from . import claude, codex, elsewhere, opencode
from .applying import Decided, Journal, State, apply, decide, revert
from .items import Credential, Found, Value

if TYPE_CHECKING:
    from mimocode.host import Host

SOURCES = {"claude": claude.look, "codex": codex.look, "opencode": opencode.look}
HELPER_SECONDS = 30.0
NAMES = {"claude": "Claude Code", "codex": "Codex", "opencode": "OpenCode"}


async def run(args: argparse.Namespace, host: Host) -> int:
    """Show, ask, write; 1 when nothing was written although there was something.

    Raises:
        UsageError: nobody is there to be asked.
        SettingsError: a file of ours makes no sense or cannot be written.
    """
    if args.undo:
        return await undo(args.source, host)
    found = await asyncio.to_thread(scan, args.source, host)
    if found.helper and args.run_helper:
        _say(f"running apiKeyHelper of {found.helper_source}: {visible(found.helper)}")
        await use_helper(found, host)
    await declare(found, host)
    made = await asyncio.to_thread(decide, found.items, vault(host), own_settings(host))
    history = _history(args, host)
    for line in lines(args.source, made, found):
        _out(line)
    for line in history:
        _out(f"  {line}")
    fresh = sum(one.state is State.NEW for one in made)
    if args.dry_run:
        return 0
    if not fresh and not history:
        _say("nothing is new, so nothing was written")
        return 0
    if not args.yes and not _agreed(fresh, bool(history)):
        _say("nothing was written")
        return 1
    await take(args.source, made, host, args.history if history else "none")
    _say(f"done; `mimo auth import {args.source} --undo` takes it back")
    return 0


def scan(source: str, host: Host) -> Found:
    """Everything that another agent left for this user and this project."""
    return SOURCES[source](host.environ, Path(host.environ.get("HOME") or Path.home()), host.root)


async def declare(found: Found, host: Host) -> None:
    """A model that no catalogue knows is described along with its choice."""
    known = {info.ref for info in await host.models()}
    for item in list(found.items):
        if isinstance(item.take, Value) and item.take.keys in (("model",), ("small_model",)):
            provider, _, model = str(item.take.value).partition("/")
            if item.take.value not in known and provider == claude.PROVIDER:
                known.add(str(item.take.value))
                keys = ("provider", provider, "models", model)
                found.take(f"description of {item.take.value}", item.source, Value(keys, {"name": model}))


async def take(source: str, made: list[Decided], host: Host, history: str = "none") -> None:
    """Write what is new, then take in memory and history.

    Raises:
        SettingsError: something cannot be written.
    """
    journal = Journal.of(host, source)
    places = await asyncio.to_thread(apply, made, vault(host), own_settings(host), journal)
    for place in dict.fromkeys(places):
        _say(f"keys are kept in {place}")
    if history != "none":
        journal.add(await _guarded(elsewhere.memories(host)))
        journal.add(await _guarded(elsewhere.history(host, all_projects=history == "all")))


async def undo(source: str, host: Host) -> int:
    """Take back what was imported and is as it was then."""
    journal = Journal.of(host, source)
    entries = journal.read()
    if not entries:
        _say(f"nothing was imported from {NAMES[source]}")
        return 0
    gone, stayed = await asyncio.to_thread(revert, entries, vault(host), own_settings(host))
    for entry in entries:
        if "session" in entry:
            (gone if await elsewhere.forget(host, entry) else stayed).append(f"the session {entry['session']}")
    journal.write([])
    for line in gone:
        _out(f"gone: {line}")
    for line in stayed:
        _out(f"stays, it was changed since or is gone: {line}")
    return 0


def lines(source: str, made: list[Decided], found: Found) -> list[str]:
    """The preview, without secrets."""
    shown = [f"From {NAMES[source]}:"]
    for state in State:
        for one in made:
            if one.state is state:
                why = f" ({visible(one.why)})" if one.why else ""
                shown.append(f"  {visible(one.item.what)}, {one.item.source}: {state.value}{why}")
    if found.helper:
        shown.append(f"  apiKeyHelper of {found.helper_source}: {visible(found.helper)}")
        shown.append("    prints a key; it is only run with --run-helper, and the key of that moment is kept")
    if len(shown) == 1:
        shown.append("  nothing was found")
    return shown + [f"  {fault}" for fault in found.faults]


def _history(args: argparse.Namespace, host: Host) -> list[str]:
    off = host.environ.get("MIMOCODE_DISABLE_CLAUDE_IMPORT", "").lower() in ("1", "true")
    if args.source != "claude" or args.history == "none" or off:
        return []
    own = claude.folder(host.environ, Path(host.environ.get("HOME") or Path.home()))
    count, size = elsewhere.transcripts(own, host.root, all_projects=args.history == "all")
    whose = "all projects" if args.history == "all" else "this project"
    if not count and not (own / "CLAUDE.md").is_file():
        return []
    said = (
        [f"{count} transcripts of {whose} ({size / 1e6:.1f} MB): those that are new become sessions"] if count else []
    )
    return [*said, "memory files: those that are new are copied, found by searching, never told by themselves"]


async def use_helper(found: Found, host: Host) -> None:
    """Run the helper; the key goes into the items, what it prints nowhere else.

    Raises:
        UsageError: it failed or printed no key.
    """
    try:
        key = await asyncio.to_thread(_output, found.helper, dict(host.environ))
    except (OSError, subprocess.SubprocessError):
        key = ""
    if not key or any(not 33 <= ord(c) < 127 for c in key):
        raise UsageError("apiKeyHelper failed or printed no key; nothing was written")
    item = Credential(claude.PROVIDER, records.key(key))
    found.take("API key printed by apiKeyHelper", found.helper_source, item, claude.PROVIDER)
    found.helper = ""


def _output(command: str, environ: dict[str, str]) -> str:
    words = ["/bin/sh", "-c", command]
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(words, env=environ, start_new_session=True, text=True, **pipes) as process:
        try:
            said, _ = process.communicate(timeout=HELPER_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return said.strip() if process.returncode == 0 else ""


async def _guarded(work: Any) -> list[dict[str, Any]]:
    """What else can be had comes even if one part fails."""
    try:
        entries: list[dict[str, Any]] = await work
        return entries
    except MimoError as error:
        _say(str(error))
        return []


def _agreed(fresh: int, history: bool) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nobody is there to be asked: look with --dry-run, accept with --yes")
    what = f"{fresh} thing{'s' * (fresh != 1)}" if fresh else ""
    both = " and ".join(part for part in (what, "history and memory" if history else "") if part)
    sys.stderr.write(f"Take {both}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def visible(text: str, limit: int = 200) -> str:
    """A text as one line that cannot command the terminal."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."


def _out(line: str) -> None:
    sys.stdout.write(line + "\n")


def _say(line: str) -> None:
    sys.stderr.write(f"mimo: {line}\n")
