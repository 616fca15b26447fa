"""An image from the clipboard of the desktop, where one of the usual programs can be asked for it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

PROGRAMS = {
    "wl-paste": ("wl-paste", "--type", "image/png"),
    "xclip": ("xclip", "-selection", "clipboard", "-target", "image/png", "-out"),
    "pngpaste": ("pngpaste", "-"),
}
"""By the program's name, the command that writes the image to its standard output."""
PATIENCE = 5.0
"""Seconds for an answer."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""How a PNG file begins (PNG specification, 5.2)."""
KEPT = 7 * 24 * 3600.0
"""Seconds that an image from the clipboard is kept as a file."""


def programs(environ: Mapping[str, str]) -> list[str]:
    """The programs that are there and have a clipboard to look into."""
    fitting = ["wl-paste"] * bool(environ.get("WAYLAND_DISPLAY")) + ["xclip"] * bool(environ.get("DISPLAY"))
    return [name for name in (*fitting, "pngpaste") if shutil.which(name, path=environ.get("PATH"))]


def image(environ: Mapping[str, str]) -> bytes:
    """The image on the clipboard as PNG; nothing when there is none. Takes its time: not for the event loop."""
    for name in programs(environ):
        try:
            done = subprocess.run(
                PROGRAMS[name], capture_output=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.stdout.startswith(SIGNATURE):
            return done.stdout
    return b""


def kept(data: bytes, folder: Path) -> Path:
    """Write an image where only the user can read it, and forget those that are old.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in folder.glob("clipboard-*.png"):
        if time.time() - old.stat().st_mtime > KEPT:
            old.unlink(missing_ok=True)
    path = folder / f"clipboard-{secrets.token_hex(3)}.png"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    return path
