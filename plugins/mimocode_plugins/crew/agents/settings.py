"""What an agent may be told in settings and in front matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from typing_extensions import TypedDict

Action = Literal["allow", "ask", "deny"]


class AgentSettings(TypedDict, total=False):
    """One agent; every field may be left out. Unknown keys are passed on with `options`."""

    __pydantic_config__ = {"extra": "allow"}  # type: ignore[misc]  # noqa: RUF012

    description: str
    mode: Literal["primary", "subagent", "all"]
    prompt: str
    model: str
    variant: str
    temperature: float
    top_p: float
    steps: int
    maxSteps: int
    color: str
    hidden: bool
    disable: bool
    read_only: bool
    gates: list[str]
    tool_allowlist: list[str]
    tools: dict[str, bool]
    permission: Action | dict[str, Action | dict[str, Action]]
    options: Mapping[str, Any]


AgentTable = dict[str, AgentSettings]
"""The settings `agent` and `mode`."""
