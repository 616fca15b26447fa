"""What `mimo sandbox` and `/sandbox` do."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import UsageError

from ..confinement import outermost
from .box import BOX, Box, grounds_of, judged, open_box, tell
from .caches import folder_of
from .layout import Access, layout
from .wanted import Wanted

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

_KEYS = re.compile(r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|(^|_)(AUTH|PAT|PASS)(_|$)|_CONTENT$")
"""Names of variables with something that commands need not know."""


async def show(host: Host) -> int:
    """Try the rungs anew and print what holds; exit code 1 when a sandbox is required and there is none."""
    box = _box(host, fresh=True)
    try:
        sys.stdout.writelines(f"{line}\n" for line in _lines(box, host))
    finally:
        await box.close()
    return int(box.wanted.required and not box.holds)


async def run(text: str, look_only: bool, host: Host) -> int:
    """Run a command inside, with our own input and output; the exit code is the command's.

    Raises:
        UsageError: there is no sandbox.
    """
    box = _box(host)
    if not box.holds:
        raise UsageError(f"there is no sandbox on this machine: {'; '.join(box.verdict.why)}")
    try:
        _, none = box.private()
        plan = box.plan(grounds_of(box, host, host.directory, look_only), host.paths.cache, host.root)
        network = await box.network()
        words = box.command(plan, none, host.directory, box.untyping(["/bin/sh", "-c", text]), network)
        known = {name: value for name, value in host.environ.items() if not _KEYS.search(name.upper())}
        process = await asyncio.create_subprocess_exec(*words, env=known)
        return await process.wait()
    finally:
        await box.close()


async def slash(arguments: str, session: Session) -> None:
    """`/sandbox [on|off]`."""
    top = outermost(session)
    box = top.stash.get(BOX) or open_box(top)
    word = arguments.strip()
    if word == "off" and box.wanted.required:
        await session.notice("sandbox", "the settings require a sandbox: it stays on", "warning")
    elif word in ("on", "off"):
        box.off = word == "off"
        tell(session, box)
        await session.notice("sandbox", f"from the next command on: {box.line}")
    elif word:
        await session.notice("sandbox", "say: /sandbox, /sandbox on or /sandbox off")
    else:
        await session.notice("sandbox", "\n".join(_lines(box, session.host)).removeprefix("sandbox: "))


def health(host: Host) -> list[tuple[str, str, str, str]]:
    """What holds, for `mimo doctor`; whatever is less than the best says why."""
    box = _box(host, fresh=True)
    why = "; ".join(box.verdict.why)
    said = f"{box.line} ({why})" if why else box.line
    missing = box.wanted.required and not box.holds
    fix = "sandbox.required is set: no command runs" if missing else "`mimo sandbox` shows what holds commands"
    found = [("fail" if missing else "warn" if why else "ok", "sandbox", said, fix)]
    mine = {Path(sys.prefix), Path(__file__).parents[3]}
    if box.holds and (within := [str(each) for each in sorted(mine) if each.resolve().is_relative_to(host.root)]):
        said = f"mimo itself runs from {within[0]}: what commands change there runs outside of the sandbox"
        found.append(("warn", "sandbox", said, "install it outside of the project: pipx install mimocode"))
    return found


def _box(host: Host, fresh: bool = False) -> Box:
    wanted = Wanted.of(host.settings["sandbox"])
    return Box(wanted, judged(wanted, host.paths.state, fresh))


def _lines(box: Box, host: Host) -> Iterator[str]:
    yield f"sandbox: {box.line}"
    yield from (f"  not {reason}" for reason in box.verdict.why)
    if not box.holds:
        yield "  commands can do what you can; rules and questions alone stand before them"
        return
    plan = layout(grounds_of(box, host, host.directory, look_only=False))
    for access, says in ((Access.WRITE, "writable"), (Access.READ, "read-only inside"), (Access.HIDE, "hidden")):
        yield from (f"  {says:<17}{_short(path)}" for path, each in plan.outermost_first if each is access)
    yield f"  {'caches':<17}{_short(folder_of(host.paths.cache, host.root))}: of package managers, apart from yours"
    if box.reach == "listed" and isinstance(box.wanted.network, tuple):
        yield f"  {'reached':<17}{', '.join(box.wanted.network)}"
    yield f"  {'private':<17}{', '.join(map(str, plan.temps))}: the session's own, gone with it"
    yield f"  {'else':<17}read-only"


def _short(path: Path) -> str:
    home = Path.home().resolve()
    if path == home:
        return "~"
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
