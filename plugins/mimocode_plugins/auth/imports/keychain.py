"""The keychain of macOS, through its own command: what Claude Code keeps there.

macOS asks its user before a secret is handed over, so nothing is read before the import was asked for; whether there is
something can be seen without that question. Source: `man security`, find-generic-password.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KEY = "Claude Code"
"""The entry with an API key."""
LOGIN = "Claude Code-credentials"
"""The entry with what elsewhere stands in `.credentials.json`."""
PATIENCE = 60.0
"""Seconds: macOS may ask its user for a password."""


def of(environ: Mapping[str, str]) -> Keychain | None:
    """The keychain of this machine; None where there is none."""
    command = shutil.which("security", path=environ.get("PATH", ""))
    return Keychain(command, environ) if command else None


@dataclass(frozen=True)
class Keychain:
    """Reads entries; a refusal is as good as no entry."""

    command: str
    environ: Mapping[str, str] = field(repr=False)

    def read(self, service: str) -> str:
        """The secret of an entry; "" when there is none or its user says no."""
        return self._run("find-generic-password", "-s", service, "-w")

    def has(self, service: str) -> bool:
        """Whether there is an entry; its user is not asked."""
        return bool(self._run("find-generic-password", "-s", service))

    def _run(self, *words: str) -> str:
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        try:
            done = subprocess.run(
                [self.command, *words], env=dict(self.environ), timeout=PATIENCE, check=False, text=True, **pipes
            )
        except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""
