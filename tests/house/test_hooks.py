"""A hook that nobody answers is speculation, and an answer to no hook is a typing error."""

from __future__ import annotations

from house import tree

UNANSWERED = {
    "register_hooks",
    "register_settings",
    "find_root",
    "register_cli",
    "register_commands",
    "register_agents",
    "open_store",
    "find_credential",
    "list_models",
    "open_model",
    "wrap_model",
    "tool_servers",
    "session_scope",
    "take_input",
    "contribute",
    "shape_prompt",
    "rule_on_call",
    "shape_result",
    "before_stop",
    "on_event",
}
"""Not answered by a built-in yet. This list only shrinks."""


def test_every_hook_is_answered_by_a_plugin() -> None:
    silent = tree.hooks().keys() - tree.answered().keys() - UNANSWERED
    assert not silent, f"no built-in answers {sorted(silent)}: a hook needs at least one, or it is speculation"


def test_the_unanswered_are_hooks() -> None:
    assert tree.hooks().keys() >= UNANSWERED
