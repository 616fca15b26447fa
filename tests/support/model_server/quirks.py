"""What single providers refuse besides what everybody refuses, worded as they word it.

Each entry is written from what the provider documents or is known to answer; `ModelServer(..., quirks="deepseek")`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .wire import Refused, need

Body = dict[str, Any]
Check = Callable[[Body, Mapping[str, str]], None]


def said(body: Body, role: str = "") -> Iterator[tuple[int, Body]]:
    """The messages of a role, or all, with their places."""
    yield from ((n, each) for n, each in enumerate(body["messages"]) if role in ("", each["role"]))


def parts(body: Body) -> Iterator[str]:
    """The kinds of content that are not plain text."""
    for _, message in said(body):
        if isinstance(message.get("content"), list):
            yield from (part["type"] for part in message["content"])


def nodes(value: Any) -> Iterator[Body]:
    """Every schema inside of one; what is called like a keyword under `properties` is a name."""
    if isinstance(value, list):
        for inner in value:
            yield from nodes(inner)
    if isinstance(value, dict):
        yield value
        for key, inner in value.items():
            if key == "properties" and isinstance(inner, dict):
                yield from nodes(list(inner.values()))
            elif key != "enum":
                yield from nodes(inner)


def schemas(body: Body) -> Iterator[Body]:
    """Every schema of every tool."""
    for tool in body.get("tools") or ():
        yield from nodes(tool["function"]["parameters"])


def no_thoughts(body: Body, headers: Mapping[str, str]) -> None:
    for n, message in said(body, "assistant"):
        for name in ("reasoning_content", "reasoning", "reasoning_details"):
            need(name not in message, f"'messages.{n}' : for 'role:assistant' property '{name}' is unsupported")


def only_text(body: Body, headers: Mapping[str, str]) -> None:
    kinds = [kind for kind in parts(body) if kind != "text"]
    need(not kinds, f"Failed to deserialize the JSON body: unknown variant `{(kinds or [0])[0]}`, expected `text`")


def thoughts_with_calls(body: Body, headers: Mapping[str, str]) -> None:
    if (body.get("thinking") or {}).get("type") == "disabled":
        return
    for n, message in said(body, "assistant"):
        if message.get("tool_calls"):
            there = isinstance(message.get("reasoning_content"), str)
            need(
                there,
                f"thinking is enabled but reasoning_content is missing in assistant tool call message at index {n}",
            )


def calm(low: float, high: float) -> Check:
    def check(body: Body, headers: Mapping[str, str]) -> None:
        heat = body.get("temperature")
        need(
            heat is None or low <= heat <= high, f"invalid temperature: only {low} to {high} is allowed for this model"
        )

    return check


def no_field(*names: str, words: str = "Unsupported parameter: '{}' is not supported with this model.") -> Check:
    def check(body: Body, headers: Mapping[str, str]) -> None:
        for name in names:
            need(name not in body, words.format(name), param=name)

    return check


def header(name: str, pattern: str) -> Check:
    def check(body: Body, headers: Mapping[str, str]) -> None:
        need(bool(re.fullmatch(pattern, headers.get(name, ""))), f"header {name} is missing")

    return check


def kimi_schemas(body: Body, headers: Mapping[str, str]) -> None:
    for node in schemas(body):
        if "anyOf" in node and "properties" not in node:
            need(
                "type" not in node,
                "tools.function.parameters is not a valid moonshot flavored json schema: when using anyOf, type should be defined in anyOf items instead of the parent schema",
            )
        need(
            "$ref" not in node,
            "tools.function.parameters is not a valid moonshot flavored json schema: references are not resolved",
        )


def gemini_schemas(body: Body, headers: Mapping[str, str]) -> None:
    unknown = {
        "$ref",
        "$defs",
        "$schema",
        "const",
        "oneOf",
        "allOf",
        "additionalProperties",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "patternProperties",
    }
    for node in schemas(body):
        for name in unknown & node.keys():
            need(
                False,
                f'Invalid JSON payload received. Unknown name "{name}" at tools.function.parameters: Cannot find field.',
            )
        need(not isinstance(node.get("type"), list), "Proto field is not repeating, cannot start list.")
        if node.get("type") == "array":
            need(
                bool(node.get("items")),
                "GenerateContentRequest.tools.function_declarations.parameters: items: missing field.",
            )
        if isinstance(node.get("enum"), list):
            need(all(isinstance(each, str) for each in node["enum"]), "Invalid value at enum (TYPE_STRING)")
        if isinstance(node.get("properties"), dict) and isinstance(node.get("required"), list):
            missing = set(node["required"]) - node["properties"].keys()
            need(not missing, f"required fields {sorted(missing)} are not defined in the schema properties")


def gemini_thoughts(body: Body, headers: Mapping[str, str]) -> None:
    for _, message in said(body, "assistant"):
        for call in message.get("tool_calls") or ():
            own = str(call["id"]).startswith("gem")
            signed = ((call.get("extra_content") or {}).get("google") or {}).get("thought_signature")
            need(not own or bool(signed), "Function call is missing a thought_signature in functionCall parts.")


def nine(body: Body, headers: Mapping[str, str]) -> None:
    ids = [call["id"] for _, m in said(body, "assistant") for call in m.get("tool_calls") or ()]
    ids += [message["tool_call_id"] for _, message in said(body, "tool")]
    for each in ids:
        need(
            bool(re.fullmatch(r"[a-zA-Z0-9]{9}", each)),
            f"Tool call id was {each} but must be a-z, A-Z, 0-9, with a length of 9.",
        )


def no_user_after_tools(body: Body, headers: Mapping[str, str]) -> None:
    before = ""
    for _, message in said(body):
        need((before, message["role"]) != ("tool", "user"), "Unexpected role 'user' after role 'tool'")
        before = message["role"]


def never_empty(body: Body, headers: Mapping[str, str]) -> None:
    for n, message in said(body, "assistant"):
        full = message.get("content") or message.get("tool_calls")
        need(bool(full), f"the message at position {n} with role 'assistant' must not be empty")


def text_everywhere(body: Body, headers: Mapping[str, str]) -> None:
    for n, message in said(body, "system"):
        need(isinstance(message["content"], str), f"messages[{n}]: system content must be a string")


def cached(body: Body, headers: Mapping[str, str]) -> None:
    need(body.get("cache_control") == {"type": "ephemeral"}, "nothing would be cached")


EXTRAS: dict[str, tuple[set[str], set[str], set[str], set[str]]] = {
    # fields of the body, of assistant messages, of calls, and parts of the user's messages that only they know
    "google": (set(), set(), {"extra_content"}, set()),
    "openrouter": ({"cache_control", "reasoning", "usage"}, {"reasoning_details"}, set(), set()),
    "xiaomi": (set(), set(), set(), {"video_url"}),
    "moonshotai": (set(), set(), set(), {"video_url"}),
}
QUIRKS: dict[str, tuple[Check, ...]] = {
    "xiaomi": (no_field("max_tokens", "reasoning_effort", "prompt_cache_key"), calm(0, 1.5), header("x-mimo-source", r"[\w-]+")),
    "openai": (no_field("max_tokens", "temperature", "top_p", "thinking"), no_thoughts),
    "deepseek": (only_text, thoughts_with_calls, calm(0, 2)),
    "moonshotai": (thoughts_with_calls, calm(1, 1), kimi_schemas, never_empty),
    "zai": (only_text, calm(0, 1), no_field("prompt_cache_key", "reasoning_effort"), text_everywhere),
    "alibaba": (only_text, no_thoughts, calm(0, 1.99), no_field("reasoning_effort", "prompt_cache_key")),
    "google": (no_thoughts, gemini_schemas, gemini_thoughts, no_field("prompt_cache_key", "thinking", words='Invalid JSON payload received. Unknown name "{}": Cannot find field.')),
    "mistral": (no_thoughts, nine, no_user_after_tools, no_field("prompt_cache_key", "thinking", "reasoning_effort", words="Extra inputs are not permitted: {}")),
    "groq": (no_thoughts, no_field("prompt_cache_key", "thinking", words="property '{}' is unsupported")),
    "openrouter": (cached,),
    "ollama": (no_thoughts, no_field("prompt_cache_key", "thinking")),
    "lmstudio": (no_thoughts, no_field("prompt_cache_key", "thinking")),
    "llamacpp": (no_thoughts, no_field("prompt_cache_key", "thinking")),
    "vllm": (no_thoughts, no_field("prompt_cache_key", "thinking")),
}  # fmt: skip
"""By provider. `deepseek` and others stand for themselves; `openai` for its Chat Completions with a reasoning model."""


def common(body: Body, provider: str) -> Body:
    """The body without what only this provider knows, for the check that is everybody's."""
    if provider not in EXTRAS:
        return body
    fields, thoughts, of_calls, kinds = EXTRAS[provider]
    made = {key: value for key, value in copy.deepcopy(body).items() if key not in fields}
    for message in made.get("messages") or ():
        for name in thoughts:
            message.pop(name, None)
        for call in message.get("tool_calls") or ():
            for name in of_calls:
                call.pop(name, None)
        if isinstance(content := message.get("content"), list):
            message["content"] = [part for part in content if part.get("type") not in kinds] or "media"
    return made


def check(body: Body, headers: Mapping[str, str], provider: str) -> None:
    """Refuse what this provider refuses."""
    if provider not in QUIRKS:
        raise Refused(500, f"nothing is known of the quirks of {provider}")
    for each in QUIRKS[provider]:
        each(body, headers)
