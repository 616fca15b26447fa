"""What the keys do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completion
from prompt_toolkit.filters import Condition, Filter, vi_insert_mode
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

from .keymap import ACTIONS, Action, written
from .pasting import marker_before

if TYPE_CHECKING:
    from .screen import Screen

Chosen = Mapping[str, Sequence[tuple[str, ...]]]
HELP = (
    ("Enter", "send"),
    ("Alt-Enter, Ctrl-J", "new line"),
    ("Esc", "stop the agent; close a list; put a suggestion away"),
    ("Esc Esc", "clear the prompt; when it is empty, the timeline"),
    ("Ctrl-C", "clear the prompt; stop the agent; twice: exit"),
    ("Ctrl-D", "exit, when the prompt is empty; while the agent works, twice"),
    ("Tab", "complete; on an empty prompt take what is suggested there, else the next agent"),
    ("Up, Down", "earlier prompts"),
    ("Ctrl-R", "search earlier prompts"),
    ("Ctrl-X Ctrl-E", "write the prompt in $VISUAL or $EDITOR"),
    ("Ctrl-_", "undo in the prompt"),
    ("Ctrl-L", "draw the prompt again"),
    ("Ctrl-Z", "suspend"),
    ("@path, @path#3-9", "send a file or some of its lines along; @server:uri a resource of an MCP server"),
    ("/skill", "at the beginning a command; further on, Tab completes the name of a skill"),
    ("$agent", "name a subagent that shall do it"),
    ("!command", "run a command; its output goes with your next message"),
)
"""For /help: every key and sign of ours that is always the same."""
MODAL = ("escape", "enter", "up", "down", "tab", "s-tab", "backspace", "c-c", "c-d", "c-f", "c-n", "c-p", "c-u")
"""Keys that a list or a question gets although the prompt has uses for them."""


def bindings(screen: Screen, modal: Condition, prompting: Filter, chosen: Chosen) -> KeyBindings:
    """The keys of the prompt and of what may take its place; `chosen` are those of actions, by their names."""
    keys = KeyBindings()
    _acting(keys, screen, prompting, chosen)
    _sending(keys, screen, prompting)
    _editing(keys, screen, prompting)
    _leaving(keys, screen, prompting)

    def forward(event: KeyPressEvent) -> None:
        if (taker := screen.front.modal) is not None:
            press = event.key_sequence[0]
            taker.key(press.key.value if isinstance(press.key, Keys) else press.key, press.data)

    def pasted(event: KeyPressEvent) -> None:
        if (taker := screen.front.modal) is not None:
            taker.key("paste", " ".join(event.data.split()))

    for name in (*MODAL, Keys.Any):
        keys.add(name, filter=modal)(forward)
    keys.add(Keys.BracketedPaste, filter=modal)(pasted)
    return keys


def _acting(keys: KeyBindings, screen: Screen, prompting: Filter, chosen: Chosen) -> None:
    completing = Condition(lambda: screen.buffer.complete_state is not None)
    for action in ACTIONS:

        def act(event: KeyPressEvent, does: str = action.does) -> None:
            if does == "commands":
                screen.fill("/")
                screen.buffer.start_completion(select_first=False)
            else:
                screen.front.pressed(does)

        for sequence in chosen.get(action.name, []):
            keys.add(*sequence, filter=prompting & ~completing)(act)


def _sending(keys: KeyBindings, screen: Screen, prompting: Filter) -> None:
    @keys.add("enter", filter=prompting)
    def send(event: KeyPressEvent) -> None:
        buffer = screen.buffer
        if _take_completion(buffer, sending=True):
            return
        text = buffer.text
        if not text.strip():
            return
        buffer.append_to_history()
        buffer.reset()
        screen.front.entered(text)

    @keys.add("escape", "enter", filter=prompting)
    @keys.add("c-j", filter=prompting)
    def new_line(event: KeyPressEvent) -> None:
        screen.buffer.insert_text("\n")

    @keys.add("tab", filter=prompting)
    def tab(event: KeyPressEvent) -> None:
        buffer = screen.buffer
        if _take_completion(buffer, sending=False):
            return
        if not buffer.text and screen.suggested:
            screen.fill(screen.suggested)
        elif not buffer.text:
            screen.front.pressed("tab")
        else:
            buffer.start_completion(select_first=False)

    @keys.add("s-tab", filter=prompting & Condition(lambda: screen.buffer.complete_state is not None))
    def back_tab(event: KeyPressEvent) -> None:
        screen.buffer.complete_previous()


def _take_completion(buffer: Buffer, sending: bool) -> bool:
    """Take the completion that is marked; whether that was all there was to do.

    What is typed whole is sent, not completed, whether the list came up in time or not; a command that is begun is
    completed and sent.
    """
    state = buffer.complete_state
    if state is None or not state.completions:
        return False
    chosen = state.current_completion or state.completions[0]
    text = buffer.document.text_before_cursor
    unmarked = state.complete_index is None
    if sending and unmarked and any(_whole(text, one) or _aside(text, one) for one in state.completions):
        buffer.cancel_completion()
        return False
    if sending and unmarked and text == "/":
        return True  # nothing was chosen yet: the first of all commands is nobody's wish
    command = text.startswith("/") and chosen.text.startswith("/")
    if unmarked:
        buffer.apply_completion(chosen)
    buffer.complete_state = None
    if command:
        return not sending
    if chosen.text.endswith('"') and buffer.document.text_after_cursor.startswith('"'):
        buffer.delete()
    if chosen.text.endswith('/"'):
        buffer.cursor_left()  # one goes on inside of the quotes
    elif not chosen.text.endswith("/"):
        buffer.insert_text(" ")
    return True


def _whole(text: str, one: Completion) -> bool:
    """Whether a completion would change nothing."""
    return text[len(text) + one.start_position :] == one.text


def _aside(text: str, one: Completion) -> bool:
    """Whether a completion is a guess at what may be no name at all: `/tmp` in the middle of a text."""
    return one.text.startswith("/") and not text.startswith("/")


def _editing(keys: KeyBindings, screen: Screen, prompting: Filter) -> None:
    @keys.add(Keys.BracketedPaste, filter=prompting)
    def paste(event: KeyPressEvent) -> None:
        if event.data:
            screen.buffer.insert_text(screen.pastes.take(event.data, screen.buffer.document.text_before_cursor))
        else:  # how some terminals say that what is on the clipboard is no text
            screen.front.pressed("paste")

    at_marker = Condition(lambda: bool(marker_before(screen.buffer.document.text_before_cursor)))

    @keys.add("backspace", filter=prompting & at_marker)
    def take_out(event: KeyPressEvent) -> None:
        screen.buffer.delete_before_cursor(marker_before(screen.buffer.document.text_before_cursor))

    @keys.add("c-x", "c-e", filter=prompting)
    def editor(event: KeyPressEvent) -> None:
        screen.buffer.open_in_editor(validate_and_handle=False)

    @keys.add("c-l")
    def again(event: KeyPressEvent) -> None:
        screen.app.print_above([])

    @keys.add("c-z")
    def suspend(event: KeyPressEvent) -> None:
        screen.app.suspend_to_background()


def described(chosen: Chosen) -> list[tuple[str, str]]:
    """For /help: the keys of actions as they are now, and what each does."""

    def row(action: Action) -> tuple[str, str]:
        also = "" if not action.does.startswith("/") else f" ({action.does})"
        return ", ".join(map(written, chosen.get(action.name, []))) or f"no key ({action.name})", action.about + also

    return [row(action) for action in ACTIONS]


def _leaving(keys: KeyBindings, screen: Screen, prompting: Filter) -> None:
    # In vi's insert mode Esc leads to the other mode, unless there is something to stop.
    writing = vi_insert_mode & Condition(lambda: not screen.front.busy and not screen.suggested)

    @keys.add("escape", filter=prompting & ~writing)
    def escape(event: KeyPressEvent) -> None:
        if screen.buffer.complete_state:
            screen.buffer.cancel_completion()
        elif screen.suggested and not screen.front.busy:
            screen.suggest("")
        else:
            screen.front.pressed("escape")

    @keys.add("c-c", filter=prompting)
    def stop(event: KeyPressEvent) -> None:
        if screen.buffer.text:
            screen.clear()
        else:
            screen.front.pressed("c-c")

    empty = Condition(lambda: not screen.buffer.text)

    @keys.add("c-d", filter=empty & prompting)
    def leave(event: KeyPressEvent) -> None:
        screen.front.pressed("c-d")
