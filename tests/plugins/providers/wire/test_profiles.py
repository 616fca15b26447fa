"""Each provider's row of differences, before a server that refuses what that provider refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.messages import Media, Message, Part, Reasoning, Text, ToolCall, ToolSpec, user
from mimocode.ports import Prompt
from mimocode_plugins.providers.wire.schemas import plain
from support.model_server import ModelServer
from support.model_server.quirks import QUIRKS, gemini_schemas, kimi_schemas
from support.providers import host, tell

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {"Place": {"type": "object", "properties": {"path": {"type": "string"}, "in": {"$ref": "#/$defs/Place"}}}},
    "properties": {
        "place": {"$ref": "#/$defs/Place", "description": "where"},
        "mode": {"const": "fast"},
        "level": {"enum": [1, 2], "type": "integer"},
        "limit": {"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}], "default": None},
        "either": {"type": "string", "oneOf": [{"type": "string"}, {"type": "number"}]},
        "names": {"type": "array"},
        "maybe": {"type": ["string", "null"]},
        "both": {"allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}]},
    },
    "required": ["place", "gone"],
    "additionalProperties": False,
}
TOOLS = (ToolSpec("read", "Read a file.", SCHEMA), ToolSpec("look", "Look.", {"properties": {}}))
PICTURE = Media("image/png", "iVBORw0KGgo=", "p.png")
FOREIGN = [
    user("before"),
    Message(
        "assistant",
        (
            Reasoning(
                "I was someone else.", {"provider": "anthropic", "block": {"type": "thinking", "signature": "x"}}
            ),
            ToolCall("toolu_01ABCdef.ghi:jkl/mno", "read", {"place": {"path": "a"}}),
        ),
    ),
    Message("tool", (Text("found"),), call_id="toolu_01ABCdef.ghi:jkl/mno"),
    Message("assistant", (Text("It is there."),)),
]
"""What another provider's model did in the same conversation."""
ROWS = [
    # provider, model, the server's own id of a call
    ("xiaomi", "mimo-v2.5", ""), ("xiaomi", "mimo-v2.6-pro", ""),
    ("deepseek", "deepseek-v4-pro", ""), ("moonshotai", "kimi-k3", ""), ("moonshotai", "kimi-k2.6", ""),
    ("zai", "glm-5.2", ""), ("alibaba", "qwen3-max", ""), ("google", "gemini-3.8-flash", "gem1"),
    ("mistral", "mistral-medium-3.5", "aB3dE6gH9"), ("mistral", "devstral-9", "aB3dE6gH9"),
    ("groq", "openai/gpt-oss-120b", ""), ("groq", "moonshotai/kimi-k3", ""), ("groq", "deepseek-r1-llama", ""),
    ("openrouter", "anthropic/claude-sonnet-5", ""), ("ollama", "qwen3", ""), ("lmstudio", "qwen3", ""),
    ("llamacpp", "gemma", ""), ("vllm", "qwen3-coder", ""),
]  # fmt: skip


def row(server: ModelServer, provider: str, model: str) -> dict[str, Any]:
    section: dict[str, Any] = {
        "options": {"baseURL": f"{server.url}/v1", "apiKey": "k-123456789"},
        "models": {model: {}},
    }
    return {"provider": {provider: section}}


@pytest.mark.parametrize(("provider", "model", "id"), ROWS, ids=[f"{r[0]}-{r[1]}" for r in ROWS])
async def test_a_conversation_passes_the_strict_server(tmp_path: Path, provider: str, model: str, id: str) -> None:
    call: dict[str, Any] = {"name": "read", "arguments": {"place": {"path": "b"}}}
    call |= {"id": id} if id else {}
    call |= {"extra": {"google": {"thought_signature": "sig"}}} if provider == "google" else {}
    steps = [{"reasoning": "Hm.", "text": "I look.", "calls": [call]}, {"text": "Seen."}, {"text": "Done."}]
    with ModelServer(steps, play="sequential", models=[model], quirks=provider) as server:
        opened = await host(tmp_path, row(server, provider, model)).model(f"{provider}/{model}")
        messages = [*FOREIGN, Message("user", (Text("look"), PICTURE))]
        for said in (None, Message("tool", (Text("ok"), PICTURE)), user("go on")):
            if said is not None and said.role == "tool":
                said = Message("tool", said.content, call_id=messages[-1].calls[0].id)
                messages += [said, user("and be quick")]
            elif said is not None:
                messages.append(said)
            _, answer = await tell(opened, Prompt((Part("Be good."),), messages, TOOLS, session="ses_1"))
            messages.append(answer.message)
        await opened.close()  # type: ignore[attr-defined]
        assert not any(request.refused for request in server.requests) and len(server.requests) == 3
        assert answer.message.text == "Done."
        assert all(share == 1.0 for share in server.prefix_kept()[1:]), "a request begins with the one before it"


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("xiaomi", {"max_tokens": 5}, "max_tokens"),
    ("openai", {"max_tokens": 5}, "max_tokens"),
    ("openai", {"temperature": 1.0}, "temperature"),
    ("deepseek", {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}]}, "unknown variant"),
    ("deepseek", {"messages": "calls"}, "reasoning_content is missing"),
    ("moonshotai", {"messages": "calls", "temperature": 1}, "reasoning_content is missing"),
    ("moonshotai", {"temperature": 0.6}, "invalid temperature"),
    ("moonshotai", {"tools": "anyOf"}, "moonshot flavored"),
    ("zai", {"temperature": 1.2}, "invalid temperature"),
    ("alibaba", {"messages": "thoughts"}, "unsupported"),
    ("google", {"tools": "ref"}, "Cannot find field"),
    ("google", {"messages": "gem"}, "thought_signature"),
    ("mistral", {"messages": "calls"}, "length of 9"),
    ("mistral", {"messages": "user"}, "Unexpected role 'user' after role 'tool'"),
    ("groq", {"messages": "thoughts"}, "unsupported"),
    ("openrouter", {}, "nothing would be cached"),
    ("ollama", {"messages": "thoughts"}, "unsupported"),
    ("vllm", {"thinking": {"type": "enabled"}}, "Unsupported"),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "change", "why"), BAD, ids=[f"{each[0]}-{each[2][:20]}" for each in BAD])
