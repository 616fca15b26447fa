"""What endpoints of OpenAI's wires offer, asked through its SDK: the one place where it carries weight."""

from __future__ import annotations

from typing import Any

from ..wire import config


async def offered(provider: config.Provider, key: str, token: str) -> dict[str, dict[str, Any]]:
    """Records of its models by their ids."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(
        api_key=key or token or "none",
        base_url=provider.base,
        default_headers=dict(provider.options.get("headers") or {}),
        max_retries=1,
    ) as client:
        return {model.id: _record(model.model_dump()) async for model in client.models.list()}


def _record(given: dict[str, Any]) -> dict[str, Any]:
    """What of an entry is useful; OpenRouter and some servers say more than the name."""
    record: dict[str, Any] = {}
    if isinstance(given.get("name"), str):
        record["name"] = given["name"]
    window = given.get("context_length") or given.get("max_model_len") or given.get("context_window")
    if isinstance(window, int):
        record["limit"] = {"context": window}
    return record
