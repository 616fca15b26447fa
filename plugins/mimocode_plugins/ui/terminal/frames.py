"""What is written to the terminal, frame by frame: one write each, in synchronized output, never a cleared screen."""

from __future__ import annotations

import termios
from typing import Any

from prompt_toolkit.application import Application
from prompt_toolkit.data_structures import Point
from prompt_toolkit.keys import Keys
from prompt_toolkit.output.vt100 import Vt100_Output

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronized output (DEC mode 2026): terminals that know it show the frame at once, others ignore it."""
ESCAPE_WAIT, CHORD_WAIT = 0.05, 2.0
"""Seconds after Esc until it is Esc alone, and after the first key of a chord until it is given up."""


class FrameOutput(Vt100_Output):
    """Collects what is written while `held`, and writes each frame between the marks of synchronized output."""

    held = False

    def flush(self) -> None:
        """Write what has been collected, unless a frame is still being made."""
        if self.held or not self._buffer:
            return
        self._buffer = [BEGIN, *self._buffer, END]
        super().flush()

    def erase_down(self) -> None:
        """Erase from here, the beginning of a line, to the end of the screen.

        The line first, the rest from its second column: erasing all of a pane from its first column makes tmux put
        what was there into its history ("scroll-on-clear").
        """
        self.write_raw("\x1b[K\x1b[C\x1b[J\x1b[D")

    def release(self) -> None:
        """The frame is made."""
        self.held = False
        self.flush()


class InlineApplication(Application[None]):
    """An application that lives below the scrollback: it shrinks when there is less to show, and survives resizes."""

    output: FrameOutput

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.ttimeoutlen = ESCAPE_WAIT
        self.frame = 0
        """Number of the frame that is being made or was made last."""
        self.before_render += lambda _: self._begin()
        self.after_render += lambda _: self.output.release()

    @property
    def timeoutlen(self) -> float:
        """Seconds to wait for the next key of a chord; hardly any after Esc, which has to be quick."""
        keys = self.key_processor.key_buffer
        return ESCAPE_WAIT if keys and keys[0].key == Keys.Escape else CHORD_WAIT

    @timeoutlen.setter
    def timeoutlen(self, seconds: float) -> None:
        """The constructor's default is not wanted."""

    @property
    def away(self) -> bool:
        """Somebody else has the terminal (an editor), or nobody has it yet or any more."""
        return not self._is_running or self._running_in_terminal

    def woken(self) -> None:
        """Take the terminal again if somebody stopped the process (not Ctrl-Z, which gives it away and takes it back).

        The shell has set it for itself meanwhile and written below what we drew.
        """
        if self.away or not termios.tcgetattr(self.input.fileno())[3] & termios.ICANON:
            return
        self.input.raw_mode().__enter__()  # what it was at the beginning is given back at the end, as ever
        self.renderer.reset()
        self._redraw()

    def print_above(self, lines: list[str]) -> None:
        """Print finished lines into the scrollback and draw the live region below them, in one frame."""
        self.output.held = True
        self.renderer.erase(leave_alternate_screen=False)
        self.output.write_raw("".join(f"{line}\r\n" for line in lines))
        self._redraw()
        self.output.release()

    def _begin(self) -> None:
        """Begin a frame. The renderer never shrinks by itself: start afresh when there is less to show."""
        self.output.held = True
        self.frame += 1
        last = self.renderer.last_rendered_screen
        size = self.output.get_size()
        if last is not None and self.layout.container.preferred_height(size.columns, size.rows).preferred < last.height:
            self.renderer.erase(leave_alternate_screen=False)

    def _on_resize(self) -> None:
        """Find the beginning of the live region again: terminals rewrap lines that no longer fit."""
        self.output.held = True
        last, size = self.renderer.last_rendered_screen, self.output.get_size()
        if last is not None:
            at = self.renderer._cursor_pos
            widths = [
                max((x for x, cell in last.data_buffer[y].items() if cell.char.strip()), default=-1) + 1
                for y in range(at.y)
            ]
            rows = sum(max(1, -(-width // size.columns)) for width in widths) + at.x // size.columns
            self.renderer._cursor_pos = Point(x=at.x % size.columns, y=min(rows, size.rows - 1))
        super()._on_resize()
        self.output.release()