def test_the_strict_server_is_strict(provider: str, change: dict[str, Any], why: str) -> None:
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **change}

    def called(id: str, *after: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        call = {"id": id, "type": "function", "function": {"name": "x", "arguments": "{}"}}
        said = {"role": "assistant", "content": None, "tool_calls": [call], **more}
        return [{"role": "user", "content": "hi"}, said, {"role": "tool", "tool_call_id": id, "content": "ok"}, *after]

    messages = {
        "calls": called("call_1"), "gem": called("gem_1"), "thoughts": called("call_1", reasoning_content="hm"),
        "user": called("abcdefghi", {"role": "user", "content": "x"}),
    }  # fmt: skip
    named = {"anyOf": {"type": "string", "anyOf": [{"type": "string"}]}, "ref": {"$ref": "#/x"}}
    if isinstance(change.get("messages"), str):
        body["messages"] = messages[change["messages"]]
    if isinstance(change.get("tools"), str):
        parameters = {"type": "object", "properties": {"a": named[change["tools"]]}}
        body |= {"tools": [{"type": "function", "function": {"name": "x", "parameters": parameters}}], "temperature": 1}
    with ModelServer([{"text": "fine"}], models=["m"], quirks=provider, play="sequential") as server:
        headers = {"authorization": "Bearer k", "content-type": "application/json", "x-mimo-source": "x"}
        asked = Request(f"{server.url}/v1/chat/completions", json.dumps(body).encode(), headers)
        with pytest.raises(HTTPError) as refused:
            urlopen(asked)
        with refused.value as answer:
            assert why in answer.read().decode()


def test_every_quirk_has_a_row() -> None:
    assert (
        {each[0] for each in ROWS} | {"openai"} == QUIRKS.keys() == {each[0] for each in BAD} | {"lmstudio", "llamacpp"}
    )


async def test_openais_own_chat_completions_are_known_by_their_address(tmp_path: Path) -> None:
    # its name leads to this machine through a proxy, because it is the name that counts
    steps = [{"text": "Fine."}]
    with ModelServer(steps, models=["gpt-5"], quirks="openai") as server:
        config = row(server, "openai", "gpt-5")
        config["provider"]["openai"] |= {"npm": "@ai-sdk/openai-compatible"}
        config["provider"]["openai"]["options"]["baseURL"] = "http://api.openai.com/v1"
        here = host(tmp_path, config, HTTP_PROXY=server.url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("http_proxy", server.url)
            opened = await here.model("openai/gpt-5")
            _, answer = await tell(opened, Prompt((), [user("hi")], TOOLS, session="ses_1"))
            await opened.close()  # type: ignore[attr-defined]
        assert answer.message.text == "Fine."
        assert server.requests[0].body["max_completion_tokens"] == 32_000


# -- schemas --------------------------------------------------------------------


def test_a_schema_in_plain_words() -> None:
    assert plain(
        {
            "type": "object",
            "properties": {"n": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "how many"}},
            "required": ["n", "x"],
        }
    ) == {
        "type": "object",
        "properties": {"n": {"type": "integer", "description": "how many"}},
        "required": ["n"],
    }
    made = plain(SCHEMA)["properties"]
    assert made["mode"] == {"enum": ["fast"], "type": "string"}
    assert made["level"] == {"enum": ["1", "2"], "type": "string"}
    assert made["limit"] == {"type": "integer", "minimum": 0}
    assert made["either"] == {"anyOf": [{"type": "string"}, {"type": "number"}]}
    assert made["names"] == {"type": "array", "items": {"type": "string"}}
    assert made["both"] == {"properties": {"a": {"type": "string"}}, "required": ["a"], "type": "object"}
    assert made["place"]["properties"]["in"]["properties"]["path"] == {"type": "string"}


_LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
_WORDS = st.sampled_from(
    [
        "type",
        "properties",
        "items",
        "anyOf",
        "oneOf",
        "allOf",
        "enum",
        "const",
        "$ref",
        "$defs",
        "required",
        "additionalProperties",
        "description",
    ]
)


@given(
    st.recursive(
        _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4), max_leaves=12
    )
)
def test_any_schema_becomes_one_that_gemini_and_kimi_take(schema: Any) -> None:
    made = plain(schema if isinstance(schema, dict) else {"properties": {"x": schema}})
    body = {"tools": [{"function": {"parameters": json.loads(json.dumps(made))}}]}
    gemini_schemas(body, {})
    kimi_schemas(body, {})
