"""The drawing layer: prompt_toolkit below the scrollback. Knows nothing of sessions."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completer
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition, is_searching, vi_navigation_mode
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import store_typeahead
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.layout import BufferControl, ConditionalContainer, FormattedTextControl, HSplit, Layout, Window
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.processors import AfterInput, HighlightIncrementalSearchProcessor, TabsProcessor
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import DynamicStyle, Style
from prompt_toolkit.widgets import SearchToolbar
from rich.cells import cell_len

from ..shown.look import Depth, Look
from ..shown.theme import Theme
from ..shown.words import translated
from .complete import wants_completion
from .frames import FrameOutput, InlineApplication
from .history import PromptHistory
from .keys import Chosen, bindings
from .live import cut, fit
from .pasting import Pastes
from .rows import Rows

DEPTHS = {
    "none": ColorDepth.DEPTH_1_BIT,
    "standard": ColorDepth.DEPTH_4_BIT,
    "256": ColorDepth.DEPTH_8_BIT,
    "truecolor": ColorDepth.DEPTH_24_BIT,
}
TAKES = " · Tab takes it"
SHOWN = 8
"""Completions that are visible at a time."""


def _output() -> FrameOutput:
    """Standard output. The terminal is not asked where its cursor is: answers come late, or never (tmux, SSH)."""
    output = cast(FrameOutput, FrameOutput.from_pty(sys.stdout))
    output.enable_cpr = False
    return output


class Modal(Protocol):
    """Something that takes the place of the prompt, and the keys."""

    def lines(self, look: Look, rows: int) -> list[str]:
        """How it looks."""
        ...

    def key(self, name: str, data: str) -> None:
        """A key was pressed."""
        ...


class Front(Protocol):
    """Whom the screen serves."""

    @property
    def modal(self) -> Modal | None:
        """What takes the keys now, instead of the prompt."""

    @property
    def label(self) -> str:
        """What stands before the prompt."""

    @property
    def placeholder(self) -> str:
        """What stands in the prompt as long as it is empty."""

    def above(self, look: Look, rows: int) -> list[str]:
        """The live region above the prompt."""
        ...

    def below(self, look: Look) -> str:
        """The status line."""
        ...

    def entered(self, text: str) -> None:
        """The user sent the prompt."""
        ...

    @property
    def busy(self) -> bool:
        """Whether there is something that Esc would stop."""

    def pressed(self, key: str) -> None:
        """The user pressed "escape", "c-c", "c-d" or "tab", and it was not the prompt's, or the key of an action."""
        ...


