"""What the scrollback is made of. An item knows its lines at a width; once printed it is never printed again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal, Protocol

from mimocode.events import CallFinished
from mimocode.messages import Media, Text, ToolCall

from ..shown import prose
from ..shown.diffs import diff_lines
from ..shown.look import Look
from ..shown.markdown import Block
from ..streams import revealed
from ..toolline import OTHER, diff_of, icon, subject

TAIL, BRIEF, DIFF, LONG_DIFF = 12, 4, 24, 400
"""Lines of output with and without details, lines of a diff without and with."""
SAID = 60
"""Lines of what the user said; a long paste is not printed whole."""
ATTACHED = re.compile(
    r'\n*<(file|directory|resource) (?:server="[^"]*" )?(?:path|uri)="([^"]*)"[^>]*>.*?</\1>', re.DOTALL
)
SHELL = re.compile(r'<shell command="([^"]*)" exit="(-?\d+)">\n(.*?)\n?</shell>\n*', re.DOTALL)
SKILL = re.compile(r'<skill name="([^"]*)" folder="[^"]*">\n(.*?)\n</skill>', re.DOTALL)
"""A skill as the agent gets it, when the user asked for it."""
SKILLS = re.compile(r"\n*<skills>\n.*</skills>", re.DOTALL)
"""Skills that came along because the user mentioned them; a notice names them."""


class Item(Protocol):
    """Something finished. Items of one `group` stand together, between groups there is an empty line."""

    @property
    def group(self) -> str:
        """Which neighbours it belongs to."""

    def lines(self, look: Look) -> list[str]:
        """The lines it takes, none when it is not to be seen."""


@dataclass(frozen=True)
class Said:
    """What the user said. What was attached is named, not repeated."""

    text: str
    media: tuple[str, ...] = ()
    group = "said"

    def lines(self, look: Look) -> list[str]:
        """The words behind a prompt sign."""
        words = SKILL.sub(_asked_for, SHELL.sub("", ATTACHED.sub("", SKILLS.sub("", self.text)))).strip("\n")
        names = [found[2] for found in ATTACHED.finditer(self.text)] + list(self.media)
        attached = [name for name in names if name.rpartition("/")[2] not in words]
        sign = look.say("You: ") if look.linear else "❯ "
        shown = look.lines(words, first=sign, then="" if look.linear else "  ", style="bold")
        if (more := len(shown) - SAID) > 0:
            left_out = look.lines(f"… {more} lines …", first="  ", style="dim")
            shown = [*shown[: SAID * 3 // 4], *left_out, *shown[-SAID // 4 :]]
        return shown + [line for name in attached for line in look.lines(name, first="  + ", style="dim")]


def _asked_for(skill: re.Match[str]) -> str:
    given = re.search(r"\n\nArguments: (.*?)(?:\n\nFiles \(|\Z)", skill[2], re.DOTALL)
    return f"/{skill[1]} {given[1]}" if given else f"/{skill[1]}"


@dataclass(frozen=True)
class Prose:
    """A finished block of an answer."""

    block: Block
    group = "prose"

    def lines(self, look: Look) -> list[str]:
        """The block, rendered."""
        return prose.lines(self.block, look)


@dataclass(frozen=True)
class Thought:
    """What the model thought, with the seconds it took."""

    text: str
    group = "thought"

    def lines(self, look: Look) -> list[str]:
        """The thoughts when they are wanted."""
        return (
            look.lines(
                self.text.strip(), first=look.say("Thoughts: ") if look.linear else "∴ ", then="  ", style="dim italic"
            )
            if look.thinking
            else []
        )


@dataclass(frozen=True)
class Called:
    """A finished tool call."""

    call: ToolCall
    finished: CallFinished
    seconds: float = 0.0
    full: bool = False
    """Shown with details whatever the user's wish is."""
    group = "call"

    def lines(self, look: Look) -> list[str]:
        """One line, and what is worth seeing of the result."""
        display, error = self.finished.display or {}, self.finished.error
        sign = f"{icon(self.call, error)} "
        if look.linear:
            sign = look.say("Failed: ") if error else look.say("Done: ")
        first = look.lines(self._title(), first=sign, style="red" if error else "")
        details = look.details or self.full
        text = "".join(block.text for block in self.finished.content if isinstance(block, Text))
        if error:
            return first + _excerpt(text, TAIL if details else BRIEF, look, "red")
        if diff := list(diff_of(self.call, display)):
            return first + diff_lines(diff, look, LONG_DIFF if details else DIFF)
        if details:
            return first + _arguments(self.call, look) + _excerpt(str(display.get("output") or text), TAIL, look, "dim")
        return first

    def _title(self) -> str:
        parts = [revealed(subject(self.call, self.finished.display)), *self._facts()]
        return " · ".join(part for part in parts if part)

    def _facts(self) -> Iterator[str]:
        """What the result comes to, in a few words."""
        display, text = self.finished.display or {}, ""
        for block in self.finished.content:
            text += block.text if isinstance(block, Text) else ""
            if isinstance(block, Media):
                yield block.name or block.mime
        yield counted(display)
        output = display.get("output")
        if isinstance(output, str) and not self.finished.error:
            rows = len(output.strip("\n").splitlines())
            yield f"{rows} line{'s' * (rows != 1)}" if rows else "no output"
        if self.seconds >= 1:
            yield duration(self.seconds)


