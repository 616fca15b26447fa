"""Everything that can go wrong and is expected to. Whatever is not a MimoError is a bug and keeps its traceback.

MimoError                   one clear sentence for the user: what, where, what to do
├── UsageError              the command line makes no sense
├── SettingsError           a settings file or value makes no sense        .where
├── PluginError             a plugin broke                                 .plugin
│   └── Overrun             it took too long and is suspended
├── StoreError              the log cannot be written or read
│   └── SessionBusy         another process writes to this session         .owner
├── ModelError              the provider refused, failed or made no sense  .kind .status .retry_after
└── ToolFailed              a tool call failed in a way its author foresaw
"""

# fmt: off
from __future__ import annotations

from enum import StrEnum


class MimoError(Exception):
    """Already explained: front ends print the message and exit with `exit_code`, without a traceback."""
    exit_code = 1

class UsageError(MimoError):
    """The command line makes no sense."""
    exit_code = 2

class SettingsError(MimoError):
    """A settings file or value makes no sense; `where` is "file:line" when it is known."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where

class PluginError(MimoError):
    """A plugin broke. The message names it."""

    def __init__(self, plugin: str, message: str) -> None:
        super().__init__(f"plugin {plugin}: {message}")
        self.plugin = plugin

class Overrun(PluginError):
    """A plugin took too long. It is not asked again; if it is a guard, nothing passes it."""

class StoreError(MimoError):
    """The log cannot be written or read: disk full, read-only, locked, damaged, from a newer version."""

class SessionBusy(StoreError):
    """Another process writes to this session; `owner` says which."""

    def __init__(self, message: str, owner: str = "") -> None:
        super().__init__(message)
        self.owner = owner

class ModelFault(StrEnum):
    """Why a model call failed. What follows from it is the caller's business."""
    CREDENTIAL = "credential"  # no key, or the provider refused it (401, 403)
    NOT_FOUND = "not_found"  # no such model or address (404)
    REQUEST = "request"  # the provider says the request is wrong (400, 422)
    OVERFLOW = "overflow"  # the request is longer than the context window
    QUOTA = "quota"  # out of credit: waiting does not help (402, some 429)
    RATE = "rate"  # too many requests (429)
    SERVER = "server"  # the provider failed or is overloaded (5xx, 529)
    NETWORK = "network"  # no connection, time-out, or a stream that was cut in the middle
    NONSENSE = "nonsense"  # the answer is not what the wire format promises: HTML, broken JSON, no end
    FILTERED = "filtered"  # the provider's content filter stopped the answer
    BUDGET = "budget"  # a limit that the user set does not allow another call

class ModelError(MimoError):
    """A model call failed. `status` is the HTTP status or 0, `retry_after` the seconds the provider asked to wait."""

    def __init__(self, fault: ModelFault, message: str, *, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.fault, self.status, self.retry_after = fault, status, retry_after

class ToolFailed(MimoError):
    """A tool call failed in a way its author foresaw; the model reads the message."""
