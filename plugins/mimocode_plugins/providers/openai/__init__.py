"""Ask models that speak OpenAI's wires: Chat Completions (and everything compatible) and Responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.ports import Model, ModelInfo

    from ..wire.config import Target

WIRES: tuple[Literal["chat", "responses"], ...] = ("chat", "responses")


@hookimpl
async def open_model(ref: str, host: Host) -> Model | None:
    """Open a model whose provider speaks one of the two wires."""
    from ..wire import config

    target = await config.find(ref, host, WIRES)
    if target is None:
        return None
    if base := host.options.get("addresses", {}).get(target.provider.id):
        from .detours import sent_to

        target = sent_to(target, base)
    if target.provider.id in ("openai", "mimo"):
        from .detours import Renewing, detoured, is_free

        target = detoured(target, host.environ)
        if is_free(target):
            from .chat import ChatModel

            return Renewing(ChatModel(target), host, lambda: _again(ref, host))
    return _opened(target)


def _opened(target: Target) -> Model:
    if target.wire == "chat":
        from .chat import ChatModel

        return ChatModel(target)
    from .responses import ResponsesModel

    return ResponsesModel(target)


async def _again(ref: str, host: Host) -> Model:
    """The model of a channel whose token was refused, with a new one."""
    from ..wire import config
    from .detours import detoured

    target = await config.find(ref, host, WIRES)
    assert target is not None, "it was there a moment ago"
    return _opened(detoured(target, host.environ))


@hookimpl
async def list_models(host: Host) -> list[ModelInfo]:
    """Name the models that can be asked over these wires; ask the live endpoints first when that is wanted."""
    from ..wire import config

    if host.options.get("refresh_models"):
        from ..wire import live
        from .offers import offered

        await live.refresh(host, "openai", WIRES, offered)
    return await config.listed(host, WIRES)
