"""Ask models that speak OpenAI's wires: Chat Completions (and everything compatible) and Responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.ports import Model, ModelInfo


@hookimpl
async def open_model(ref: str, host: Host) -> Model | None:
    """Open a model whose provider speaks one of the two wires."""
    from ..wire import config

    target = await config.find(ref, host, ("chat", "responses"))
    if target is None:
        return None
    if target.wire == "chat":
        from .chat import ChatModel

        return ChatModel(target)
    from .responses import ResponsesModel

    return ResponsesModel(target)


@hookimpl
async def list_models(host: Host) -> list[ModelInfo]:
    """Name the models that can be asked over these wires; ask the live endpoints first when that is wanted."""
    from ..wire import config

    if wanted := host.options.get("refresh_models"):
        from .offers import refresh

        await refresh(host, wanted)
    return await config.listed(host, ("chat", "responses"))
