"""Settings that are accepted, so that existing files load, and have no effect here: why, in one sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_NOT_SHARED = "sessions are not shared; `mimo session export` writes one to a file"
_NO_SERVER = "nothing listens yet"
WITHOUT: dict[str, str] = {
    "compaction.prune": "what a tool said stays until a new window: earlier would cost the provider's cache after it",
    "checkpoint.push_caps.focus_task": "a task is told with the others; push_caps.tasks_ledger limits them",
    "checkpoint.push_caps.actor_ledger": "subagents report as messages, which have their own limit",
    "tool": "arguments are JSON for every model",
    "plugin": "plugins are installed with pip and found by themselves; `mimo plugins` lists them",
    "share": _NOT_SHARED,
    "autoshare": _NOT_SHARED,
    "enterprise": _NOT_SHARED,
    "autoupdate": "nothing is looked up unasked; `mimo upgrade` does it",
    "watcher": "files are looked at when they are used, and not watched",
    "server": _NO_SERVER,
    "llmServer": _NO_SERVER,
    "voice": "speech is not there yet",
    "layout": "the original has given it up",
    "experimental.batch_tool": "several calls in one answer run together anyway",
    "experimental.openTelemetry": "nothing is ever reported to anybody",
    "experimental.primary_tools": "name the tools of a subagent under agent.<name>.tools",
    "experimental.continue_loop_on_deny": "a call that is denied never ends a turn",
    "experimental.try_best": "repetition is found in another way, by guard.repeat",
}
"""By dotted key. What stands below a key has no effect either."""


def why(key: str) -> str:
    """Why a dotted key has no effect; "" when it has one."""
    parts = key.split(".")
    return next((WITHOUT[name] for n in range(len(parts), 0, -1) if (name := ".".join(parts[:n])) in WITHOUT), "")


def idle(settings: Any) -> Iterator[tuple[str, str, str]]:
    """(where, dotted key, why) for everything that is set and has no effect."""
    for layer in settings.layers:
        for key, sentence in WITHOUT.items():
            path = tuple(key.split("."))
            if _there(layer.data, path):
                yield layer.where(path), key, sentence


def _there(data: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    value: Any = data
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True
