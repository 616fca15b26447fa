"""What is known of providers and models, from the built-in catalogue and the settings alike.

The catalogue has the shape of the `provider` section, so the one is laid over the other and both are read by the
same code. Source: surface.md 5.1, 5.2; of the adapter names only what they say about the wire is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from mimocode.ports import ModelInfo

Wire: TypeAlias = Literal["chat", "responses", "messages"]

_PATHS: dict[Wire, str] = {"chat": "/chat/completions", "responses": "/responses", "messages": "/messages"}
_CHAT = (
    "openai-compatible openrouter mistral groq deepinfra cerebras togetherai perplexity vercel gateway alibaba venice"
)
WIRES: dict[str, Wire] = {
    **dict.fromkeys(_CHAT.split(), "chat"),
    "openai": "responses",
    "xai": "responses",
    "anthropic": "messages",
}
BASES = {
    "deepinfra": "https://api.deepinfra.com/v1/openai",
    "cerebras": "https://api.cerebras.ai/v1",
    "togetherai": "https://api.together.xyz/v1",
    "perplexity": "https://api.perplexity.ai",
    "vercel": "https://ai-gateway.vercel.sh/v1",
    "gateway": "https://ai-gateway.vercel.sh/v1",
    "alibaba": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    "venice": "https://api.venice.ai/api/v1",
}


@dataclass(frozen=True)
class Entry:
    """A model of a provider."""

    id: str
    wire_id: str
    name: str
    npm: str
    base: str
    record: Mapping[str, Any] = field(repr=False)

    @property
    def adapter(self) -> str:
        """The last word of the adapter's name: "@ai-sdk/xai" is "xai"."""
        name = self.npm.removeprefix("@ai-sdk/")
        return "openrouter" if name.startswith("@openrouter/") else name

    @property
    def wire(self) -> Wire | None:
        """What it speaks; None when this product does not."""
        return WIRES.get(self.adapter)

    def limit(self, name: str) -> int:
        """`context` or `output` in tokens, 0 when unknown."""
        return int((self.record.get("limit") or {}).get(name) or 0)

    @property
    def media(self) -> tuple[str, ...]:
        """What it reads besides text."""
        given = (self.record.get("modalities") or {}).get("input") or ()
        return tuple(kind for kind in given if kind != "text")

    def info(self, ref: str, ready: bool = True) -> ModelInfo:
        """The model as a list shows it."""
        cost = self.record.get("cost") or {}
        price = {k: float(v) for k, v in cost.items() if isinstance(v, int | float)}
        price |= {f"{k}_long": float(v) for k, v in (cost.get("context_over_200k") or {}).items()}
        return ModelInfo(
            ref,
            self.name,
            self.limit("context"),
            self.limit("output"),
            price,
            tools=self.record.get("tool_call") is not False,
            reasoning=bool(self.record.get("reasoning")),
            media=self.media,
            ready=ready,
            rank=int(self.record.get("rank") or 0),
        )


@dataclass(frozen=True)
class Provider:
    """A provider as catalogue, settings and the last refresh describe it together."""

    id: str
    record: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """For people."""
        return str(self.record.get("name") or self.id)

    @property
    def options(self) -> Mapping[str, Any]:
        """The `options` of the section."""
        return self.record.get("options") or {}

    @property
    def env(self) -> tuple[str, ...]:
        """Variables that may hold the key."""
        return tuple(self.record.get("env") or ())

    @property
    def base(self) -> str:
        """Where the API begins."""
        return str(self.options.get("baseURL") or self.record.get("api") or "")

    @property
    def open(self) -> bool:
        """It may be asked for models that nobody has listed."""
        return bool(self.record.get("open")) or not self.record.get("models")

    def keyless(self) -> bool:
        """It works without a key: local, none declared, or with a header or token of its own."""
        given = {name.lower() for name in (*(self.options.get("headers") or ()), *self.options)}
        own = given & {"authorization", "x-api-key", "api-key", "authtoken"}
        return not self.env or is_local(self.base) or bool(own)

    def entry(self, model: str) -> Entry:
        """A model of this provider, listed or not."""
        record = (self.record.get("models") or {}).get(model) or {}
        own = record.get("provider") or {}
        npm = str(own.get("npm") or self.record.get("npm") or "@ai-sdk/openai-compatible")
        made = Entry(model, str(record.get("id") or model), str(record.get("name") or model), npm, "", record)
        base = str(own.get("api") or self.base or BASES.get(made.adapter, ""))
        return Entry(made.id, made.wire_id, made.name, npm, base, record)

    def entries(self) -> Iterator[Entry]:
        """The models that are offered, white and black list applied."""
        white, black = self.record.get("whitelist"), self.record.get("blacklist") or ()
        for model in self.record.get("models") or {}:
            if (white is None or model in white) and model not in black:
                yield self.entry(model)

    def key_hint(self) -> str:
        """How the user gives it a key."""
        variable = f"set {self.env[0]} or " if self.env else "set "
        return f"{variable}provider.{self.id}.options.apiKey"


def address(base: str, wire: Wire) -> str:
    """The full address of a wire. Forgives a base that already ends with the path, and Anthropic's without version."""
    parts = urlsplit(base)
    path = parts.path.rstrip("/").removesuffix(_PATHS[wire])
    if wire == "messages" and not path.endswith(("/v1", "/v2")):
        path += "/v1"
    return parts._replace(path=path + _PATHS[wire]).geturl()


def is_local(url: str) -> bool:
    """Whether an address is on this machine."""
    name = urlsplit(url).hostname or ""
    return name in ("localhost", "::1", "0.0.0.0") or name.startswith("127.")
