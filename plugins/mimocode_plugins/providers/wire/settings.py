"""The shape of the `provider` section. Keys are spelt as in the files (surface.md 5.2).

These are typed dictionaries, because two readers share them: msgspec checks a section in microseconds at every start,
and pydantic, which takes longer to import than that start may take, only words the error when the check fails, and
writes the published schema. Unknown keys are kept: they are the provider's own.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

_PYDANTIC: Any = {"extra": "allow", "use_attribute_docstrings": True}
_STRICT: Any = {"extra": "forbid"}


class Options(TypedDict, total=False):
    """How the provider is reached. Times are milliseconds."""

    __pydantic_config__ = _PYDANTIC  # type: ignore[misc]

    apiKey: str
    """The key; better kept in the environment or as "{env:NAME}"."""
    baseURL: str
    """Where the API begins, version included."""
    headers: dict[str, str]
    """Sent with every request."""
    timeout: int | Literal[False]
    """Until the answer begins (300000); false waits for ever."""
    headerTimeout: int | Literal[False]
    """As `timeout`, and wins over it."""
    chunkTimeout: int | Literal[False]
    """Between two pieces of an answer (300000)."""
    setCacheKey: bool
    """Send the session's id as prompt_cache_key."""


class Limit(TypedDict, total=False):
    """Tokens. Without `context` a million is assumed."""

    context: int
    output: int


class ModelConfig(TypedDict, total=False):
    """One model: what the catalogue does not know or has wrong."""

    __pydantic_config__ = _PYDANTIC  # type: ignore[misc]

    id: str
    """The name on the wire when it differs from the key."""
    name: str
    reasoning: bool
    temperature: bool
    """False: the model refuses a temperature."""
    tool_call: bool
    interleaved: bool | dict[str, str]
    """Whether reasoning goes back with tool calls, and {"field": ...} under which name."""
    limit: Limit
    cost: dict[str, Any]
    """Dollars per million tokens: input, output, cache_read, cache_write."""
    modalities: dict[str, list[str]]
    """What goes in and out: {"input": ["text", "image"]}."""
    provider: dict[str, Any]
    """Another `npm` or `api` for this model alone."""
    options: dict[str, Any]
    """Goes into the body of every request."""
    headers: dict[str, str]
    variants: dict[str, dict[str, Any]]
    """Named sets of options."""


class ProviderConfig(TypedDict, total=False):
    """A provider: one of the catalogue with changes, or one of your own."""

    __pydantic_config__ = _PYDANTIC  # type: ignore[misc]

    name: str
    npm: str
    """The adapter, which says which wire it speaks: @ai-sdk/openai-compatible, @ai-sdk/openai, @ai-sdk/anthropic."""
    api: str
    """As options.baseURL."""
    env: list[str]
    """Variables that may hold the key."""
    whitelist: list[str]
    blacklist: list[str]
    only_configured_models: bool
    """The other models of the catalogue are not offered."""
    options: Options
    models: dict[str, ModelConfig]


Providers = dict[str, ProviderConfig]


class ModelGroup(TypedDict):
    """Models that can stand for each other, and the one to take."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]

    default: str
    models: NotRequired[list[str]]


ModelGroups = dict[str, str | ModelGroup]

MISSPELT = {"base_url": "baseURL", "baseUrl": "baseURL", "baseurl": "baseURL", "api_key": "apiKey", "apikey": "apiKey"}
"""What people write instead."""


def misspelt(section: Any) -> str:
    """A sentence about the first option that is not spelt as it must be; "" when all are."""
    for name, provider in section.items():
        for wrong in MISSPELT.keys() & set(provider.get("options") or ()):
            return f"provider.{name}.options.{wrong} is not an option; did you mean {MISSPELT[wrong]}?"
    return ""
