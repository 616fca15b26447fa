"""Tell somebody who looks elsewhere that a long turn is over, or that something waits for a word."""

from __future__ import annotations

import asyncio
import html
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from ..streams import one_line

LONG = 20.0
"""Seconds from which on a turn is long."""
LONGEST = 120
"""Characters."""
_SAY = ("-e", "on run said", "-e", 'display notification (item 1 of said) with title "mimo"', "-e", "end run", "--")


def notification(text: str, wish: str, environ: Mapping[str, str]) -> str:
    """The sequence that a terminal turns into a notification of the desktop, or into a bell; "" when off.

    Args:
        wish: "auto", "off", "bell", "osc9", "osc777" or "desktop"; "auto" goes by the terminal.
    """
    kind = _fitting(environ) if wish == "auto" else wish
    safe = one_line(text, LONGEST).replace(";", ",")
    sequence = {"osc9": f"\x1b]9;{safe}\x07", "osc777": f"\x1b]777;notify;mimo;{safe}\x07"}.get(kind, "")
    if sequence and environ.get("TMUX"):
        sequence = f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\"
    return "" if kind == "off" else f"{sequence}\x07"


def _fitting(environ: Mapping[str, str]) -> str:
    program, term = environ.get("TERM_PROGRAM", ""), environ.get("TERM", "")
    if program in ("iTerm.app", "WezTerm", "ghostty") or "kitty" in term or "ghostty" in term:
        return "osc9"
    return "osc777" if term.startswith(("rxvt", "foot")) or environ.get("VTE_VERSION") else "bell"


def program(text: str, wish: str, environ: Mapping[str, str], platform: str = sys.platform) -> Sequence[str]:
    """The command that notifies the desktop, for terminals that cannot; nothing where there is none, or it is far away.

    Args:
        wish: as for `notification`; "auto" where the terminal itself only has a bell.
    """
    wanted = wish == "desktop" or (wish == "auto" and _fitting(environ) == "bell")
    if not wanted or "SSH_CONNECTION" in environ:
        return ()
    safe = one_line(text, LONGEST)
    if platform == "darwin":
        return ("osascript", *_SAY, safe)
    here = "DISPLAY" in environ or "WAYLAND_DISPLAY" in environ
    found = shutil.which("notify-send", path=environ.get("PATH")) if here else None
    return (found, "--app-name=mimo", "--", "mimo", html.escape(safe)) if found else ()


async def run(command: Sequence[str]) -> None:
    """Notify, within a few seconds; one that cannot is no news."""
    nothing = asyncio.subprocess.DEVNULL
    with suppress(OSError, TimeoutError):
        process = await asyncio.create_subprocess_exec(*command, stdin=nothing, stdout=nothing, stderr=nothing)
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()
