"""The parts of settings that have parts: names, types and defaults of surface 3.2 to 3.4.

Plain dataclasses, which pydantic validates without being imported here. An unknown part is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Amount = int | float | str
"""A number of tokens, "300K", "1.5M", or "50%" of the window."""
Kind = Literal["user_text", "assistant_text", "tool_input", "tool_error", "reasoning", "tool_output"]
Style = Literal["json", "shell"]


class Strict:
    """Refuse parts that nobody knows, so that a misspelt one is noticed."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass
class ToolStyle(Strict):
    """Arguments as JSON, or as one small shell script."""

    invocation_style: Style = "json"
    invocation_style_by_tool: dict[str, Style] = field(default_factory=dict)


@dataclass
class Watcher(Strict):
    """Patterns that are not watched."""

    ignore: list[str] = field(default_factory=list)


@dataclass
class Server(Strict):
    """Address and names of the HTTP server; port 0 takes a free one."""

    port: int = 0
    hostname: str = "127.0.0.1"
    mdns: bool = False
    mdnsDomain: str = "mimocode.local"
    cors: list[str] = field(default_factory=list)


@dataclass
class LlmServer(Strict):
    """Durations such as "1d", or "none"."""

    ttl: str = "1d"
    maxAge: str = "none"


@dataclass
class Enterprise(Strict):
    """A share host of one's own."""

    url: str | None = None


@dataclass
class History(Strict):
    """Kinds of text that are indexed."""

    kinds: list[Kind] = field(default_factory=lambda: ["user_text", "assistant_text", "tool_input", "tool_error"])


@dataclass
class Voice(Strict):
    """One model writes down what is said, the other understands commands."""

    asr_model: str = "xiaomi/mimo-v2.5-asr"
    control_model: str = "xiaomi/mimo-v2.5"


@dataclass
class Candidates(Strict):
    """How many proposals Max Mode compares, when, judged by which model, for how many dollars more than usual."""

    candidates: int = 5
    when: Literal["always", "on_failure", "on_plan"] = "always"
    model: str = ""
    cost_cap: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what makes no sense; said here, because what validates costs too much at every start."""
        if not 2 <= self.candidates <= 16:
            raise ValueError("candidates must be from 2 to 16")
        if self.cost_cap < 0:
            raise ValueError("cost_cap must not be negative")


@dataclass
class Experimental:
    """Parts that are not named here are kept for the plugins that know them."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "allow"}
    disable_paste_summary: bool = False
    batch_tool: bool = False
    openTelemetry: bool = False
    primary_tools: list[str] = field(default_factory=list)
    continue_loop_on_deny: bool = False
    mcp_timeout: int | None = None
    predict_next_prompt: bool = False
    """Off, because it costs a call of the small model after each turn."""
    maxMode: bool | Candidates = False
    try_best: dict[str, Any] = field(default_factory=dict)
