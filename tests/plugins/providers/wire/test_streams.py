"""Streams in the shapes that providers document, whole, byte by byte, and cut off anywhere.

The shapes are written from the public references of each provider ("create chat completion", "Responses streaming
events", "Messages streaming"); what is said in them is ours.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mimocode.errors import ModelError, ModelFault
from mimocode.messages import Reasoning, user
from mimocode.ports import Answer
from support.providers import host, prompt, tell
from support.raw import Raw, http, raw

PLUGINS = ("configured", "openai", "anthropic")
Shape = tuple[str, str, list[Any], dict[str, Any]]
"""Provider and model, adapter, events (a pair is name and data), what must come out."""


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk of Chat Completions."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


def usage(input: int, output: int, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output, **more}


def call(index: int | None = 0, id: str | None = None, name: str | None = None, arguments: Any = "") -> dict[str, Any]:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    made: dict[str, Any] = {"type": "function", "function": function}
    return {"tool_calls": [made | ({"id": id} if id else {}) | ({"index": index} if index is not None else {})]}


def tail(input: int, output: int, **more: Any) -> dict[str, Any]:
    """The chunk without choices that only has the usage."""
    return {**chunk({}), "choices": [], "usage": usage(input, output, **more)}


LOOKED = {"text": "Möglich 🦉.", "thought": "", "calls": [("read", {"path": "ä.py"})], "finish": "calls"}
THOUGHT = {**LOOKED, "thought": "Erst lesen… 🤔"}

CHAT: list[Any] = [
    chunk({"role": "assistant", "content": "", "refusal": None}, obfuscation="x"),
    chunk({"content": "Möglich "}),
    chunk({"content": "🦉."}),
    chunk(call(0, "call_a", "read", "")),
    chunk(call(0, arguments='{"pa')),
    chunk(call(0, arguments='th":"ä.py"}')),
    chunk({}, "tool_calls"),
    tail(90, 12, prompt_tokens_details={"cached_tokens": 64}, completion_tokens_details={"reasoning_tokens": 0}),
    "[DONE]",
]
DEEPSEEK: list[Any] = [
    chunk({"role": "assistant", "content": None, "reasoning_content": ""}),
    chunk({"content": None, "reasoning_content": "Erst "}),
    chunk({"content": None, "reasoning_content": "lesen… 🤔"}),
    chunk({"content": "Möglich 🦉.", "reasoning_content": None}),
    chunk(call(0, "call_0_d", "read", "")),
    chunk(call(0, arguments='{"path": "ä.py"}')),
    chunk({"content": "", "reasoning_content": None}, "tool_calls", usage=usage(90, 12, prompt_cache_hit_tokens=64)),
    "[DONE]",
]
KIMI: list[Any] = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "Erst lesen… 🤔"}),
    chunk({"content": "Möglich 🦉."}),
    chunk(call(0, "read:0", "read", "")),
    chunk(call(0, arguments='{"path":"ä.py"}')),
    {**chunk({}, "tool_calls"), "choices": [{**chunk({}, "tool_calls")["choices"][0], "usage": usage(90, 12)}]},
    "[DONE]",
]
QWEN: list[Any] = [
    chunk({"content": None, "role": "assistant", "reasoning_content": ""}),
    chunk({"content": None, "reasoning_content": "Erst lesen… 🤔"}),
    chunk({"content": "Möglich 🦉.", "reasoning_content": None}),
    chunk({**call(0, "call_q", "read", '{"path": '), "content": None}),
    chunk({**call(0, "", None, '"ä.py"}'), "content": None}),
    chunk({"content": "", "reasoning_content": None}, "tool_calls"),
    tail(90, 12, prompt_tokens_details={"cached_tokens": 64}),
    "[DONE]",
]
GLM: list[Any] = [
    chunk({"role": "assistant", "reasoning_content": "Erst lesen… 🤔"}),
    chunk({"role": "assistant", "content": "Möglich 🦉."}),
    chunk({"role": "assistant", **call(0, "call_g", "read", '{"path":"ä.py"}')}),
    chunk({"role": "assistant", "content": ""}, "tool_calls", usage=usage(90, 12)),
    "[DONE]",
]
MIMO: list[Any] = [
    chunk({"role": "assistant", "content": "", "reasoning_content": "Erst "}),
    chunk({"reasoning_content": "lesen… 🤔"}),
    chunk({"content": "Möglich "}),
    chunk({"content": "🦉."}),
    chunk(call(0, "call_m", "read", '{"path"')),
    chunk(call(0, None, None, ': "ä.py"}')),
    chunk({}, "tool_calls"),
    tail(90, 12, prompt_tokens_details={"cached_tokens": 64}),
    "[DONE]",
]
OLLAMA: list[Any] = [
    chunk({"role": "assistant", "content": "", "reasoning": "Erst lesen… 🤔"}),
    chunk({"role": "assistant", "content": "Möglich 🦉."}),
    chunk({"role": "assistant", "content": "", **call(0, "call_o", "read", '{"path":"ä.py"}')}),
    chunk({"role": "assistant", "content": ""}, "stop"),  # Ollama ends calls with "stop"
    tail(90, 12),
    "[DONE]",
]
VLLM: list[Any] = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "Erst lesen… 🤔"}),
    chunk({"content": "Möglich 🦉."}),
    chunk(call(0, "chatcmpl-tool-1", "read", None)),
    chunk(call(0, None, None, '{"path": "ä.')),
    chunk(call(0, None, None, 'py"}')),
    chunk({"content": ""}, "tool_calls", stop_reason=None),
    tail(90, 12),
    "[DONE]",
]
STUDIO: list[Any] = [
    chunk({"role": "assistant", "reasoning_content": "Erst lesen… 🤔"}, system_fingerprint="m"),
    chunk({"content": "Möglich 🦉."}),
    chunk(call(0, "365174485", "read", "")),
    chunk(call(0, None, None, '{"path":"ä.py"}')),
    chunk({}, "tool_calls"),
    tail(90, 12),
    "[DONE]",
]
_REASONING = {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA", "summary": []}
_CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_r", "name": "read", "arguments": ""}
_DONE = {**_CALL, "arguments": '{"path":"ä.py"}', "status": "completed"}
_SAID = {"type": "message", "id": "msg_1", "role": "assistant", "content": [], "status": "in_progress"}
_WHOLE = {
    **_SAID,
    "status": "completed",
    "content": [{"type": "output_text", "text": "Möglich 🦉.", "annotations": []}],
}
_THOUGHT = {**_REASONING, "summary": [{"type": "summary_text", "text": "Erst lesen… 🤔"}]}
RESPONSES: list[Any] = [
    {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}},
    {"type": "response.in_progress", "response": {"id": "resp_1", "status": "in_progress", "output": []}},
    {"type": "response.output_item.added", "output_index": 0, "item": _REASONING},
    {"type": "response.reasoning_summary_part.added", "item_id": "rs_1", "output_index": 0, "summary_index": 0},
    {
        "type": "response.reasoning_summary_text.delta",
        "item_id": "rs_1",
        "output_index": 0,
        "summary_index": 0,
        "delta": "Erst lesen… 🤔",
    },
    {"type": "response.output_item.done", "output_index": 0, "item": _THOUGHT},
    {"type": "response.output_item.added", "output_index": 1, "item": _SAID},
    {
        "type": "response.output_text.delta",
        "item_id": "msg_1",
        "output_index": 1,
        "content_index": 0,
        "delta": "Möglich ",
    },
    {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 1, "content_index": 0, "delta": "🦉."},
    {"type": "response.output_item.done", "output_index": 1, "item": _WHOLE},
    {"type": "response.output_item.added", "output_index": 2, "item": _CALL},
    {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 2, "delta": '{"path":'},
    {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 2, "delta": '"ä.py"}'},
    {"type": "response.output_item.done", "output_index": 2, "item": _DONE},
    {
        "type": "response.completed",
        "response": {
            "id": "resp_1",
            "status": "completed",
            "output": [_THOUGHT, _WHOLE, _DONE],
            "usage": {
                "input_tokens": 90,
                "input_tokens_details": {"cached_tokens": 64},
                "output_tokens": 12,
                "output_tokens_details": {"reasoning_tokens": 5},
            },
        },
    },
]
ANTHROPIC: list[Any] = [
    {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": "m",
            "stop_reason": None,
            "usage": {"input_tokens": 26, "cache_read_input_tokens": 64, "output_tokens": 1},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Erst lesen… 🤔"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "EqQB"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Möglich "}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "🦉."}},
    {"type": "content_block_stop", "index": 1},
    {
        "type": "content_block_start",
        "index": 2,
        "content_block": {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}},
    },
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": ""}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"path": "ä'}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '.py"}'}},
    {"type": "content_block_stop", "index": 2},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 12},
    },
    {"type": "message_stop"},
]
COMPATIBLE = "@ai-sdk/openai-compatible"
SHAPES: dict[str, Shape] = {
    "OpenAI Chat": ("openai/gpt-5", COMPATIBLE, CHAT, LOOKED),
    "OpenAI Responses": ("openai/gpt-5", "@ai-sdk/openai", RESPONSES, THOUGHT),
    "Anthropic": ("anthropic/claude-sonnet-5", "@ai-sdk/anthropic", ANTHROPIC, THOUGHT),
    "DeepSeek": ("deepseek/deepseek-v4-pro", COMPATIBLE, DEEPSEEK, THOUGHT),
    "Kimi": ("moonshotai/kimi-k3", COMPATIBLE, KIMI, THOUGHT),
    "Qwen": ("alibaba/qwen3-max", "@ai-sdk/alibaba", QWEN, THOUGHT),
    "GLM": ("zai/glm-5.2", COMPATIBLE, GLM, THOUGHT),
    "MiMo": ("xiaomi/mimo-v2.6-pro", COMPATIBLE, MIMO, THOUGHT),
    "Ollama": ("ollama/qwen3", COMPATIBLE, OLLAMA, THOUGHT),
    "vLLM": ("vllm/qwen3", COMPATIBLE, VLLM, THOUGHT),
    "LM Studio": ("lmstudio/qwen3", COMPATIBLE, STUDIO, THOUGHT),
}


def written(events: Sequence[Any]) -> bytes:
    """As server-sent events; those with a type carry it as their name, too."""
    made = []
    for event in events:
        name = f"event: {event['type']}\n" if isinstance(event, dict) and "type" in event else ""
        made.append(f"{name}data: {event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)}\n\n")
    return "".join(made).encode()


async def asked(home: Path, shape: Shape, *pieces: bytes) -> Answer:
    """What becomes of a stream that arrives in these pieces."""
    ref, npm, _, _ = shape
    async with raw([http(), *pieces]) as server:
        return await answered(home, ref, npm, server)


async def answered(home: Path, ref: str, npm: str, server: Raw) -> Answer:
    options = {"baseURL": server.url, "apiKey": "k-123456789"}
    here = host(home, {"provider": {ref.partition("/")[0]: {"npm": npm, "options": options}}}, PLUGINS)
    model = await here.model(ref)
    try:
        return (await tell(model, prompt(user("go"))))[1]
    finally:
        await model.close()  # type: ignore[attr-defined]


def seen(answer: Answer) -> dict[str, Any]:
    """What came out, as the table says it."""
    thoughts = [block.text for block in answer.message.content if isinstance(block, Reasoning)]
    calls = [(call.name, dict(call.arguments)) for call in answer.message.calls]
    return {"text": answer.message.text, "thought": "".join(thoughts), "calls": calls, "finish": answer.finish}


@pytest.mark.parametrize("name", SHAPES)
async def test_a_stream_whole_and_byte_by_byte(tmp_path: Path, name: str) -> None:
    shape = SHAPES[name]
    stream = written(shape[2])
    whole = await asked(tmp_path, shape, stream)
    assert seen(whole) == shape[3]
    assert (whole.usage.input, whole.usage.output) == (90, 12)
    bytewise = await asked(tmp_path, shape, *[stream[at : at + 1] for at in range(len(stream))])
    assert (seen(bytewise), bytewise.usage) == (shape[3], whole.usage)


@pytest.mark.parametrize("name", SHAPES)
@given(share=st.floats(0, 1, exclude_max=True), again=st.floats(0, 1))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_stream_that_breaks_off_is_never_taken_for_a_shorter_answer(
    tmp_path: Path, name: str, share: float, again: float
) -> None:
    shape = SHAPES[name]
    stream = written(shape[2])
    kept = stream[: int(share * len(stream))]
    at = int(again * len(kept))
    try:
        answer = asyncio.run(asked(tmp_path, shape, kept[:at], kept[at:]))
    except ModelError as error:
        assert error.fault is ModelFault.NETWORK
    else:  # all had been said; at most the count of tokens and the end mark are missing
        assert seen(answer) == shape[3]
