"""What an endpoint offers, asked through the anthropic SDK: off the hot path, so its weight does not matter."""

from __future__ import annotations

from typing import Any

from mimocode.errors import ModelError

from ..wire import faults
from ..wire.config import Target


async def offered(target: Target) -> dict[str, dict[str, Any]]:
    """The models of the provider that `target` leads to, as records by id in the shape of the settings.

    Raises:
        ModelError: the endpoint cannot be asked.
    """
    import anthropic

    token = str(target.provider.options.get("authToken") or "") or None
    base = target.asked.url.removesuffix("/messages").removesuffix("/v1")
    client = anthropic.AsyncAnthropic(
        base_url=base,
        api_key=None if token else target.key,
        auth_token=token,
        default_headers=dict(target.headers),
        max_retries=0,
    )
    try:
        async with client:
            found = {}
            async for model in client.models.list(limit=100):
                found[model.id] = _record(model)
            return found
    except anthropic.APIStatusError as error:
        response = error.response
        raise faults.of_status(error.status_code, response.headers, response.content, target.asked) from error
    except anthropic.APIError as error:
        raise _unreachable(target, error) from error


def _record(model: Any) -> dict[str, Any]:
    """Name and limits; older endpoints give only the name."""
    limits = {
        "context": getattr(model, "max_input_tokens", None),
        "output": getattr(model, "max_tokens", None),
    }
    known = {name: value for name, value in limits.items() if isinstance(value, int)}
    return {"name": model.display_name} | ({"limit": known} if known else {})


def _unreachable(target: Target, error: Exception) -> ModelError:
    from mimocode.errors import ModelFault

    sentence = f"cannot list the models of {target.asked.provider} at {target.asked.where}: {error}"
    return target.asked.error(ModelFault.NETWORK, sentence)
