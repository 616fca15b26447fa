"""The sandbox for what is only tried, on a copy of the project, and for programs in the project that we start.

Nothing can be written but the copy, or the project; there is no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .box import Box, grounds_of, judged
from .layout import layout
from .programs import made_by_commands, path_of_commands
from .wanted import Wanted

if TYPE_CHECKING:
    from mimocode.host import Host


def confined(argv: Sequence[str], directory: Path, scratch: Path, host: Host) -> Sequence[str] | None:
    """The command line that runs `argv` inside, in `directory`; None when this machine has no sandbox.

    Args:
        scratch: a directory of the caller's for temporary files of the sandbox.

    Raises:
        OSError: `scratch` cannot be written.
    """
    wanted = replace(Wanted.of(host.settings["sandbox"]), network=False, writable=())
    box = Box(wanted, judged(wanted, host.paths.state))
    if not box.holds:
        return None
    (scratch / "tmp").mkdir(mode=0o700, exist_ok=True)
    none = scratch / "none"
    if not none.exists():
        none.touch(mode=0o000)
    box.folder = scratch
    plan = layout(replace(grounds_of(box, host, directory, look_only=False), roots=(directory,)))
    if path := path_of_commands(host):
        plan.environ["PATH"] = path
    return box.command(plan, none, directory, argv, network=False)


def held(argv: Sequence[str], scratch: Path, host: Host) -> Sequence[str] | None:
    """The command line that runs `argv` inside, if its program lies where commands may write; None if it is the user's.

    Raises:
        OSError: `scratch` cannot be written.
    """
    return confined(argv, host.root, scratch, host) if made_by_commands(Path(argv[0]), host) else None
