"""Ctrl-C at a terminal goes to the command that the user works with, not to what was put around it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache

from .running import shell


@cache
def _env() -> str:
    """The `env` that can set signals (GNU coreutils 8.31 and later); "" without one."""
    found = shutil.which("env") or ""
    words = [found, "--ignore-signal=INT", found, "--default-signal=INT", "true"]
    return found if found and subprocess.run(words, capture_output=True).returncode == 0 else ""


def keyed(argv: Sequence[str]) -> Sequence[str]:
    """A wrapped command line whose wrapper passes over Ctrl-C, which the shell inside does not."""
    if argv[0] == shell() or shell() not in argv or not (env := _env()):
        return argv
    at = len(argv) - 1 - list(argv)[::-1].index(shell())
    return [env, "--ignore-signal=INT", *argv[:at], env, "--default-signal=INT", *argv[at:]]
