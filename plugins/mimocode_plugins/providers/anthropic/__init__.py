"""Models behind Anthropic's Messages API: Anthropic's own and every endpoint that speaks it.

open_model   any reference whose provider has the adapter `@ai-sdk/anthropic` (see `wire.config`)
list_models  the models of those providers
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.ports import Model, ModelInfo

WIRES: tuple[Literal["messages"]] = ("messages",)


@hookimpl
async def list_models(host: Host) -> Iterable[ModelInfo]:
    """Name the models that can be asked over this wire; ask the live endpoints first when that is wanted."""
    from ..wire.config import listed

    if host.options.get("refresh_models"):
        from ..wire import live
        from .offers import offered

        await live.refresh(host, "anthropic", WIRES, offered)
    return await listed(host, WIRES)


@hookimpl
async def open_model(ref: str, host: Host) -> Model | None:
    """Open a model whose provider speaks this wire."""
    from ..wire.config import find

    if (target := await find(ref, host, WIRES)) is None:
        return None
    from .model import ClaudeModel

    return ClaudeModel(target)
