"""The settings `permission` and `tools`."""

from __future__ import annotations

from typing import Literal

from mimocode.ports import Setting

Action = Literal["allow", "ask", "deny"]

PERMISSION = Setting(
    "permission",
    Action | dict[str, Action | dict[str, Action]],
    {},
    "What tools may do: allow, ask or deny, for everything or per key and pattern. The last matching rule wins.",
)
TOOLS = Setting(
    "tools",
    dict[str, bool],
    {},
    "Older form of `permission`: tool name to whether it may be used.",
)
TIMEOUT = Setting(
    "permission_timeout",
    float,
    0.0,
    "Seconds that a question about a permission waits for an answer before it counts as no; 0 waits for ever.",
)
