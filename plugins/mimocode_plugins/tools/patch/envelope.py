"""Read a patch in the envelope that Codex models write: what it says, before any file is looked at.

*** Begin Patch
*** Add File: path            then lines that begin with "+"
*** Delete File: path
*** Update File: path         then, for a rename, *** Move to: path
@@ a line above the place     any number of them, each narrowing down
 unchanged line
-line that goes
+line that comes
*** End of File               the hunk stands at the end of the file
*** End Patch
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from mimocode.errors import ToolFailed

BEGIN, END, LAST = "*** Begin Patch", "*** End Patch", "*** End of File"
_FILE = re.compile(r"\*\*\* (Add|Update|Delete) File: (.*)")
_COUNTS = re.compile(r"^-\d+(,\d+)? \+\d+(,\d+)? @@ ?")
"""Line numbers as a diff has them; they are not needed and often wrong."""
_MOVE = "*** Move to: "


@dataclass
class Hunk:
    """One place of a file: lines marked " ", "-" or "+", below the lines of `above`."""

    above: list[str] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    at_end: bool = False

    @property
    def old(self) -> list[str]:
        """The lines that must be there."""
        return [line for mark, line in self.lines if mark != "+"]


@dataclass
class Operation:
    """What happens to one file."""

    kind: Literal["Add", "Update", "Delete"]
    path: str
    move: str = ""
    content: str = ""
    hunks: list[Hunk] = field(default_factory=list)


def parse(text: str) -> list[Operation]:
    """The operations of a patch, in order.

    Raises:
        ToolFailed: it is not a patch; the message names the line.
    """
    lines = _unwrapped(text)
    if not lines or lines[0].rstrip() != BEGIN:
        raise ToolFailed(f"A patch begins with the line {BEGIN!r}.")
    if lines[-1].rstrip() != END:
        raise ToolFailed(f"A patch ends with the line {END!r}; this one may have been cut off.")
    found: list[Operation] = []
    at = 1
    while at < len(lines) - 1:
        header = _FILE.fullmatch(lines[at])
        if header is None:
            if found and not lines[at].strip():
                at += 1
                continue
            raise _wrong(at, lines[at], "expected *** Add File:, *** Update File: or *** Delete File:")
        operation = Operation(header[1], _name(header[2], at))  # type: ignore[arg-type]
        at = _body(operation, lines, at + 1)
        found.append(operation)
    if not found:
        raise ToolFailed("The patch names no file.")
    return found


def _unwrapped(text: str) -> list[str]:
    """The lines between blank ones, a here-document's frame taken off; lines of a CRLF text without the CR."""
    if text.count("\r\n") == text.count("\n"):
        text = text.replace("\r\n", "\n")
    lines = text.strip("\n").split("\n")
    if len(lines) > 2 and re.fullmatch(r"<<\s*(['\"]?)EOF\1", lines[0].strip()) and lines[-1].strip() == "EOF":
        lines = lines[1:-1]
    return lines


def _body(operation: Operation, lines: Sequence[str], at: int) -> int:
    start = at
    if operation.kind == "Update" and lines[at].startswith(_MOVE):
        operation.move = _name(lines[at].removeprefix(_MOVE), at)
        at += 1
    added: list[str] = []
    while at < len(lines) - 1 and not _FILE.fullmatch(lines[at]):
        line = lines[at]
        match operation.kind:
            case "Add" if line.startswith("+"):
                added.append(line[1:] + "\n")
            case "Update":
                _hunk_line(operation.hunks, line, at)
            case _ if line.strip():
                what = (
                    "each line of a new file begins with +" if operation.kind == "Add" else "nothing follows a delete"
                )
                raise _wrong(at, line, what)
        at += 1
    operation.content = "".join(added)
    if operation.kind == "Update" and not operation.move and not any(hunk.lines for hunk in operation.hunks):
        raise _wrong(start - 1, lines[start - 1], "the update changes nothing")
    return at


def _hunk_line(hunks: list[Hunk], line: str, at: int) -> None:
    if line == "@@" or line.startswith("@@ "):
        if not hunks or hunks[-1].lines:
            hunks.append(Hunk())
        name = _COUNTS.sub("", line[3:])
        if name.strip():
            hunks[-1].above.append(name)
        return
    if not hunks:
        hunks.append(Hunk())
    if line.rstrip() == LAST:
        hunks[-1].at_end = True
    elif hunks[-1].at_end:
        if line.strip():
            raise _wrong(at, line, f"a new hunk begins with @@ after {LAST!r}")
    elif not line:  # an empty line that stays, its leading space lost on the way
        hunks[-1].lines.append((" ", ""))
    elif line[0] in " +-":
        hunks[-1].lines.append((line[0], line[1:]))
    else:
        raise _wrong(at, line, "a line of a hunk begins with a space, + or -")


def _name(text: str, at: int) -> str:
    name = text.strip(" \t")
    if not name:
        raise ToolFailed(f"Line {at + 1} of the patch names no file.")
    if any(ord(c) < 32 or ord(c) == 127 for c in name):
        raise ToolFailed(f"The file name in line {at + 1} of the patch contains control characters: {name!r}.")
    return name


def _wrong(at: int, line: str, what: str) -> ToolFailed:
    return ToolFailed(f"Line {at + 1} of the patch, {line[:80]!r}: {what}. Nothing was changed.")
