"""Keys that the user may choose (surface.md 2.3): actions by name, their usual keys, and what tui.json makes of them.

In tui.json: `"keybinds": {"leader": "ctrl+g", "session_new": "<leader>n,f4", "session_timeline": "none"}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prompt_toolkit.key_binding.key_bindings import _parse_key

LEADER = "ctrl+x"
MODIFIERS = {"ctrl": "c-", "shift": "s-"}
NAMES = {
    "return": "enter", "esc": "escape", "space": " ", "pgup": "pageup", "pgdn": "pagedown", "del": "delete",
}  # fmt: skip


@dataclass(frozen=True)
class Action:
    """Something that a key does: a slash command, or a press that the conversation knows by its name."""

    name: str
    keys: str
    does: str
    about: str


ACTIONS = (
    Action("app_exit", "<leader>q", "/exit", "leave"),
    Action("editor_open", "<leader>e", "/editor", "write the prompt in an editor"),
    Action("theme_list", "<leader>t", "/themes", "choose a theme"),
    Action("status_view", "<leader>s", "/status", "session, model, tools, plugins"),
    Action("session_export", "<leader>x", "/export", "write the session to a file"),
    Action("session_new", "<leader>n", "/new", "a new session"),
    Action("session_list", "<leader>l", "/sessions", "another session"),
    Action("session_timeline", "<leader>g", "/timeline", "the turns of this session"),
    Action("session_compact", "<leader>c", "/compact", "make room in the context window"),
    Action("session_fork", "none", "/fork", "go on in a copy"),
    Action("session_rename", "none", "/rename", "give the session a title"),
    Action("session_share", "none", "/share", "share the session"),
    Action("messages_copy", "<leader>y", "/copy", "the last answer to the clipboard"),
    Action("messages_undo", "<leader>u", "/undo", "take the last turn back"),
    Action("messages_redo", "<leader>r", "/redo", "put it back"),
    Action("model_list", "<leader>m,f2", "/models", "choose the model"),
    Action("agent_list", "<leader>a", "/agents", "choose the agent"),
    Action("agent_cycle_reverse", "shift+tab", "agent-back", "the agent before"),
    Action("input_paste", "ctrl+v", "paste", "put in the image on the clipboard"),
    Action("command_list", "ctrl+p", "commands", "list the commands"),
    Action("tool_details", "<leader>d", "/details", "more or less of tool calls"),
    Action("display_thinking", "<leader>h", "/thinking", "show or hide thoughts"),
    Action("help_show", "f1", "/help", "keys and commands"),
)

_THEIRS = """
session_delete session_interrupt session_unshare session_child_first session_child_cycle
session_child_cycle_reverse session_parent stash_delete messages_page_up messages_page_down messages_line_up
messages_line_down messages_half_page_up messages_half_page_down messages_first messages_last messages_next
messages_previous messages_last_user messages_toggle_conceal tips_toggle model_cycle_recent model_cycle_recent_reverse
model_cycle_favorite model_cycle_favorite_reverse model_provider_list model_favorite_toggle agent_force agent_cycle
variant_cycle variant_list history_previous history_next sidebar_toggle scrollbar_toggle username_toggle
terminal_suspend terminal_title_toggle plugin_manager
"""
"""Actions of the original (surface.md 2.3) that files may name: here their keys are fixed, or there are none."""


def bound(wanted: Mapping[str, str]) -> tuple[dict[str, list[tuple[str, ...]]], list[str]]:
    """The keys of every action by its name, and a sentence for each wish that cannot be granted."""
    known = {action.name: action.keys for action in ACTIONS}
    ours = {*known, *_THEIRS.split(), "leader"}
    strange = [name for name in wanted if name not in ours and not name.startswith("input_")]
    wrong = [f"keybinds: there is no action {name!r}" for name in strange]
    leader = wanted.get("leader", LEADER)
    found: dict[str, list[tuple[str, ...]]] = {}
    for name, usual in known.items():
        try:
            found[name] = list(parsed(wanted.get(name, usual), leader))
        except ValueError as error:
            wrong.append(f"keybinds: {name}: {error}")
            found[name] = list(parsed(usual, leader))
    return found, wrong


def parsed(keys: str, leader: str = LEADER) -> Iterator[tuple[str, ...]]:
    """The key sequences that a text such as "ctrl+p,<leader>k" names; "none" names none.

    Raises:
        ValueError: a key is none.
    """
    for one in keys.split(","):
        text = one.strip()
        if text in ("", "none"):
            continue
        led, rest = text.startswith("<leader>"), text.removeprefix("<leader>")
        parts = [part for word in ([leader] if led else []) + rest.split() for part in _key(word)]
        for part in parts:
            if len(part) > 1:
                _parse_key(part)
        yield tuple(parts)


def written(keys: tuple[str, ...]) -> str:
    """A key sequence for people: Ctrl-X N."""
    words = {"escape": "Alt", "enter": "Enter"}
    return " ".join(words.get(key, key.replace("c-", "Ctrl-").replace("s-", "Shift-").title()) for key in keys)


def _key(word: str) -> list[str]:
    *modifiers, last = word.lower().split("+") if word != "+" else ["+"]
    key, before = NAMES.get(last, last), list[str]()
    for modifier in modifiers:
        if modifier in ("alt", "meta"):
            before = ["escape"]
        elif modifier in MODIFIERS:
            key = MODIFIERS[modifier] + key
        else:
            raise ValueError(f"{modifier!r} is no key that a terminal tells apart")
    return [*before, key]
