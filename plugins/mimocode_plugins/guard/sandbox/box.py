"""The sandbox of a session and of those that it starts: verdict, temporary directory, and plan of the disk."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mimocode.errors import ToolFailed
from mimocode.events import Noted
from mimocode.ports import StashKey

from ..confinement import CONFINED, Confined, outermost
from .ladder import Verdict, module, verdict
from .wanted import Wanted

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

    from .layout import Grounds, Layout
    from .mending import Watch
    from .names import Target
    from .proxy import Proxy
    from .sharing import Network

BOX: StashKey[Box] = StashKey("guard.sandbox")
FRESH = 30.0
"""Seconds that a plan of the disk is used before it is made anew."""


@dataclass
class Box:
    """What the commands of a session run in. `off` is the user's word for this session."""

    wanted: Wanted
    verdict: Verdict
    off: bool = False
    folder: Path | None = None
    proxy: Proxy | None = None
    shared: Network | None = None
    path: str = ""
    """PATH of commands, when it is not ours."""
    caches: Path | None = None
    """Of compilers and package managers, for the commands of this project."""
    watch: Watch = field(default_factory=dict)
    plans: dict[tuple[object, ...], tuple[float, Layout]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether commands run in a sandbox."""
        return bool(self.verdict.rung) and not self.off

    @property
    def line(self) -> str:
        """The verdict in a few words, for the status line."""
        if not self.holds:
            return "no sandbox"
        reach = {"off": "no network", "open": "with network", "listed": "network by list"}[self.reach]
        return f"{self.verdict.rung}, {reach}"

    @property
    def reach(self) -> Literal["off", "listed", "open"]:
        """What of the network commands reach: only bubblewrap can hold them to a list."""
        wanted = self.wanted.reach
        return "off" if wanted == "listed" and self.verdict.rung != "bubblewrap" else wanted

    def private(self) -> tuple[Path, Path]:
        """The temporary directory of these commands, and an empty file that nobody may read."""
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="mimocode-sandbox-")).resolve()
            (self.folder / "tmp").mkdir(mode=0o700)
            (self.folder / "none").touch(mode=0o000)
        return self.folder / "tmp", self.folder / "none"

    def plan(self, grounds: Grounds, cache: Path, root: Path) -> Layout:
        """The plan of the disk, with a place for the caches of this project.

        Args:
            grounds: what it is made from.
            cache: our directory for caches.
            root: of the project.
        """
        from .caches import opened, variables
        from .layout import Access, layout

        made = layout(grounds)
        if self.path:
            made.environ["PATH"] = self.path
        if self.caches is None:
            with suppress(OSError):
                self.caches = opened(cache, root)
        if self.caches is not None:
            made.put(self.caches, Access.WRITE)
            made.environ |= variables(self.caches, made, self.reach != "off")
        return made

    def command(
        self,
        plan: Layout,
        none: Path,
        directory: Path,
        argv: Sequence[str],
        network: bool | Path,
        entry: Sequence[str] = (),
    ) -> Sequence[str]:
        """A command line that runs `argv` inside; see `bubblewrap.command`. Only that knows an `entry`."""
        more = (entry,) if entry else ()
        rung, program = module(self.verdict.rung), self.verdict.program
        words: list[str] = rung.command(program, plan, none, directory, argv, network, *more)
        return words

    def untyping(self, argv: Sequence[str]) -> Sequence[str]:
        """A command line that has a terminal and cannot type into it, as if the user had: that is heard outside.

        The other rung of Linux sees to that itself; macOS lets nobody but root do it.
        """
        if self.verdict.rung != "bubblewrap":
            return argv
        return [sys.executable, "-I", "-S", str(Path(__file__).with_name("confine.py")), "-", *argv]

    async def entry(self, network: bool | Path, look_only: bool) -> Sequence[str]:
        """What lets a command run in the network of the session; nothing when it has another.

        Who only looks has a network to itself: servers of others would change things on request.
        """
        if self.verdict.rung != "bubblewrap" or network is True or look_only:
            return ()
        if self.shared is None:
            from .sharing import Network

            self.shared = Network(self.verdict.program)
        return await self.shared.entry(network if isinstance(network, Path) else None)

    async def network(self, session: Session | None = None) -> bool | Path:
        """Whether commands reach the network, or the socket of the proxy that is their way to it."""
        if self.reach != "listed":
            return self.reach == "open"
        gate = self.private()[0].with_name("proxy")
        if self.proxy is None:
            from .names import rules
            from .proxy import Proxy

            self.proxy = Proxy(rules(self.wanted.network or ()), partial(_reached, session))  # type: ignore[arg-type]
            await self.proxy.listen(gate)
        return gate

    async def close(self) -> None:
        """Forget the temporary directory, end the network and the proxy."""
        if self.shared is not None:
            await self.shared.close()
            self.shared = None
        if self.proxy is not None:
            await self.proxy.close()
            self.proxy = None
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


async def _reached(session: Session | None, where: Target, allowed: bool) -> None:
    """Write down where commands went or wanted to go; the user hears of what was refused."""
    if session is None:
        return
    await session.emit(Noted("sandbox", {"network": str(where), "allowed": allowed}))
    if not allowed:
        await session.notice("sandbox", f"a command wanted to reach {where}, which sandbox.network does not list")


def open_box(session: Session) -> Box:
    """Make the box of an outermost session, and say what it is."""
    wanted = Wanted.of(session.host.settings["sandbox"])
    found = judged(wanted, session.host.paths.state)
    box = session.stash[BOX] = Box(wanted, found)
    tell(session, box)
    return box


def judged(wanted: Wanted, state: Path, fresh: bool = False) -> Verdict:
    """What holds, when the settings want anything to."""
    if wanted.enabled is False:
        return Verdict("", "", ("the settings switch it off",))
    return verdict(state, wanted.only, fresh)


def tell(session: Session, box: Box) -> None:
    """Let guards and the status line know."""
    from .layout import without_home
    from .programs import hold, path_of_commands, release

    top, host = outermost(session), session.host
    top.stash.pop(CONFINED, None)
    if box.holds:
        top.stash[CONFINED] = Confined(box.verdict.rung, box.reach, *_private(box, host, top.directory))
        roots = (host.root, top.directory, *_paths(box.wanted.writable, host.root))
        hold(host, top.id, [each for root in roots for each in without_home(root, Path.home())])
    else:
        release(host, top.id)
    box.path = path_of_commands(host)
    box.plans.clear()
    host.options["sandbox"] = box.line


async def wrapped(
    argv: Sequence[str], directory: Path, session: Session, terminal: bool = False
) -> Sequence[str] | None:
    """The command line that runs `argv` in the session's sandbox; None when it has none and needs none.

    With `terminal` it gets the user's own.

    Raises:
        ToolFailed: there is no sandbox and the settings require one.
    """
    top = outermost(session)
    box = top.stash.get(BOX) or open_box(top)
    if not box.holds:
        if box.wanted.required:
            why = "; ".join(box.verdict.why) or "it is switched off"
            raise ToolFailed(f"No command runs: the settings require a sandbox, and there is none ({why}).")
        return None
    from .mending import watch

    _, none = box.private()
    plan = _plan(box, session)
    box.watch = watch(plan, everything=box.verdict.rung == "landlock")
    network = await box.network(top)
    argv = box.untyping(argv) if terminal else argv
    return box.command(plan, none, directory, argv, network, await box.entry(network, restricted(session)))


def _plan(box: Box, session: Session) -> Layout:
    look_only, worktree = restricted(session), worktree_of(session)
    key = (session.host.root, session.directory, look_only, worktree)
    made = box.plans.get(key)
    if made is None or time.monotonic() - made[0] > FRESH:
        grounds = grounds_of(box, session.host, session.directory, look_only, worktree)
        plan = box.plan(grounds, session.host.paths.cache, session.host.root)
        made = box.plans[key] = (time.monotonic(), plan)
    return made[1]


def worktree_of(session: Session) -> Path | None:
    """The git worktree that a session, or one that it works for, has to itself; None if it works in the project.

    Whoever starts a session in one says so in its own log.
    """
    while session.parent is not None:
        for note in reversed(session.parent.state.notes.get("actors", ())):
            if note.get("session") == session.id:
                if note.get("place"):
                    return Path(str(note["place"]))
                break
        session = session.parent
    return None


def grounds_of(box: Box, host: Host, directory: Path, look_only: bool, worktree: Path | None = None) -> Grounds:
    """What a plan is made from, for commands that start in a directory, or that have a git worktree to themselves."""
    from .layout import Grounds

    return Grounds(
        home=Path.home(),
        roots=(worktree,) if worktree else tuple(dict.fromkeys((host.root, directory))),
        beside=host.root if worktree else None,
        temp=box.private()[0],
        temps=tuple(dict.fromkeys(_temps())),  # replaced by a private one
        data=host.paths.data,
        config=host.paths.config,
        state=host.paths.state,
        look_only=look_only,
        writable=_paths(box.wanted.writable, host.root),
        hidden=_paths(box.wanted.hidden, host.root),
        programs=tuple(_programs()),
    )


def _paths(names: Sequence[str], root: Path) -> tuple[Path, ...]:
    return tuple(root / os.path.expanduser(name) for name in names)  # noqa: PTH111 - keeps an unknown ~user


def _private(box: Box, host: Host, directory: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Directories that commands have to themselves, and what else is seen in them."""
    if box.verdict.rung != "bubblewrap":
        return (), ()
    wanted = (*_paths(box.wanted.writable, host.root), *_programs())
    shown = {Path(os.path.realpath(each)) for each in (Path.home(), host.root, directory, *wanted)}
    temps = tuple(dict.fromkeys(Path(os.path.realpath(each)) for each in _temps()))
    return temps, tuple(each for each in shown if any(temp in each.parents for temp in temps))


def _temps() -> Sequence[Path]:
    return Path("/tmp"), Path("/var/tmp"), Path(tempfile.gettempdir())


def _programs() -> list[Path]:
    """Where programs and libraries are found: PATH (with what lies beside it), this Python, a virtual environment."""
    found = [Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parent]
    for name in ("VIRTUAL_ENV", "PYTHONPATH"):
        found += [Path(each) for each in os.environ.get(name, "").split(os.pathsep) if each.startswith("/")]
    for each in os.environ.get("PATH", "").split(os.pathsep):
        if each.startswith("/"):
            found.append(Path(each).parent if Path(each).name in ("bin", ".bin") else Path(each))
    with suppress(ValueError):
        found.remove(Path("/"))
    return list(dict.fromkeys(found))


def restricted(session: Session) -> bool:
    """Whether a session, or one that it works for, only looks."""
    holder: Session | None = session
    while holder is not None:
        if holder.agent.options.get("read_only"):
            return True
        holder = holder.parent
    return False
