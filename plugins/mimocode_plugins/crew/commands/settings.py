"""The setting `command`."""

from __future__ import annotations

from typing_extensions import TypedDict


class _Needed(TypedDict):
    template: str


class CommandSettings(_Needed, total=False):
    """One command: what is said to the agent, and what it runs with."""

    description: str
    agent: str
    model: str
    subtask: bool


CommandTable = dict[str, CommandSettings]
"""The setting `command`."""
