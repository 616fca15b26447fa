# mypy: disable-error-code="empty-body"
"""Every place where a plugin can join in. This file is the kernel's table of contents.

The caller chooses how answers are combined (see `switchboard`). An implementation may be a plain function or a
coroutine and take any subset of the arguments. What raises or overruns its deadline is reported under the plugin's
name and left out, except for guards: a guard that fails allows nothing.
"""

# fmt: off
from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

if TYPE_CHECKING:
    from .events import Event, Fact
    from .host import Host
    from .main import Commands
    from .messages import Part, ToolCall
    from .ports import (
        Agent,
        Command,
        Model,
        ModelInfo,
        Prompt,
        Ruling,
        Setting,
        Store,
        ToolResult,
        ToolServer,
        Workspace,
    )
    from .session import Session

F = TypeVar("F", bound=Callable[..., Any])

PROJECT = "mimocode"
hookimpl = pluggy.HookimplMarker(PROJECT)
_pluggy_spec = pluggy.HookspecMarker(PROJECT)

DEADLINE = 10.0  # seconds that one plugin may take to answer one hook, unless the hook says otherwise

def hookspec(*, deadline: float = DEADLINE, foreseen: bool = False, strict: bool = False) -> Callable[[F], F]:
    """Declare a hook.

    Args:
        deadline: seconds one plugin may take to answer.
        foreseen: let a `MimoError` through: the plugin says that what was asked for cannot be had.
        strict: let every failure through, as `PluginError`; else it is reported and the plugin left out.
    """

    def mark(function: F) -> F:
        function.deadline, function.foreseen, function.strict = deadline, foreseen, strict  # type: ignore[attr-defined]
        return _pluggy_spec(function)

    return mark

# Wiring: asked once, answered with values.

@hookspec()
def register_hooks() -> ModuleType | None:
    """Bring hooks of your own: a module with more specifications."""

@hookspec()
def register_settings() -> Iterable[Setting]:
    """Claim top-level keys of the settings files."""

@hookspec(foreseen=True)
def open_workspace(host: Host) -> Workspace | None:
    """Say where the project begins, where files are kept and what the settings say."""

@hookspec()
def register_cli(commands: Commands) -> None:
    """Add subcommands to the command line; every front end is one of these."""

@hookspec()
async def register_commands(host: Host) -> Iterable[Command]:
    """Offer slash commands."""

@hookspec()
async def register_agents(host: Host) -> Iterable[Agent]:
    """Offer agents: a prompt, a model and a choice of tools under one name."""

@hookspec(foreseen=True)
async def open_store(host: Host) -> Store | None:
    """Keep the log somewhere."""

@hookspec(deadline=30, foreseen=True)
async def find_credential(provider: str, host: Host) -> str | None:
    """Know a secret: environment, keyring, another tool's login."""

@hookspec(deadline=30)
async def list_models(host: Host) -> Iterable[ModelInfo]:
    """Name the models you can open."""

@hookspec(deadline=30, foreseen=True)
async def open_model(ref: str, host: Host) -> Model | None:
    """Open the model "provider/model", or leave it to someone else."""

@hookspec()
async def wrap_model(model: Model, session: Session) -> Model | None:
    """Put a model around the model: retry, metering, limits."""

@hookspec(deadline=30)
async def tool_servers(session: Session) -> Iterable[ToolServer | Any]:
    """Offer tools: MCP servers, in this process or elsewhere."""

# Conversation: asked on every turn.

@hookspec()
def session_scope(session: Session) -> AbstractAsyncContextManager[None]:
    """Live as long as the session does: watchers, timers, language servers."""

@hookspec(deadline=120, foreseen=True)
async def take_input(text: str, session: Session) -> str | bool | None:
    """Rewrite what the user typed (text), or deal with it entirely (True)."""

@hookspec()
async def contribute(session: Session) -> Iterable[Part]:
    """Say something in the system prompt of a new window; rank decides the place."""

@hookspec(deadline=60)
async def shape_prompt(prompt: Prompt, session: Session) -> Prompt | None:
    """Have the last word on a request; within a window it must go on beginning with the one before."""

@hookspec(strict=True)
async def rule_on_call(call: ToolCall, session: Session) -> Ruling | None:
    """Allow, ask or deny a tool call; the strictest ruling wins, silence means ask."""

@hookspec(deadline=60)
async def shape_result(result: ToolResult, call: ToolCall, session: Session) -> ToolResult | None:
    """Change what the model sees of a tool's result: shorten, redact, add diagnostics."""

@hookspec(deadline=600, foreseen=True)
async def before_stop(session: Session) -> str | None:
    """Send the agent back to work with this message: something is unfinished. `Limited` ends the turn short of it."""

@hookspec()
async def on_event(event: Event, fact: Fact | None, session: Session) -> None:
    """Watch: all that happens with `event`, only what is kept, not each streamed piece, with `fact` instead."""
