"""The shape of the `provider` section, for pydantic. Keys are camelCase as in the files (surface.md 5.2).

Unknown keys of `options` and of models are kept: they are the provider's own and go into the request or are ignored.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_MISSPELT = {"base_url": "baseURL", "baseUrl": "baseURL", "baseurl": "baseURL", "api_key": "apiKey", "apikey": "apiKey"}


class Options(BaseModel):
    """How the provider is reached. Times are milliseconds."""

    model_config = ConfigDict(extra="allow", populate_by_name=False)

    api_key: str | None = Field(
        default=None, alias="apiKey", repr=False, description="The key; better kept in the environment."
    )
    base_url: str | None = Field(default=None, alias="baseURL", description="Where the API begins, version included.")
    headers: dict[str, str] = Field(default_factory=dict, repr=False, description="Sent with every request.")
    timeout: int | Literal[False] | None = Field(
        default=None, description="Milliseconds until the answer begins; false: none."
    )
    header_timeout: int | Literal[False] | None = Field(
        default=None, alias="headerTimeout", description="As `timeout`."
    )
    chunk_timeout: int | Literal[False] | None = Field(
        default=None, alias="chunkTimeout", description="Milliseconds between two pieces of an answer (300000)."
    )
    set_cache_key: bool | None = Field(
        default=None, alias="setCacheKey", description="Send the session as prompt_cache_key."
    )
    enterprise_url: str | None = Field(default=None, alias="enterpriseUrl", description="Accepted, not used yet.")

    @model_validator(mode="before")
    @classmethod
    def _spelling(cls, value: Any) -> Any:
        for wrong in _MISSPELT.keys() & set(value if isinstance(value, dict) else ()):
            raise ValueError(f"unknown option {wrong}; did you mean {_MISSPELT[wrong]}?")
        return value


class Limit(BaseModel):
    """Tokens. Without `context` a million is assumed."""

    model_config = ConfigDict(extra="ignore")

    context: int | None = Field(default=None, ge=0)
    output: int | None = Field(default=None, ge=0)


class ModelConfig(BaseModel):
    """One model of a provider: what the catalogue does not know or has wrong."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    id: str | None = Field(default=None, description="The name on the wire when it differs from the key.")
    name: str | None = None
    reasoning: bool | None = None
    temperature: bool | None = None
    tool_call: bool | None = None
    interleaved: bool | dict[str, str] | None = Field(default=None, description="The field that carries reasoning.")
    limit: Limit | None = None
    cost: dict[str, Any] | None = Field(
        default=None, description="Dollars per million: input, output, cache_read, cache_write."
    )
    modalities: dict[str, list[str]] | None = None
    provider: dict[str, str] | None = Field(default=None, description="Another `npm` or `api` for this model alone.")
    options: dict[str, Any] | None = Field(default=None, description="Goes into the body of every request.")
    headers: dict[str, str] | None = Field(default=None, repr=False)
    variants: dict[str, dict[str, Any]] | None = Field(default=None, description="Named sets of options.")


class ProviderConfig(BaseModel):
    """A provider: one of the catalogue with changes, or one of your own."""

    model_config = ConfigDict(extra="allow")

    id: str | None = None
    name: str | None = None
    npm: str | None = Field(default=None, description="The adapter's name, which says which wire it speaks.")
    api: str | None = Field(default=None, description="As options.baseURL.")
    env: list[str] | None = Field(default=None, description="Variables that may hold the key.")
    whitelist: list[str] | None = None
    blacklist: list[str] | None = None
    only_configured_models: bool | None = Field(
        default=None, description="The catalogue's other models are not offered."
    )
    options: Options | None = None
    models: dict[str, ModelConfig] | None = None


Providers = dict[str, ProviderConfig]