class Screen:
    """The prompt, what stands around it, and the way into the scrollback."""

    def __init__(
        self,
        front: Front,
        depth: Depth,
        history: Path,
        completer: Completer,
        directory: Path,
        source: Input | None = None,
        chosen: Chosen | None = None,
        vi: bool = False,
    ) -> None:
        self.front, self.depth = front, depth
        self.thinking = self.details = self.split = self.linear = False
        self.theme, self.language = Theme(), "en"
        self._styled: tuple[Theme, Style] | None = None
        self.chosen = chosen or {}
        """The keys of actions."""
        self.pastes = Pastes(directory)
        self.typed = 0.0
        """When a key went into the prompt, by the monotonic clock."""
        self._writing = asyncio.Event()
        self._lent: str | None = None
        self.suggested = ""
        """What the user might say next: greyed, and only while the prompt is empty."""
        self.buffer = Buffer(
            history=PromptHistory(history, self.pastes.expand),
            completer=completer,
            complete_while_typing=Condition(lambda: wants_completion(self.buffer.document.text_before_cursor)),
            multiline=True,
            enable_history_search=False,
            tempfile_suffix=".md",
            on_text_changed=lambda _: self._touched(),
        )
        self.search = SearchToolbar(ignore_case=True)
        self.app = InlineApplication(
            layout=Layout(self._layout()),
            key_bindings=self._bindings(),
            style=DynamicStyle(self._style),
            output=_output(),
            color_depth=DEPTHS[depth],
            input=source,
            editing_mode=EditingMode.VI if vi else EditingMode.EMACS,
            erase_when_done=True,
            max_render_postpone_time=None,
            terminal_size_polling_interval=None,
        )
        self._layout_focus()

    @property
    def look(self) -> Look:
        """How things look now."""
        return Look(
            self._columns, self.depth, self.thinking, self.details, self.split, self.theme, self.language, self.linear
        )

    def draw(self, finished: Callable[[Look], list[str]]) -> None:
        """Make a frame: print what is finished, draw the rest. While an editor has the terminal nothing happens."""
        if self.app.away:
            return
        if lines := finished(self.look):
            self.app.print_above(lines)
        else:
            self.app.invalidate()

    def raw(self, sequence: str) -> None:
        """Send the terminal a control sequence of ours."""
        self.app.output.write_raw(sequence)
        self.app.output.flush()

    def typed_before(self, data: bytes) -> None:
        """Take keys that were read before the prompt could."""
        keys: list[KeyPress] = []
        Vt100Parser(keys.append).feed_and_flush(data.decode("utf-8", "replace"))
        store_typeahead(self.app.input, keys)

    def fill(self, text: str) -> None:
        """Put a text into the prompt if it is empty."""
        if not self.buffer.text:
            self.buffer.text = text
            self.buffer.cursor_position = len(text)

    def give_back(self, text: str) -> None:
        """Put a text that was sent already before what stands in the prompt."""
        if text:
            self.buffer.text = f"{text}\n{self.buffer.text}" if self.buffer.text else text
            self.buffer.cursor_position = len(self.buffer.text)

    def lend(self, text: str | None) -> None:
        """Let somebody else have the prompt, with a text to begin with; None: it is ours again, as it was."""
        if text is not None:
            self._lent = self.buffer.text
        elif self._lent is None:
            return
        else:
            text, self._lent = self._lent, None
        self.buffer.text = text
        self.buffer.cursor_position = len(text)

    def suggest(self, text: str) -> None:
        """Offer a line that the user may take with Tab; "" takes the offer back, and so does typing."""
        self.suggested = text if text.isprintable() and not self.buffer.text else ""

    async def typing(self) -> None:
        """Return when there is something in the prompt."""
        if not self.buffer.text:
            self._writing.clear()
            await self._writing.wait()

    def clear(self) -> None:
        """Empty the prompt; what stood there can be had again with Up."""
        self.buffer.append_to_history()
        self.buffer.reset()

    def keymap(self, name: str) -> None:
        """The keys of vi or of emacs in the prompt."""
        self.app.editing_mode = EditingMode.VI if name == "vi" else EditingMode.EMACS

    def _style(self) -> Style:
        if self._styled is not None and self._styled[0] is self.theme:
            return self._styled[1]  # the same object, or prompt_toolkit merges all its styles anew for every frame
        sign, faint = (self.theme.colours.get(role, "") for role in ("primary", "textMuted"))
        sign = sign or "ansicyan"
        rules = [("prompt", f"{sign} bold"), ("faint", faint or "ansibrightblack"), ("chosen", f"bold {sign}")]
        self._styled = self.theme, Style(rules)
        return self._styled[1]

    def _touched(self) -> None:
        self.typed = time.monotonic()
        if self.buffer.text:
            self.suggested = ""
            self._writing.set()

    # -- layout -----------------------------------------------------------------

    def _layout(self) -> HSplit:
        prompting = Condition(lambda: self.front.modal is None)
        control = BufferControl(
            self.buffer,
            search_buffer_control=self.search.control,
            preview_search=True,
            input_processors=[
                HighlightIncrementalSearchProcessor(),
                TabsProcessor(tabstop=4, char1=" ", char2=" "),
                AfterInput(self._placeholder),
            ],
        )
        self._prompt = Window(
            control,
            wrap_lines=True,
            dont_extend_height=True,
            height=lambda: Dimension(min=1, max=max(3, self._rows // 3)),
            get_line_prefix=self._prefix,
        )
        self._above = Rows(lambda: self.front.above(self._narrow, self._room()), lambda: self.app.frame)
        return HSplit(
            [
                Window(self._above, dont_extend_height=True, always_hide_cursor=True),
                ConditionalContainer(HSplit([self._prompt, self.search, self._completions()]), prompting),
                ConditionalContainer(self._text(self._modal_lines), ~prompting),
                self._text(lambda: [self.front.below(self._narrow)]),
            ]
        )

    def _placeholder(self) -> StyleAndTextTuples:
        if self.buffer.text or is_searching():
            return []
        told = self.suggested + translated(TAKES, self.language) if self.suggested else ""
        told = told or translated(self.front.placeholder, self.language)
        return [("class:faint", fit(told, self._columns - cell_len(self.front.label) - 2))]

    def _layout_focus(self) -> None:
        self.app.layout.focus(self._prompt)

    def _text(self, lines: Callable[[], list[str]]) -> Window:
        control = Rows(lines, lambda: self.app.frame)
        return Window(control, dont_extend_height=True, always_hide_cursor=True)

    def _completions(self) -> ConditionalContainer:
        window = Window(FormattedTextControl(self._completion_lines), dont_extend_height=True)
        return ConditionalContainer(window, Condition(lambda: bool(self._completing())))

    def _completing(self) -> bool:
        state = self.buffer.complete_state
        return state is not None and bool(state.completions)

    def _completion_lines(self) -> StyleAndTextTuples:
        state = self.buffer.complete_state
        if state is None:
            return []
        here = state.complete_index or 0
        begin = max(0, min(here - SHOWN // 2, len(state.completions) - SHOWN))
        shown = state.completions[begin : begin + SHOWN]
        wide = min(max(cell_len(one.display_text) for one in shown), self._columns // 2)
        rows: StyleAndTextTuples = []
        for number, one in enumerate(shown, begin):
            style = "class:chosen" if number == here else "class:faint"
            pad = " " * (wide - cell_len(one.display_text)) + "  " if one.display_meta_text else ""
            line = cut(f"{one.display_text}{pad}{one.display_meta_text}", self._columns - 4)
            rows.append((style, f"{'  ' if not rows else chr(10) + '  '}{line}"))
        return rows

    def _modal_lines(self) -> list[str]:
        modal = self.front.modal
        return modal.lines(self._narrow, max(4, self._rows - 1 - self._above.height)) if modal else []

    def _prefix(self, line: int, wrapped: int) -> StyleAndTextTuples:
        first = line == 0 and wrapped == 0
        if first and self.app.editing_mode == EditingMode.VI and vi_navigation_mode():
            return [("class:prompt", "❮ ")]
        return [("class:prompt", f"{self.front.label} " if first else " " * (len(self.front.label) + 1))]

    def _room(self) -> int:
        """Rows for the live region: what the prompt and the lines below it leave."""
        prompt = min(self.buffer.document.line_count, max(3, self._rows // 3))
        below = SHOWN if self._completing() else 0
        return max(0, self._rows - prompt - below - 3) if self.front.modal is None else max(0, self._rows // 4)

    @property
    def _rows(self) -> int:
        return self.app.output.get_size().rows

    @property
    def _columns(self) -> int:
        return self.app.output.get_size().columns

    @property
    def _narrow(self) -> Look:
        """One column less than there is, so that a terminal does not rewrap the live region at once."""
        return replace(self.look, width=self._columns - 1)

    def _bindings(self) -> KeyBindings:
        modal = Condition(lambda: self.front.modal is not None)
        return bindings(self, modal, ~modal & ~is_searching, self.chosen)
