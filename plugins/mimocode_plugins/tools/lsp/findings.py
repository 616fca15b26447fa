"""What language servers complain of, as values, and what of it is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

MOST = 1000
"""Complaints about one file that are kept."""
SHOWN = 20
"""Complaints about one file that are told (surface.md 11.1)."""
LENGTH = 300
"""Characters of a complaint that are told."""
_WORDS = {1: "ERROR", 2: "WARNING"}


@dataclass(frozen=True)
class Finding:
    """A complaint; `severity` is 1 for an error, 2 a warning, more for less. Line and column count from 1."""

    line: int
    column: int
    severity: int
    message: str
    source: str
    code: str = ""

    @property
    def key(self) -> tuple[int, str, str]:
        """What stays the same when lines move."""
        return self.severity, self.message, self.code

    def __str__(self) -> str:
        message = " ".join(self.message.split())
        message = message if len(message) <= LENGTH else message[: LENGTH - 3] + "..."
        code = f" {self.code}" if self.code and len(self.code) < 50 else ""
        return f"{_WORDS.get(self.severity, 'NOTE')} [{self.line}:{self.column}] {message} ({self.source}{code})"


def findings(raw: Any, source: str) -> list[Finding]:
    """Diagnostics of the protocol as values; what makes no sense is left out."""
    found = []
    for each in raw[:MOST] if isinstance(raw, list) else ():
        try:
            start, severity, code = each["range"]["start"], each.get("severity"), each.get("code")
            text = str(code) if isinstance(code, str | int) else ""
            line, column = int(start["line"]) + 1, int(start["character"]) + 1
            found.append(Finding(line, column, int(severity or 1), str(each["message"]), source, text))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return sorted(found, key=lambda f: (f.severity, f.line, f.column))


def fresh(now: Iterable[Finding], before: Iterable[Finding]) -> list[Finding]:
    """The findings that were not there before, wherever they stood then."""
    known = Counter(finding.key for finding in before)
    new = []
    for finding in now:
        if known[finding.key]:
            known[finding.key] -= 1
        else:
            new.append(finding)
    return new


def block(name: str, told: list[Finding], old: int = 0, shown: int = SHOWN) -> str:
    """What the model reads of a file: the findings, and how many errors there were before."""
    lines = [str(finding) for finding in told[:shown]]
    if len(told) > shown:
        lines.append(f"... and {len(told) - shown} more")
    if old:
        lines.append(f"({old} more error{'s' * (old > 1)} that {'were' if old > 1 else 'was'} there before)")
    return "\n".join([f'<diagnostics file="{name}">', *lines, "</diagnostics>"])
