"""The live region above the prompt as lines: the answer's open end, what runs, what waits. Pure, at a given time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from rich.cells import cell_len, chop_cells

from ..shown import prose
from ..shown.look import Look, plain
from ..shown.markdown import Block, Splitter
from ..streams import revealed
from ..toolline import subject
from .feed import Feed, Running
from .items import duration

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
BEAT = 0.12
"""Seconds that a picture of the spinner stays."""
OPEN = 12
"""Lines of the answer's open end that are shown: what is open is painted again as it grows."""
PATIENCE = 4.0
"""How many times as long as it took to render the open end it stays as it is."""
TAILS = {1: 4, 2: 2}
"""Lines of output that are shown of each running call, by how many run; one line when there are more."""


class OpenEnd:
    """The lines of the answer's open end, kept while they are good.

    They are made anew for what was said, never for a key: that is echoed with the lines that there are. What takes
    long to render waits for `PATIENCE` times as long as it took. What is finished is never shown twice.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._known: tuple[object, ...] = ()
        self._look: Look | None = None
        self._pieces, self._due = -1, 0.0
        self._lines: list[str] = []
        self.stale = True
        """Whether something was said since they were made."""

    def lines(self, answer: Splitter, look: Look) -> list[str]:
        """The lines, perhaps without the latest words."""
        if not self.stale and look == self._look:
            return self._lines
        self.stale = False
        known, began = (answer, answer.finished, look), self._clock()
        if known != self._known or (answer.pieces != self._pieces and began >= self._due):
            self._lines = [line for block in answer.rest() for line in prose.lines(ending(block, look), look)]
            self._known, self._pieces, ended = known, answer.pieces, self._clock()
            self._look, self._due = look, ended + PATIENCE * (ended - began)
        return self._lines


def ending(block: Block, look: Look) -> Block:
    """A long block without its beginning, which is out of sight; what stays does not move with each word."""
    if block.kind == "table":
        head, rows = block.text.split("\n")[:2], block.text.split("\n")[2:]
        return replace(block, text="\n".join(head + rows[-OPEN:])) if len(rows) > OPEN else block
    room = OPEN * look.width
    if len(block.text) <= 2 * room:
        return block
    cut = (len(block.text) - room) // room * room
    return replace(block, text=block.text[cut:].partition(" ")[2] or block.text[cut:])


def live_lines(
    feed: Feed, look: Look, rows: int, now: float, last: str = "", waiting: bool = False, end: OpenEnd | None = None
) -> list[str]:
    """What happens now, at most `rows` lines of it, the latest.

    Args:
        now: Unix seconds.
        end: keeps the open end of the answer between two frames.
        last: the group of the last printed item, for the empty line between groups.
        waiting: for the user's word, so that the model is not.
    """
    if look.linear:  # what moves is read out again and again
        return [look.paint(fit(line, look.width), "dim") for line in _still(feed, look, waiting)][:rows]
    answer = [*(end or OpenEnd()).lines(feed.answer, look)]
    if answer and last not in ("", "prose"):
        answer.insert(0, "")
    below = list(_below(feed, look, now, bool(answer), waiting))
    if below and (answer or last):
        below.insert(0, "")
    below = below[: max(1, rows)]
    room = min(OPEN, max(0, rows - len(below)))
    return (answer[-room:] if room else []) + below


def _still(feed: Feed, look: Look, waiting: bool) -> Iterator[str]:
    present = feed.now
    for running in present.calls.values():
        yield look.say("Running: ") + revealed(subject(running.call))
    if present.retry:
        yield look.say("The model is asked again.")
    elif present.busy and not present.calls and not waiting:
        yield look.say("Working. Esc interrupts.")
    for said in present.queued:
        yield look.say("Waiting to be sent: ") + said


def animated(feed: Feed, waiting: bool) -> float:
    """Seconds until the live region looks different by itself; 0: it does not.

    Args:
        waiting: for the user's word, so that nothing else goes on.
    """
    if feed.now.retry:
        return 1.0
    return BEAT if (feed.now.busy and not waiting) or feed.now.calls else 0.0


def spinner(now: float) -> str:
    """The picture that belongs to a time."""
    pictures = "|/-\\" if os.environ.get("TERM") == "linux" else SPINNER
    return pictures[int(now / BEAT) % len(pictures)]


def fit(text: str, width: int) -> str:
    """One line of text, safe and cut to a number of columns."""
    return cut(" ".join(text.split()), width)


def cut(text: str, width: int) -> str:
    """Like `fit`, but blanks stay, so that columns are aligned."""
    shown = plain(text)
    return shown if cell_len(shown) <= width else (chop_cells(shown, max(1, width - 1)) or [""])[0] + "…"


def _below(feed: Feed, look: Look, now: float, answering: bool, waiting: bool) -> Iterator[str]:
    present = feed.now
    for running in present.calls.values():
        yield from _call(running, look, now, len(present.calls))
    if present.children:
        doing = ", ".join(child.doing for child in present.children.values() if child.doing)
        since = duration(now - min(child.since for child in present.children.values()))
        count = len(present.children)
        text = f"{count} subagent{'s' * (count > 1)}{': ' + doing if doing else ''} · {since}"
        yield look.paint(fit(f"◦ {text}", look.width), "dim")
    if present.retry:
        left = max(0.0, present.retry_at - now)
        text = f"Trying again in {left:.0f} s (attempt {present.retry.attempt}). Esc gives up."
        yield look.paint(fit(text, look.width), "yellow")
    elif present.busy and not present.calls and not waiting:
        yield from _activity(feed, look, now, answering)
    for said in present.queued:
        yield look.paint(fit(f"↳ {said}", look.width), "dim")


def _activity(feed: Feed, look: Look, now: float, answering: bool) -> Iterator[str]:
    present = feed.now
    if present.thinking and look.thinking:
        yield from look.lines(present.thinking.strip(), first="∴ ", style="dim italic")[-6:]
    if present.writing:
        name, _, size = present.writing.rpartition(" ")
        doing = f"Writing a call of {name} ({size} characters)"
    else:
        waited = present.closing or "Waiting for the model"
        doing = "Thinking" if present.thinking else "Answering" if answering else waited
    doing, stop = look.say(doing), look.say("esc interrupts")
    text = f"{spinner(now)} {doing} · {duration(max(0.0, now - present.since))} · {stop}"
    yield look.paint(fit(text, look.width), "dim")


def _call(running: Running, look: Look, now: float, together: int) -> Iterator[str]:
    time = duration(max(0.0, now - running.since))
    about = fit(revealed(subject(running.call)), look.width - len(time) - 5)
    yield look.paint(f"{spinner(now)} {about} · {time}")
    rows = [row for row in running.tail.splitlines() if row.strip()]
    for row in rows[-TAILS.get(together, 1) :]:
        yield look.paint("  " + fit(row, look.width - 3), "dim")
