"""Search without ripgrep, in a process of its own, because a regular expression can run for ever.

python -I -c BOOT  <  {"path": sys.path, "pattern": ..., "top": ..., "include": ...}
>  {"files": ..., "total": ..., "denied": ...}  or  {"error": ...}
"""

from __future__ import annotations

import codecs
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mimocode.errors import ToolFailed

from .found import LARGEST, MATCHES, BadPattern, Found, cut, newest
from .patterns import matcher
from .ripgrep import Job
from .walk import Walk

_BOOT = (
    "import json, sys; job = json.load(sys.stdin); sys.path[:] = job.pop('path'); "
    f"from {__name__} import main; main(**job)"
)


_STRAY, _PIECE = re.compile("[\udc80-\udcff]"), re.compile("[^\udc80-\udcff]+")
"""Bytes that are no UTF-8, as `surrogateescape` decodes them, and what is between them."""


def search(pattern: str, top: Path, include: str, job: Job) -> Found:
    """Search the files below `top` whose path relative to it matches `include`.

    Raises:
        BadPattern: it is no regular expression.
    """
    order = {"path": [p for p in sys.path if p], "pattern": pattern, "top": str(top), "include": include}
    code, output, complaints = job.run([sys.executable, "-I", "-c", _BOOT], json.dumps(order).encode())
    if code:
        raise ToolFailed(f"The search failed: {(complaints.strip().splitlines() or ['no reason given'])[-1]}")
    answer: dict[str, Any] = json.loads(output)
    if "error" in answer:
        raise BadPattern(answer["error"])
    return Found(**answer)


def main(pattern: str, top: str, include: str) -> None:
    """What the process does."""
    try:
        answer: dict[str, Any] = asdict(scan(re.compile(pattern), Path(top), include))
    except (re.error, OverflowError, RecursionError) as error:
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer))


def scan(pattern: re.Pattern[str], top: Path, include: str) -> Found:
    """Search file by file, the newest first; beyond what is shown, only count."""
    walk, wanted = Walk(top), matcher(include) if include else None
    if top.is_dir():
        names = [e.path for e in walk.files() if wanted is None or wanted(e.path[len(str(top)) :].lstrip("/"))]
    else:
        names = [str(top)]
    found = Found()
    for name, _ in newest(names):
        try:
            text = _text(Path(name))
        except OSError:
            found.denied += 1
            continue
        lines: list[tuple[int, str]] = []
        for number, line in enumerate(_split(text), 1):
            if _hit(pattern, line):
                found.total += 1
                if found.shown + len(lines) < MATCHES:
                    lines.append((number, cut(line.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))))
        if lines:
            found.files.append((name, lines))
    found.denied += walk.denied
    return found


def _hit(pattern: re.Pattern[str], line: str) -> bool:
    """Whether a line matches without the bytes in it that are no text; ripgrep matches them with nothing."""
    first = pattern.search(line)
    if first is None or not _STRAY.search(first[0]):
        return first is not None
    for piece in _PIECE.finditer(line):
        found = pattern.search(line, *piece.span())
        if found and (found.end() < piece.end() or piece.end() == len(line)):
            return True
        if found and (whole := pattern.match(line, found.start())) and not _STRAY.search(whole[0]):
            return True
    return False


def _split(text: str) -> list[str]:
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if not lines[-1] else lines


def _text(path: Path) -> str:
    """The text of a file; nothing of a binary or very large one."""
    if path.stat().st_size > LARGEST:
        return ""
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "replace")
        return "" if "\0" in text else text
    return "" if b"\0" in data else data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
