"""Tell somebody who looks elsewhere that a long turn is over, or that something waits for a word."""

from __future__ import annotations

from collections.abc import Mapping

from ..streams import one_line

LONG = 20.0
"""Seconds from which on a turn is long."""


def notification(text: str, wish: str, environ: Mapping[str, str]) -> str:
    """The sequence that a terminal turns into a notification of the desktop, or into a bell; "" when off.

    Args:
        wish: "auto", "off", "bell", "osc9" or "osc777"; "auto" goes by the terminal.
    """
    kind = _fitting(environ) if wish == "auto" else wish
    safe = one_line(text, 120).replace(";", ",")
    sequence = {"osc9": f"\x1b]9;{safe}\x07", "osc777": f"\x1b]777;notify;mimo;{safe}\x07"}.get(kind, "")
    if sequence and environ.get("TMUX"):
        sequence = f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\"
    return "" if kind == "off" else f"{sequence}\x07"


def _fitting(environ: Mapping[str, str]) -> str:
    program, term = environ.get("TERM_PROGRAM", ""), environ.get("TERM", "")
    if program in ("iTerm.app", "WezTerm", "ghostty") or "kitty" in term or "ghostty" in term:
        return "osc9"
    return "osc777" if term.startswith(("rxvt", "foot")) or environ.get("VTE_VERSION") else "bell"
