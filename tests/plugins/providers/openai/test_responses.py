"""Responses over real HTTP, against a server that refuses what the provider refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from mimocode.errors import ModelError, ModelFault
from mimocode.events import CallDelta, ReasoningDelta, TextDelta
from mimocode.messages import Media, Message, Reasoning, Text, ToolCall, Usage, assistant, user
from mimocode.ports import Model
from support.model_server import ModelServer
from support.providers import host, prompt, provider, tell
from support.raw import events, http, raw

NPM = "@ai-sdk/openai"


async def opened(home: Path, url: str, **model: Any) -> Any:
    return await host(home, provider(url, NPM, **model)).model("acme/test-model")


def result(call: ToolCall, text: str, *media: Media) -> Message:
    return Message("tool", (Text(text), *media), call.id)


async def close(model: Model) -> None:
    await model.close()  # type: ignore[attr-defined]


async def test_a_conversation_keeps_its_reasoning(tmp_path):
    script = [
        {
            "reasoning": "hm hm",
            "text": "I look",
            "calls": [{"name": "read", "arguments": {"path": "a"}}, {"name": "look", "arguments": {}}],
            "usage": {"input": 1000, "output": 20, "cache_read": 600, "reasoning": 5},
        },
        {"text": "done"},
    ]
    with ModelServer(script) as server:
        model = await opened(tmp_path, f"{server.url}/v1", reasoning=True)
        pulses, answer = await tell(model, prompt(user("go"), options={"variant": "high"}))
        kinds = [type(block) for block in answer.message.content]
        assert kinds == [Reasoning, Text, ToolCall, ToolCall]
        assert (answer.finish, answer.usage) == ("calls", Usage(1000, 20, 600, 0, 5))
        assert "".join(p.text for p in pulses if isinstance(p, TextDelta)) == "I look"
        assert "".join(p.text for p in pulses if isinstance(p, ReasoningDelta)) == "hm hm"
        first, second = answer.message.calls
        assert {p.call_id for p in pulses if isinstance(p, CallDelta)} == {first.id, second.id}
        messages = [user("go"), answer.message, result(first, "A"), result(second, "B")]
        assert (await tell(model, prompt(*messages, options={"variant": "high"})))[1].message == assistant("done")
        await close(model)
    body = server.requests[1].body
    kinds = [item["type"] for item in body["input"]]
    assert kinds == ["message", "reasoning", "message", *["function_call"] * 2, *["function_call_output"] * 2]
    assert body["input"][1]["encrypted_content"]
    assert {name: body[name] for name in ("store", "include", "reasoning", "prompt_cache_key", "instructions")} == {
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"summary": "auto", "effort": "high"},
        "prompt_cache_key": "ses_1",
        "instructions": "Be good.\n\nBe brief.",
    }
    assert server.prefix_kept() == [1.0, 1.0]


async def test_reasoning_of_another_model_stays_behind(tmp_path):
    foreign = Reasoning("x", {"ref": "acme/other", "item": {"type": "reasoning", "encrypted_content": "?"}})
    with ModelServer([{"text": "ok"}], play="sequential") as server:
        model = await opened(tmp_path, f"{server.url}/v1")
        await tell(model, prompt(user("go"), Message("assistant", (foreign, Text("hi"))), user("more")))
        await close(model)
    assert [item["type"] for item in server.requests[0].body["input"]] == ["message"] * 3


async def test_reasoning_without_what_it_belongs_to_stays_behind(tmp_path):
    own = Reasoning("x", {"ref": "acme/test-model", "item": {"type": "reasoning", "id": "rs_1", "summary": []}})
    with ModelServer([{"text": "ok"}], play="sequential") as server:
        model = await opened(tmp_path, f"{server.url}/v1")
        await tell(model, prompt(user("go"), Message("assistant", (own,)), user("more")))
        await close(model)
    assert [item["type"] for item in server.requests[0].body["input"]] == ["message"] * 2


async def test_a_model_of_which_nothing_is_known_keeps_its_reasoning_when_it_is_asked_for(tmp_path):
    with ModelServer([{"reasoning": "hm", "calls": [{"name": "look", "arguments": {}}]}, {"text": "done"}]) as server:
        model = await opened(tmp_path, f"{server.url}/v1")
        _, answer = await tell(model, prompt(user("go"), options={"variant": "high"}))
        messages = [user("go"), answer.message, result(answer.message.calls[0], "A")]
        assert (await tell(model, prompt(*messages, options={"variant": "high"})))[1].message == assistant("done")
        await close(model)
    assert server.requests[0].body["include"] == ["reasoning.encrypted_content"]
    assert server.requests[0].body["reasoning"] == {"summary": "auto", "effort": "high"}


async def test_models_that_do_not_reason_are_not_asked_to(tmp_path):
    with ModelServer([{"text": "ok"}]) as server:
        model = await opened(tmp_path, f"{server.url}/v1")
        await tell(model, prompt(user("go")))
        await close(model)
    assert "include" not in server.requests[0].body


async def test_pictures_of_tools_are_part_of_the_result(tmp_path):
    call = ToolCall("call_1", "read", malformed='{"pa')
    with ModelServer([{"text": "a cat"}], play="sequential") as server:
        model = await opened(tmp_path, f"{server.url}/v1")
        picture = Media("image/png", "aGVsbG8=")
        await tell(model, prompt(user("see"), assistant("", call), result(call, "one", picture)))
        await close(model)
    assert server.requests[0].body["input"][1:] == [
        {
            "type": "function_call",
            "call_id": "call_1",
            "name": "read",
            "arguments": '{"malformed_arguments":"{\\"pa"}',
        },
        {
            "type": "function_call_output",
            "call_id": "call_1",
            "output": [
                {"type": "input_text", "text": "one"},
                {"type": "input_image", "image_url": "data:image/png;base64,aGVsbG8="},
            ],
        },
    ]


@pytest.mark.parametrize("finish", ["length", "filtered", "stop"])
async def test_how_it_ends(tmp_path, finish):
    with ModelServer([{"text": "hi", "finish": finish}]) as server:
        model = await opened(tmp_path, f"{server.url}/v1")
        assert (await tell(model, prompt(user("go"))))[1].finish == finish
        await close(model)


def event(kind: str, **fields: Any) -> str:
    return json.dumps({"type": f"response.{kind}", **fields})


async def said(home: Path, *sent: str) -> Any:
    async with raw([http(), events(*sent)]) as server:
        model = await opened(home, server.url)
        try:
            return (await tell(model, prompt(user("go"))))[1]
        finally:
            await close(model)


async def test_items_count_where_their_pieces_did_not_come(tmp_path):
    message = {"type": "message", "content": [{"type": "output_text", "text": "hi"}]}
    call = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"a":1}'}
    answer = await said(
        tmp_path,
        event("output_item.done", output_index=0, item=message),
        event("output_item.done", output_index=1, item=call),
        event("completed", response={}),
    )
    assert answer.message == assistant("hi", ToolCall("c1", "look", {"a": 1}))


async def test_events_that_nobody_knows_are_passed_over(tmp_path):
    answer = await said(tmp_path, event("something.new", x=1), '{"type":"keepalive"}', event("completed", response={}))
    assert (answer.message, answer.finish) == (assistant(), "stop")


async def test_a_failed_response(tmp_path):
    failed = event("failed", response={"error": {"code": "rate_limit_exceeded", "message": "try again in 2s"}})
    with pytest.raises(ModelError) as caught:
        await said(tmp_path, failed)
    assert (caught.value.fault, caught.value.retry_after) == (ModelFault.RATE, 2.0)


async def test_no_end_is_a_cut(tmp_path):
    with pytest.raises(ModelError) as caught:
        await said(tmp_path, event("output_text.delta", delta="hi"), "[DONE]")
    assert caught.value.fault is ModelFault.NETWORK


async def test_summaries_of_several_parts_are_paragraphs(tmp_path):
    answer = await said(
        tmp_path,
        event("reasoning_summary_part.added", output_index=0, summary_index=0),
        event("reasoning_summary_text.delta", output_index=0, delta="one"),
        event("reasoning_summary_part.added", output_index=0, summary_index=1),
        event("reasoning_summary_text.delta", output_index=0, delta="two"),
        event("completed", response={}),
    )
    assert answer.message.content == (Reasoning("one\n\ntwo"),)
