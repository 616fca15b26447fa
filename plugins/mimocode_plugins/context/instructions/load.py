"""Reads instruction files within a budget and keeps account of what was left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .discover import Candidate

LARGEST = 256 * 1024
"""Bytes. A file above that is data, not instructions."""
BUDGET = 60_000
"""Characters of all files together, about 15,000 tokens."""
LEAST = 1_000
"""Characters. When less than that is left of the budget a file is left out instead of cut."""

FENCED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
IMPORT = re.compile(r"(?<!\S)@([^\s@`]+[^\s@`.,;:!?)])")


class _Refused(Exception):
    """Why a file is left out."""


@dataclass
class Found:
    """What came of it."""

    texts: list[tuple[str, str]] = field(default_factory=list)
    """(path, text for the model)."""
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """(path, reason)."""
    room: int = BUDGET

    def report(self, directory: Path) -> str:
        """One line for the user, or "" when there was nothing to say."""
        parts = []
        if self.texts:
            tokens = sum(len(text) for _, text in self.texts) // 4
            parts.append(f"read {', '.join(_near(path, directory) for path, _ in self.texts)} (about {tokens} tokens)")
        if self.left_out:
            parts.append("left out " + ", ".join(f"{_near(path, directory)} ({why})" for path, why in self.left_out))
        return "; ".join(parts)


def gather(found: Iterable[Candidate]) -> Found:
    """Read the files in their order, each once, until the budget is spent."""
    result, seen = Found(), set[Path]()
    for candidate in found:
        _take(candidate, result, seen)
    return result


def _take(candidate: Candidate, result: Found, seen: set[Path], importer: str = "") -> None:
    path = candidate.path
    try:
        if candidate.refusal:
            raise _Refused(candidate.refusal)
        real = _within(candidate)
        if real in seen:
            return
        seen.add(real)
        text = _read(real).strip()
        if not text:
            return
        result.texts.append((str(path), _headed(path, text, result, importer)))
    except _Refused as why:
        result.left_out.append((str(candidate), str(why)))
        return
    if path.name == "CLAUDE.md" and not importer:
        for target in imports(text):
            _import(target, candidate, result, seen)


def _import(target: str, candidate: Candidate, result: Found, seen: set[Path]) -> None:
    """One level deep and no further; without a project the file's own directory is the limit."""
    path = Path(target).expanduser() if target.startswith("~/") else candidate.path.parent / target
    if path.is_file():
        inside = candidate.inside or candidate.path.resolve().parent
        _take(Candidate(path, inside), result, seen, importer=candidate.path.name)


def imports(text: str) -> Iterator[str]:
    """The `@path` references of a text, outside of code."""
    for match in IMPORT.finditer(FENCED.sub(" ", text)):
        yield match[1]


def _within(candidate: Candidate) -> Path:
    """The file after links, if it may be read."""
    try:
        real = candidate.path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise _Refused("a link to nothing") from None
    if candidate.inside is not None and not real.is_relative_to(candidate.inside.resolve()):
        raise _Refused("leads out of the project")
    if not real.is_file():
        raise _Refused("not a regular file")
    return real


def _read(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise _Refused(f"{size // 1024} KiB, at most {LARGEST // 1024}")
        raw = path.read_bytes()
    except OSError as error:
        raise _Refused(error.strerror or "cannot be read") from None
    if b"\0" in raw[:8192]:
        raise _Refused("binary")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _Refused("not UTF-8") from None


def _headed(path: Path, text: str, result: Found, importer: str) -> str:
    """The text under a line that says where it is from, cut at a line when the budget ends within it."""
    if len(text) > result.room:
        if result.room < LEAST:
            raise _Refused("no room left")
        end = text.rfind("\n", result.room // 2, result.room)
        kept = text[: end if end > 0 else result.room]
        result.left_out.append((str(path), f"its last {len(text) - len(kept)} characters, no room left"))
        text, result.room = f"{kept}\n[Cut here. Read the file for the rest.]", 0
    result.room -= min(len(text), result.room)
    return f"Instructions from: {path}{f' (imported by {importer})' if importer else ''}\n{text}"


def _near(path: str, directory: Path) -> str:
    """A path as short as it can be said."""
    home = str(Path.home())
    if path.startswith(f"{directory}/"):
        return path[len(str(directory)) + 1 :]
    return "~" + path[len(home) :] if path.startswith(f"{home}/") else path
