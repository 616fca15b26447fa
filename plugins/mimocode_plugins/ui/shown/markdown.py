"""Markdown while it streams: text in pieces goes in, finished blocks come out and never change again.

A block is finished when a later line closes it, so cutting the text differently gives the same blocks. What is still
open can be looked at any time (`rest`). Lines of a fenced block are finished one by one, long ones need not wait.

The grammar is the part of CommonMark that models write, line by line: headings, paragraphs, lists, quotes, fences,
tables, rules. A line break in a paragraph stays a line break.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["paragraph", "heading", "item", "quote", "code", "table", "rule"]
CONTEXT = 40
"""Most lines of a fenced block that later lines are coloured with: each line costs as much as all of them."""

_FENCE = re.compile(r"( *)(`{3,}|~{3,})\s*([^`]*)$")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$")
_ITEM = re.compile(r"(\s*)([-*+•]|\d{1,9}[.)])(?:\s+(.*))?$")
_QUOTE = re.compile(r" {0,3}> ?(.*)$")
_RULE = re.compile(r" {0,3}([-*_])(?:\s*\1){2,}\s*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)\s*$")
_DELIMITERS = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")


@dataclass
class Fence:
    """A fenced block that is open."""

    mark: str
    indent: int
    language: str
    plain_from: int = 0
    """The number of a line from which on code looks the same without what stands before it; who colours finds it."""


@dataclass(frozen=True)
class Block:
    """A finished piece of a text.

    `level` is the depth of a heading, `indent` the columns before an item, its continuation or its code, `mark` an
    item's bullet. `language`, `before`, `fence` and `number` belong to code, which comes line by line: the lines that
    it is coloured with, the fence, and how many lines of it came earlier. `gap` asks for an empty line above.
    """

    kind: Kind
    text: str
    level: int = 0
    indent: int = 0
    mark: str = ""
    language: str = ""
    before: str = ""
    gap: bool = False
    fence: Fence | None = field(default=None, compare=False, repr=False)
    number: int = field(default=0, compare=False)


class Splitter:
    """Takes a text in pieces and hands over its blocks.

    splitter = Splitter()
    blocks = splitter.feed("# Title\\nSome ") + splitter.feed("text.\\n\\n") + splitter.finish()
    """

    def __init__(self) -> None:
        self._line: list[str] = []  # in pieces: a line may be very long
        self._open: list[str] = []
        self._kind: Kind = "paragraph"
        self._indent = 0
        self._mark = ""
        self._fence: Fence | None = None
        self._before: list[str] = []
        self._count = 0
        self._blank = self._gap = self._any = self._listing = False
        self._out: list[Block] = []
        self.pieces = self.finished = 0
        """How many pieces went in and how many blocks came out: `rest` is the same while both are."""

    def feed(self, text: str) -> list[Block]:
        """What the text finishes."""
        self.pieces += 1
        *ends, begun = text.split("\n")
        for end in ends:
            self._take("".join([*self._line, end]).removesuffix("\r"))
            self._line = []
        self._line.append(begun)
        done, self._out = self._out, []
        return done

    def rest(self) -> list[Block]:
        """What would come if the text ended here."""
        twin = copy.copy(self)
        twin._open, twin._out, twin._line = [*self._open], [], [*self._line]
        return twin.finish()

    def finish(self) -> list[Block]:
        """The text ends: all that was open."""
        if line := "".join(self._line):
            self._take(line.removesuffix("\r"))
        self._line = []
        self._close()
        self._fence = None
        done, self._out = self._out, []
        return done

    # -- lines ------------------------------------------------------------------

    def _take(self, line: str) -> None:
        if self._fence is not None:
            self._code(line)
        elif not line.strip():
            self._close()
            self._blank = True
        elif self._kind == "table" and self._open:
            self._row(line)
        elif not self._starts(line):
            self._goes_on(line)

    def _code(self, line: str) -> None:
        fence, bare = self._fence, line.strip()
        assert fence is not None
        if len(bare) >= len(fence.mark) and set(bare) == {fence.mark[0]}:
            self._fence, self._blank = None, True
            return
        cut = min(fence.indent, len(line) - len(line.lstrip(" ")))
        before = self._before[max(0, len(self._before) - self._count + fence.plain_from) :]
        told = fence.language, "\n".join(before), not self._count, fence, self._count
        self._emit(Block("code", line[cut:], 0, fence.indent, "", *told))
        self._before = [*self._before[1 - CONTEXT :], line[cut:]]
        self._count += 1

    def _starts(self, line: str) -> bool:
        """Whether the line begins a block, or is one."""
        if fence := _FENCE.match(line):
            self._close()
            language = (fence[3].split() or [""])[0]
            self._fence, self._before, self._count = Fence(fence[2], len(fence[1]), language), [], 0
            return True
        if self._open and self._kind == "paragraph" and _UNDERLINE.match(line):
            text, self._open = " ".join(part.strip() for part in self._open), []
            self._emit(Block("heading", text, 1 if "=" in line else 2, gap=True))
            return True
        if _RULE.match(line):
            return self._single(Block("rule", "", gap=True))
        if heading := _HEADING.match(line):
            return self._single(Block("heading", heading[2] or "", len(heading[1]), gap=True))
        return self._item(line) or self._quoted(line)

    def _item(self, line: str) -> bool:
        item = _ITEM.match(line)
        if not item:
            return False
        self._begin("item", item[3] or "", len(item[1].expandtabs(4)), item[2], gap=not self._listing)
        self._listing = True
        return True

    def _quoted(self, line: str) -> bool:
        quote = _QUOTE.match(line)
        if not quote:
            return False
        if self._kind == "quote" and self._open:
            self._open.append(quote[1])
        else:
            self._begin("quote", quote[1])
        return True

    def _goes_on(self, line: str) -> None:
        indent = len(line) - len(line.lstrip())
        if self._open:
            if self._kind == "paragraph" and len(self._open) == 1 and "|" in self._open[0] and _DELIMITERS.match(line):
                self._kind = "table"
            self._open.append(line if self._kind == "table" else line.strip())
        elif self._listing and indent >= 2:
            self._begin("paragraph", line.strip(), indent)
        elif indent >= 4:
            self._single(Block("code", line[4:], gap=self._blank))
        else:
            self._begin("paragraph", line.strip())
            self._listing = False

    def _row(self, line: str) -> None:
        if "|" in line:
            self._open.append(line)
        else:
            self._close()
            self._take(line)

    # -- blocks -----------------------------------------------------------------

    def _begin(self, kind: Kind, text: str, indent: int = 0, mark: str = "", gap: bool = False) -> None:
        self._close()
        self._kind, self._open, self._indent, self._mark = kind, [text], indent, mark
        self._gap, self._blank = gap or self._blank or kind == "quote", False
        if kind == "quote":
            self._listing = False

    def _single(self, block: Block) -> bool:
        self._close()
        self._listing = False
        self._emit(block)
        return True

    def _close(self) -> None:
        if not self._open:
            return
        text, self._open = "\n".join(self._open), []
        gap = self._gap or self._kind == "table"
        self._emit(Block(self._kind, text, 0, self._indent, self._mark, gap=gap))

    def _emit(self, block: Block) -> None:
        if not self._any and block.gap:
            block = Block(**{**vars(block), "gap": False})
        self._any, self._blank = True, False
        self.finished += 1
        self._out.append(block)
