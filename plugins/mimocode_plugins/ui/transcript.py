"""The plain view of a session: a banner, one line per finished tool, notices; the last words are the result.

Everything goes to stderr except the last words, which go to stdout. On a terminal stdout also shows the words as
they come, and stderr has one passing line for what is going on right now (a command's output, a countdown).
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from mimocode.events import (
    CallFinished,
    CallStarted,
    Entry,
    MessageAdded,
    Notice,
    Retrying,
    TextDelta,
    ToolProgress,
    TurnEnded,
    WindowOpened,
)
from mimocode.messages import Message, Reasoning, ToolCall

from .shown.words import LINE, aside
from .streams import Results, Screen, one_line, visible
from .toolline import show_call, subject

LEVELS = {"info": "dim", "warning": "yellow", "error": "red"}
ENDINGS = {"failed": ("✗", "red"), "limited": ("■", "yellow"), "interrupted": ("■", "yellow")}


class Transcript:
    """Shows the events of one session to a person; `finish` hands over the result."""

    def __init__(self, screen: Screen, results: Results, *, thinking: bool = False) -> None:
        self.screen, self.results, self._thinking = screen, results, thinking
        self._session = ""
        self._calls: dict[str, ToolCall] = {}
        self._pending = ""
        self._midline = False
        self._streamed = False
        self._passing = False
        self._countdown: asyncio.Task[None] | None = None

    def begin(self, session: str, agent: str, model: str) -> None:
        """Show the banner."""
        self._session = session
        dot = self.screen.paint("·", "dim")
        name = self.screen.paint(session, "dim")
        self._line(f"> {self.screen.paint(agent, 'bold')} {dot} {self.screen.paint(model, 'cyan')} {dot} {name}")

    def show(self, entry: Entry) -> None:
        """Show what an event gives rise to."""
        match entry.event:
            case TextDelta(text=text):
                self._stream(text)
            case MessageAdded(message=message):
                self._message(message)
            case CallStarted(call_id=call_id):
                self._pass(f"… {subject(self._calls[call_id])}" if call_id in self._calls else "…")
            case ToolProgress(text=text) if text.strip():
                self._pass(f"… {text.strip().splitlines()[-1]}")
            case CallFinished(call_id=call_id) if call_id in self._calls:
                self._break()
                show_call(self.screen, self._calls.pop(call_id), entry.event)
            case Retrying():
                self._retrying(entry.event)
            case Notice(source=source, text=text, level=level):
                self._line(self.screen.paint(f"{source}: {text}", LEVELS[level]))
            case WindowOpened(reason=reason, messages=messages) if messages:
                self._line(self.screen.paint(f"A new context window: {reason}", "dim"))
            case TurnEnded(reason=reason, detail=detail):
                self._ended(reason, detail)

    def refused(self, call: ToolCall, why: str, advice: str) -> None:
        """Say that a call was refused because nobody is there to approve it."""
        self._line(self.screen.paint(f"! Refused: {subject(call)}", "yellow"))
        self._line(self.screen.paint(f"  {why.rstrip('.')}. {advice}", "dim"))

    def error(self, message: str, name: str, now: int) -> None:
        """Errors before the session opens are main's to print."""

    def finish(self, words: str, done: bool) -> None:
        """The result: the last words to stdout, unless it is a terminal that has shown them already."""
        self._break()
        if done and not self.results.terminal and words.strip():
            self.results.write(visible(words).rstrip("\n") + "\n")

    def _message(self, message: Message) -> None:
        if message.role == "user":
            if message.origin:
                who, what = aside(message.origin, message.text)
                self._line(self.screen.paint(f"↩ {who}: {one_line(what, LINE)}", "dim"))
            return
        self._calls = {call.id: call for call in message.calls}
        thoughts = "".join(block.text for block in message.content if isinstance(block, Reasoning))
        if self._thinking and thoughts.strip():
            self._line(self.screen.paint(f"Thinking: {thoughts.strip()}", "dim"))
        if self.results.terminal:
            self._end_text(message.text)
            return
        self._flush()
        self._pending = message.text
        if message.calls:
            self._flush()

    def _flush(self) -> None:
        """What turned out not to be the last words is progress."""
        if self._pending.strip():
            self._line(self.screen.paint(self._pending.strip("\n")))
        self._pending = ""

    def _stream(self, text: str) -> None:
        if self.results.terminal and text:
            self._clear()
            self.results.write(visible(text))
            self._midline, self._streamed = not text.endswith("\n"), True

    def _end_text(self, text: str) -> None:
        """Finish the words on the terminal; a model that does not stream has not shown them yet."""
        if not self._streamed:
            self._stream(text)
        self._break()
        self._streamed = False

    def _retrying(self, event: Retrying) -> None:
        again = " What it said above is void." if self._streamed else ""
        self._line(self.screen.paint(f"{event.reason.rstrip('.')}.{again}", "yellow"))
        self._streamed = False
        if not self.screen.terminal:
            self._line(f"Retrying in {event.wait:.0f} s (attempt {event.attempt}).")
            return
        with contextlib.suppress(RuntimeError):
            self._countdown = asyncio.get_running_loop().create_task(self._count(event))

    async def _count(self, event: Retrying) -> None:
        until = time.monotonic() + event.wait
        while (left := until - time.monotonic()) > 0:
            self._show_passing(f"Retrying in {left:.0f} s (attempt {event.attempt}).")
            await asyncio.sleep(min(1.0, left))

    def _ended(self, reason: str, detail: str) -> None:
        self._break()
        if reason in ENDINGS:
            self._flush()
            mark, style = ENDINGS[reason]
            self._line(self.screen.paint(f"{mark} {detail or reason.capitalize()}", style))
        if reason == "interrupted":
            self._line(self.screen.paint(f'  Go on with: mimo run --session {self._session} "..."', "dim"))

    # -- the passing line -----------------------------------------------------

    def _pass(self, text: str) -> None:
        self._break()
        self._show_passing(text)

    def _show_passing(self, text: str) -> None:
        if self.screen.terminal:
            self.screen.write("\r\x1b[K" + self.screen.paint(one_line(text, _width()), "dim"))
            self._passing = True

    def _clear(self) -> None:
        """Wipe the passing line."""
        if self._countdown is not None:
            self._countdown.cancel()
            self._countdown = None
        if self._passing:
            self.screen.write("\r\x1b[K")
            self._passing = False

    def _break(self) -> None:
        """Begin a new line where words were left in the middle of one."""
        self._clear()
        if self._midline:
            self.results.write("\n")
            self._midline = False

    def _line(self, painted: str) -> None:
        self._break()
        self.screen.line(painted)


def _width() -> int:
    import shutil

    return max(20, shutil.get_terminal_size().columns - 2)
