"""What endpoints of Anthropic's wire offer, asked through its SDK."""

from __future__ import annotations

from typing import Any

from ..wire import config


async def offered(provider: config.Provider, key: str, token: str) -> dict[str, dict[str, Any]]:
    """Records of its models by their ids."""
    from anthropic import AsyncAnthropic

    async with AsyncAnthropic(
        base_url=config.address(provider.base, "messages").removesuffix("/v1/messages"),
        api_key=None if token else key or "none",
        auth_token=token or None,
        default_headers=dict(provider.options.get("headers") or {}),
        max_retries=1,
    ) as client:
        return {model.id: _record(model) async for model in client.models.list(limit=100)}


def _record(model: Any) -> dict[str, Any]:
    """Name and limits; many endpoints say only the name."""
    limits = {"context": getattr(model, "max_input_tokens", None), "output": getattr(model, "max_tokens", None)}
    known = {name: value for name, value in limits.items() if isinstance(value, int)}
    return {"name": model.display_name} | ({"limit": known} if known else {})
