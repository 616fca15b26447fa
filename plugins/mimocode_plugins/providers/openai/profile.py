"""What differs between providers that speak the same wire, as data.

Public facts behind the echo rules: DeepSeek and Moonshot (Kimi) refuse an assistant message with tool calls that
lacks its `reasoning_content` while thinking is on; both ignore it elsewhere. Xiaomi (MiMo) and Z.AI (GLM) accept it
and keep their thread of thought with it. OpenRouter wants its `reasoning_details` back as they came. OpenAI's own
Chat Completions never show reasoning. Everybody else: never, because an unknown field can be refused. Mistral refuses
ids of calls that are not nine letters or digits, and a user right after tools. Through OpenRouter, Claude caches
nothing unless asked to; a mark at the top moves by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Literal
from urllib.parse import urlsplit

from mimocode.messages import JSON

from ..wire.config import Entry, Target

FIELDS = ("reasoning_content", "reasoning", "thinking")
"""Where providers put what the model thinks."""


@dataclass(frozen=True)
class Profile:
    """How one model of one provider wants its requests."""

    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    echo: Literal["never", "tool_turns", "always"] = "never"
    """Which assistant messages go back with their reasoning."""
    field: str = "reasoning_content"
    """Under which name it goes back."""
    always_present: bool = False
    """With tool calls the field must be there even when there was no reasoning."""
    details: bool = False
    """`reasoning_details` go back as they came (OpenRouter)."""
    temperature: float | None = None
    """When the user says nothing (surface.md 5.4)."""
    effort: Literal["reasoning_effort", "reasoning", "thinking", "deepseek"] = "reasoning_effort"
    """How a variant such as "high" is written."""
    cache_key: bool = False
    """`prompt_cache_key` is understood."""
    cache_mark: bool = False
    """Nothing is cached unless `cache_control` asks for it, once for the whole request."""
    short_ids: bool = False
    """Ids of calls have nine letters or digits (Mistral)."""
    bridged: bool = False
    """Between results of tools and what a user says stands a word of the assistant (Mistral)."""
    plain_schemas: bool = False
    """Only a part of JSON Schema is understood."""


_KIMI = {"echo": "tool_turns", "always_present": True}
_NO_ECHO = {"echo": "never", "always_present": False, "effort": "reasoning_effort"}
"""They serve models of others and refuse fields that they do not know, or have names of their own for them."""
_MISTRAL = {"short_ids": True, "bridged": True}
_RULES: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    # provider, model (wildcards on the lower-case name), what differs; later rules win
    ("*", "*qwen*", {"temperature": 0.55}),
    ("*", "*gemini*", {"temperature": 1.0}),
    ("*", "*glm-*", {"temperature": 1.0, "echo": "tool_turns"}),
    ("*", "*minimax-*", {"temperature": 1.0}),
    ("*", "*deepseek*", {"echo": "tool_turns", "always_present": True, "effort": "deepseek"}),
    ("*", "*kimi-k2*", {"temperature": 0.6}),
    ("*", "*kimi-*thinking*", {"temperature": 1.0, **_KIMI}),
    ("*", "*kimi-k[2-9].[5-9]*", {"temperature": 1.0, **_KIMI}),
    ("*", "*kimi-k[3-9]*", {"temperature": 1.0, **_KIMI}),
    ("*", "kimi-for-coding*", _KIMI),
    ("*", "*mimo-*", {"temperature": 1.0, "echo": "tool_turns", "effort": "thinking"}),
    ("*", "*claude*", {"temperature": None}),
    ("xiaomi", "*", {"limit": "max_completion_tokens"}),
    *((name, "*", _NO_ECHO) for name in ("groq", "cerebras", "mistral", "google", "xai", "perplexity", "togetherai")),
    ("*", "*gemini*", {"plain_schemas": True}),
    ("*", "*kimi-*", {"plain_schemas": True}),
    *(("*", f"*{name}*", _MISTRAL) for name in ("mistral", "devstral", "codestral", "ministral", "magistral")),
    ("mistral", "*", _MISTRAL),
    ("openrouter", "*", {"echo": "never", "always_present": False, "details": True, "effort": "reasoning"}),
    ("openrouter", "anthropic/*", {"cache_mark": True}),
)
_HOSTS: Mapping[str, Mapping[str, Any]] = {
    "api.openai.com": {"limit": "max_completion_tokens", "cache_key": True},
}


def profile_of(target: Target) -> Profile:
    """The profile of a model: from its provider, its name, its address, and what the settings say of it."""
    made = Profile()
    name = target.model.wire_id.lower()
    for provider, pattern, changes in _RULES:
        if fnmatchcase(target.provider.id, provider) and fnmatchcase(name, pattern):
            made = replace(made, **changes)
    made = replace(made, **_HOSTS.get(urlsplit(target.asked.url).hostname or "", {}))
    interleaved = target.model.record.get("interleaved")
    if isinstance(interleaved, Mapping) and interleaved.get("field"):
        made = replace(made, echo="tool_turns", field=str(interleaved["field"]))
        made = replace(made, details=made.field == "reasoning_details")
    elif interleaved is True:
        made = replace(made, echo="tool_turns")
    elif interleaved is False:
        made = replace(made, echo="never", always_present=False, details=False)
    if target.provider.options.get("setCacheKey") is not None:
        made = replace(made, cache_key=bool(target.provider.options["setCacheKey"]))
    if target.model.record.get("temperature") is False:
        made = replace(made, temperature=None)
    return made


def sampling(target: Target, profile: Profile, options: JSON) -> dict[str, Any]:
    """Temperature and nucleus, left out for models that refuse them."""
    if target.model.record.get("temperature") is False:
        return {}
    made: dict[str, Any] = {}
    temperature = options.get("temperature", profile.temperature)
    if temperature is not None:
        made["temperature"] = temperature
    if options.get("top_p") is not None:
        made["top_p"] = options["top_p"]
    return made


def output_limit(target: Target, options: JSON) -> int:
    """Tokens that the answer may have; 0 leaves it to the provider, for models of which nothing is known."""
    if wanted := int(options.get("max_output") or 0):
        return wanted
    known, window = target.model.limit("output"), target.model.limit("context")
    if not known:
        return 0
    return min(known, target.output_cap, window // 2 or known)


def effort(target: Target, profile: Profile, options: JSON) -> dict[str, Any]:
    """What the chosen variant ("low", "high", or one of the settings) puts into the body."""
    name = str(options.get("variant") or "")
    if not name:
        return {}
    if own := target.variant(name):
        return {key: value for key, value in own.items() if key != "disabled"}
    if target.model.record.get("reasoning") is False:
        return {}
    match profile.effort:
        case "thinking":
            return {"thinking": {"type": "disabled" if name in ("none", "off") else "enabled"}}
        case "deepseek" if name in ("none", "off"):
            return {"thinking": {"type": "disabled"}}
        case "reasoning":
            return {"reasoning": {"effort": name}}
    return {"reasoning_effort": name}


def reads(entry: Entry, kind: str) -> bool:
    """Whether the model takes this kind of media. Of models that say nothing only images are believed."""
    if "modalities" in entry.record:
        return kind in entry.media
    return kind == "image"


def kind_of(mime: str) -> str:
    """ "image", "audio", "video", "pdf", or the type itself."""
    return "pdf" if mime == "application/pdf" else mime.partition("/")[0]


def unreadable(name: str, kind: str) -> str:
    """What the model is told instead of media that it cannot take."""
    return f"[{kind} {name or 'attachment'} left out: this model does not read {kind}]"


def headers(target: Target) -> dict[str, str]:
    """The headers of a request. The user's own win."""
    made = {"content-type": "application/json"}
    if target.key:
        made["authorization"] = f"Bearer {target.key}"
    return made | {name.lower(): value for name, value in target.headers.items()}