@dataclass(frozen=True)
class Told:
    """A line of the program itself: a notice, an answer to a slash command, an error."""

    text: str
    level: Literal["info", "warning", "error", "plain"] = "info"
    source: str = ""
    group = "told"

    def lines(self, look: Look) -> list[str]:
        """The text in the colour of its level."""
        style = {"info": "dim", "warning": "yellow", "error": "red"}.get(self.level, "")
        mark = {"warning": "! ", "error": "✗ "}.get(self.level, "")
        mark = {"! ": look.say("Warning: "), "✗ ": look.say("Error: ")}.get(mark, mark) if look.linear else mark
        text = look.say(self.text)
        return look.lines(f"{self.source}: {text}" if self.source else text, first=mark, style=style)


@dataclass(frozen=True)
class Drawn:
    """Lines of Markdown or a diff that a slash command shows."""

    text: str
    group = "drawn"

    def lines(self, look: Look) -> list[str]:
        """The Markdown, rendered."""
        return prose.prose(self.text, look)


@dataclass(frozen=True)
class Painted:
    """A word and lines that are painted already."""

    text: str
    painted: str = ""
    group = "told"

    def lines(self, look: Look) -> list[str]:
        """The word, and below it the lines."""
        return look.lines(self.text, style="dim") + ["  " + line for line in self.painted.splitlines()]


@dataclass(frozen=True)
class Shell:
    """A command that the user ran."""

    command: str
    output: str
    exit: int
    most: int = 40
    """Lines of output that are shown."""
    group = "shell"

    def lines(self, look: Look) -> list[str]:
        """The command, its output, how it ended if that was not well."""
        how = f"exit code {self.exit}" if self.exit > 0 else f"ended by signal {-self.exit}"
        end = [] if self.exit == 0 else look.lines(how, first="  ", style="red")
        return look.lines(self.command, first="! ", style="bold") + _excerpt(self.output, self.most, look, "") + end


Ending = Literal["done", "interrupted", "failed", "limited"]


@dataclass(frozen=True)
class Ended:
    """A turn that did not simply end."""

    reason: Ending
    detail: str = ""
    group = "ended"

    def lines(self, look: Look) -> list[str]:
        """Why, and what to do."""
        if self.reason == "done":
            return []
        mark, style = ("✗ ", "red") if self.reason == "failed" else ("■ ", "yellow")
        texts = {"interrupted": "Interrupted. What is done stays done; say what to do instead.", "failed": "It failed."}
        mark = "" if look.linear else mark
        text = look.say(self.detail or texts.get(self.reason, "Stopped at a limit."))
        return look.lines(text, first=mark, style=style)


def print_items(items: Iterable[Item], look: Look, last: str = "") -> tuple[list[str], str]:
    """The lines of several items with the empty lines between groups, and the group of the last one.

    Args:
        last: the group of what was printed before; empty at the very beginning.
    """
    printed: list[str] = []
    for item in _joined(items):
        lines = item.lines(look)
        if not lines:
            continue
        if last and item.group != last and lines[0]:
            printed.append("")
        printed += lines
        last = item.group
    return printed, last


def _joined(items: Iterable[Item]) -> Iterator[Item]:
    """The same items; what comes together of one fence is coloured in one go, with what stands before it but once."""
    for _, run in groupby(items, _fence):
        first, *rest = run
        if isinstance(first, Prose) and first.block.fence is not None:
            code = [item.block.text for item in (first, *rest) if isinstance(item, Prose)]
            yield Prose(replace(first.block, text="\n".join(code)))
        else:
            yield from (first, *rest)


def _fence(item: Item) -> int:
    return id(item.block.fence) if isinstance(item, Prose) else id(None)


def counted(display: Any) -> str:
    """The number that a tool hands over for the screen."""
    for key in ("matches", "count"):
        if isinstance(value := display.get(key), int):
            return f"{value} found"
    code = next((display[key] for key in ("exit_code", "exit") if isinstance(display.get(key), int)), 0)
    return f"exit code {code}" if code else ""


def duration(seconds: float) -> str:
    """Seconds for people: 7 s, 2 min 05 s."""
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"


def _excerpt(text: str, count: int, look: Look, style: str) -> list[str]:
    rows = text.strip("\n").splitlines()
    shown = (
        rows if len(rows) <= count else [*rows[: count // 2], f"… {len(rows) - count} lines …", *rows[-(count // 2) :]]
    )
    lines = [line for row in shown for line in look.lines(row[:2000], first="  ", style=style, hard=True)]
    return lines if len(lines) <= 3 * count else [*lines[: 3 * count], "  …"]


def _arguments(call: ToolCall, look: Look) -> list[str]:
    if call.malformed:
        return look.lines(call.malformed, first="  ", style="dim", hard=True)
    if icon(call, False) != OTHER or not call.arguments:
        return []
    given = json.dumps(call.arguments, ensure_ascii=False, default=str)
    return look.lines(given, first="  ", style="dim", hard=True)
