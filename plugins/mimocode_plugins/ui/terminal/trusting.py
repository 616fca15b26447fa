"""Ask once, before the screen is taken, whether what the folder brings may act (surface.md 14.1)."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mimocode.host import Host

SHOWN = 20
"""Lines; the rest is counted."""


def consult(host: Host) -> bool:
    """Settle `host.trusted`; False when the user would rather leave.

    Only asked when something here would act and was not accepted as it is now. A no holds for this run; until a yes
    none of it is loaded.
    """
    trust: Any = getattr(host.workspace, "trust", None)
    if host.trusted or trust is None or not (pending := trust.pending()):
        return True
    _say(f"This folder wants to load or run things that you have not agreed to: {trust.root}")
    lines = trust.lines(pending)
    for line in lines[:SHOWN]:
        _say(_folded(line))
    if len(lines) > SHOWN:
        _say(f"  and {len(lines) - SHOWN} more; `mimo trust --show` lists all")
    if trust.dangerous:
        _say("It holds your home directory, so it is only trusted for this run.")
    sys.stderr.write("Trust it? [y]es, [N]o: go on without these, [q]uit: ")
    sys.stderr.flush()
    said = sys.stdin.readline().strip().lower()
    if said in ("y", "yes"):
        if not trust.dangerous:
            trust.accept()
        host.trusted = True
    return said not in ("q", "quit")


def _folded(line: str) -> str:
    """Broken between words, which a terminal does not do by itself."""
    width = max(40, shutil.get_terminal_size().columns - 1)
    return textwrap.fill(line, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
