"""Chat Completions over real HTTP, against a server that refuses what providers refuse."""

import asyncio
import json
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from mimocode.errors import ModelError, ModelFault
from mimocode.events import CallDelta, ReasoningDelta, TextDelta
from mimocode.messages import Media, Message, Reasoning, Text, ToolCall, Usage, assistant, user
from mimocode.ports import Answer
from support.model_server import ModelServer
from support.providers import host, prompt, provider, tell
from support.raw import events, http, raw

PICTURE = Media("image/png", "aGVsbG8=", "cat.png")


async def opened(home: Path, url: str, config: dict[str, Any] | None = None, **model: Any) -> Any:
    return await host(home, config or provider(url, **model)).model("acme/test-model")


def result(call: ToolCall, text: str, *media: Media) -> Message:
    return Message("tool", (Text(text), *media), call.id)


async def test_a_conversation_with_parallel_calls(tmp_path: Path):
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
        model = await opened(tmp_path, f"{server.url}/v1", cost={"input": 2, "output": 10, "cache_read": 0.2})
        pulses, answer = await tell(model, prompt(user("go")))
        first, second = answer.message.calls
        assert answer == Answer(
            Message(
                "assistant",
                (
                    Reasoning("hm hm"),
                    Text("I look"),
                    ToolCall(first.id, "read", {"path": "a"}),
                    ToolCall(second.id, "look", {}),
                ),
            ),
            Usage(1000, 20, 600, 0, 5, cost=(400 * 2 + 600 * 0.2 + 20 * 10) / 1e6),
            "calls",
        )
        assert "".join(p.text for p in pulses if isinstance(p, TextDelta)) == "I look"
        assert "".join(p.text for p in pulses if isinstance(p, ReasoningDelta)) == "hm hm"
        raw_arguments = "".join(p.text for p in pulses if isinstance(p, CallDelta) and p.call_id == first.id)
        assert json.loads(raw_arguments) == {"path": "a"}
        messages = [user("go"), answer.message, result(first, "A"), result(second, "B")]
        assert (await tell(model, prompt(*messages)))[1].message == assistant("done")
        await model.close()
    body = server.requests[1].body
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "tool", "tool"]
    assert body["messages"][0]["content"] == "Be good.\n\nBe brief."
    assert body["messages"][2] == {
        "role": "assistant",
        "content": "I look",
        "tool_calls": [
            {"id": first.id, "type": "function", "function": {"name": "read", "arguments": '{"path":"a"}'}},
            {"id": second.id, "type": "function", "function": {"name": "look", "arguments": "{}"}},
        ],
    }
    assert (body["stream_options"], body["tools"][1]["function"]["parameters"]["type"]) == (
        {"include_usage": True},
        "object",
    )
    assert server.prefix_kept() == [1.0, 1.0]


async def test_malformed_arguments_go_back_as_valid_json(tmp_path: Path):
    script = [{"calls": [{"name": "read", "raw": '{"path": "a'}]}, {"text": "sorry"}]
    with ModelServer(script) as server:
        model = await opened(tmp_path, f"{server.url}/v1")
        _, answer = await tell(model, prompt(user("go")))
        (call,) = answer.message.calls
        assert (call.arguments, call.malformed) == ({}, '{"path": "a')
        assert (await tell(model, prompt(user("go"), answer.message, result(call, "no JSON"))))[1].finish == "stop"
        await model.close()


async def test_pictures_of_tools_follow_the_results(tmp_path: Path):
    with ModelServer([{"text": "a cat"}], play="sequential") as server:
        model = await opened(tmp_path, f"{server.url}/v1")
        calls = [ToolCall("call_1", "read", {"path": "a"}), ToolCall("call_2", "look")]
        messages = [user("see", PICTURE), assistant("", *calls), result(calls[0], "one", PICTURE), result(calls[1], "")]
        await tell(model, prompt(*messages, user("and?")))
        await model.close()
    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}}
    assert server.requests[0].body["messages"][1:] == [
        {"role": "user", "content": [{"type": "text", "text": "see"}, url]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": '{"path":"a"}'}},
                {"id": "call_2", "type": "function", "function": {"name": "look", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "one"},
        {"role": "tool", "tool_call_id": "call_2", "content": ""},
        {"role": "user", "content": [{"type": "text", "text": "What the tools returned besides text:"}, url]},
        {"role": "user", "content": "and?"},
    ]


async def test_a_model_that_reads_text_is_told_of_pictures(tmp_path: Path):
    with ModelServer([{"text": "ok"}], play="sequential") as server:
        model = await opened(tmp_path, f"{server.url}/v1", modalities={"input": ["text"]})
        await tell(model, prompt(user("see", PICTURE)))
        await model.close()
    note = "[image cat.png left out: this model does not read image]"
    assert server.requests[0].body["messages"][1]["content"] == f"see\n\n{note}"


def thoughtful(call: str = "call_1") -> list[Message]:
    said = Message("assistant", (Reasoning("because"), ToolCall(call, "look")))
    plain = Message("assistant", (Reasoning("so"), Text("done")))
    return [user("go"), said, Message("tool", (Text("x"),), call), plain, user("more")]


ECHOES = [
    # provider, model, options of the model, what the message with calls and the one without carry
    ("acme", "plain-1", {}, None, None),
    ("deepseek", "deepseek-v4-pro", {}, "because", None),
    ("acme", "moonshotai/kimi-k2.6", {}, "because", None),
    ("xiaomi", "mimo-v2.5-pro", {}, "because", None),
    ("acme", "plain-1", {"interleaved": {"field": "reasoning_content"}}, "because", None),
    ("xiaomi", "mimo-v2.5-pro", {"interleaved": False}, None, None),
]


@pytest.mark.parametrize(("name", "model", "settings", "with_calls", "without"), ECHOES)
async def test_which_reasoning_goes_back(tmp_path, name, model, settings, with_calls, without):
    with ModelServer([{"text": "ok"}], play="sequential", models=[model]) as server:
        section = {"options": {"baseURL": f"{server.url}/v1", "apiKey": "k"}, "models": {model: settings}}
        opened_model = await host(tmp_path, {"provider": {name: section}}).model(f"{name}/{model}")
        await tell(opened_model, prompt(*thoughtful()))
        await opened_model.close()
    sent = [m.get("reasoning_content") for m in server.requests[0].body["messages"] if m["role"] == "assistant"]
    assert sent == [with_calls, without]


async def test_deepseek_gets_its_field_even_when_there_was_no_reasoning(tmp_path):
    with ModelServer([{"text": "ok"}], play="sequential", models=["deepseek-flash"]) as server:
        section = {"options": {"baseURL": f"{server.url}/v1", "apiKey": "k"}}
        model = await host(tmp_path, {"provider": {"deepseek": section}}).model("deepseek/deepseek-flash")
        await tell(model, prompt(user("go"), assistant("", ToolCall("c", "look")), Message("tool", (), "c")))
        await model.close()
    assert server.requests[0].body["messages"][2]["reasoning_content"] == ""


async def test_openrouter_gets_its_details_back_as_they_came(tmp_path):
    details = [
        {"type": "reasoning.text", "index": 0, "text": "be", "format": "x"},
        {"type": "reasoning.text", "index": 0, "text": "cause", "signature": None},
        {"type": "reasoning.text", "index": 0, "signature": "s1"},
        {"type": "reasoning.encrypted", "index": 1, "data": "abc"},
    ]
    deltas = [json.dumps({"choices": [{"delta": {"reasoning_details": [d]}}]}) for d in details]
    end = json.dumps({"choices": [{"delta": {"content": "hi"}, "finish_reason": "stop"}]})
    async with raw([http(), events(*deltas, end, "[DONE]")]) as server:
        section = {"options": {"baseURL": server.url, "apiKey": "k"}}
        model = await host(tmp_path, {"provider": {"openrouter": section}}).model("openrouter/x/y")
        _, answer = await tell(model, prompt(user("go")))
        await tell(model, prompt(user("go"), answer.message, user("more")))
        await model.close()
    body = json.loads(server.requests[1].partition(b"\r\n\r\n")[2])
    assert body["messages"][2]["reasoning_details"] == [
        {"type": "reasoning.text", "index": 0, "text": "because", "format": "x", "signature": "s1"},
        {"type": "reasoning.encrypted", "index": 1, "data": "abc"},
    ]


async def test_a_signature_on_a_call_goes_back_with_it(tmp_path):
    piece = {"index": 0, "id": "c1", "function": {"name": "look", "arguments": "{}"}, "extra_content": {"g": "sig"}}
    chunk = json.dumps({"choices": [{"delta": {"tool_calls": [piece]}, "finish_reason": "stop"}]})
    async with raw([http(), events(chunk, "[DONE]")]) as server:
        model = await opened(tmp_path, server.url)
        _, answer = await tell(model, prompt(user("go")))
        assert answer.finish == "calls"
        await tell(model, prompt(user("go"), answer.message, Message("tool", (), "c1")))
        await model.close()
    assert json.loads(server.requests[1].partition(b"\r\n\r\n")[2])["messages"][2]["tool_calls"][0][
        "extra_content"
    ] == {"g": "sig"}


def chunk(finish: str | None = None, **delta: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


TOLERATED = [
    ("no end marker", [chunk(content="hi"), chunk("stop")], ["hi"], "stop"),
    ("no finish reason", [chunk(content="hi"), "[DONE]"], ["hi"], "stop"),
    ("length", [chunk("length", content="hi"), "[DONE]"], ["hi"], "length"),
    ("filtered", [chunk("content_filter"), "[DONE]"], [], "filtered"),
    ("a finish nobody knows", [chunk("eos", content="hi"), "[DONE]"], ["hi"], "stop"),
    ("a refusal is text", [chunk("stop", refusal="no"), "[DONE]"], ["no"], "stop"),
    ("tool_calls without calls", [chunk("tool_calls", content="hi"), "[DONE]"], ["hi"], "stop"),
    ("parts instead of text", [chunk("stop", content=[{"type": "text", "text": "hi"}]), "[DONE]"], ["hi"], "stop"),
    ("error: null", [json.dumps({"error": None, "choices": [{"delta": {"content": "a"}}]}), chunk("stop")], ["a"],
     "stop"),
    ("nothing at all", ["[DONE]"], [], "stop"),
    ("empty choices", [json.dumps({"choices": []}), json.dumps({"choices": None}), chunk("stop")], [], "stop"),
]  # fmt: skip


@pytest.mark.parametrize(("_what", "sent", "texts", "finish"), TOLERATED, ids=[case[0] for case in TOLERATED])
async def test_what_compatible_servers_do_differently(tmp_path, _what, sent, texts, finish):
    async with raw([http(), events(*sent)]) as server:
        model = await opened(tmp_path, server.url)
        _, answer = await tell(model, prompt(user("go")))
        await model.close()
    assert ([block.text for block in answer.message.content], answer.finish) == (texts, finish)


async def test_arguments_that_come_as_an_object(tmp_path):
    piece = {"function": {"name": "look", "arguments": {"path": "a"}}}
    async with raw([http(), events(chunk("stop", tool_calls=[piece]))]) as server:
        model = await opened(tmp_path, server.url)
        _, answer = await tell(model, prompt(user("go")))
        await model.close()
    assert answer.message.calls[0].arguments == {"path": "a"}


async def test_usage_in_the_other_places(tmp_path):
    for place in (
        {"choices": [{"delta": {}, "usage": {"prompt_tokens": 9, "cached_tokens": 4}}]},
        {"choices": [], "x_groq": {"usage": {"prompt_tokens": 9, "prompt_cache_hit_tokens": 4}}},
    ):
        async with raw([http(), events(json.dumps(place), chunk("stop"))]) as server:
            model = await opened(tmp_path, server.url)
            _, answer = await tell(model, prompt(user("go")))
            await model.close()
        assert answer.usage == Usage(9, 0, 4)


FAULTS = [
    ({"status": 401}, ModelFault.CREDENTIAL),
    ({"status": 404}, ModelFault.NOT_FOUND),
    ({"overflow": True}, ModelFault.OVERFLOW),
    ({"status": 429, "headers": {"Retry-After": "3"}}, ModelFault.RATE),
    ({"status": 402}, ModelFault.QUOTA),
    ({"status": 500}, ModelFault.SERVER),
    ({"html": True}, ModelFault.NONSENSE),
    ({"hangup": True}, ModelFault.NETWORK),
    ({"cut_events": 2}, ModelFault.NETWORK),
    ({"end_events": 2}, ModelFault.NETWORK),
    ({"error_event": True, "after": 2}, ModelFault.SERVER),
]


@pytest.mark.parametrize(("fault", "expected"), FAULTS, ids=[str(case[0]) for case in FAULTS])
@pytest.mark.parametrize("npm", ["@ai-sdk/openai-compatible", "@ai-sdk/openai"])
async def test_every_fault_has_its_name_and_shows_no_key(tmp_path, fault, expected, npm):
    with ModelServer([{"text": "one two three four", "fault": fault}]) as server:
        model = await opened(tmp_path, "", provider(f"{server.url}/v1", npm))
        with pytest.raises(ModelError) as caught:
            await tell(model, prompt(user("go")))
        await model.close()
    assert caught.value.fault is expected
    assert "k-123456789" not in str(caught.value)


async def test_the_server_finds_nothing_wrong_when_bytes_dribble(tmp_path):
    with ModelServer([{"text": "grüße 😀 你好", "fault": {"dribble": 1}}]) as server:
        model = await opened(tmp_path, f"{server.url}/v1")
        assert (await tell(model, prompt(user("go"))))[1].message == assistant("grüße 😀 你好")
        await model.close()


SHAPES = [
    # provider, model, options of the prompt, what is in the body
    ("acme", "plain-1", {}, {}),
    ("acme", "plain-1", {"temperature": 0.1, "top_p": 0.5, "variant": "high"},
     {"temperature": 0.1, "top_p": 0.5, "reasoning_effort": "high"}),
    ("acme", "qwen3-coder", {}, {"temperature": 0.55}),
    ("acme", "plain-1", {"max_output": 99}, {"max_tokens": 99}),
    ("xiaomi", "mimo-v2.5-pro", {"variant": "none"},
     {"temperature": 1.0, "thinking": {"type": "disabled"}, "max_completion_tokens": 32000}),
    ("deepseek", "deepseek-v4-pro", {"variant": "max"}, {"reasoning_effort": "max", "max_tokens": 32000}),
    ("acme", "tuned", {"variant": "deep"}, {"top_k": 3, "budget": 9}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "model", "options", "expected"), SHAPES)
async def test_sampling_limits_and_variants(tmp_path, name, model, options, expected):
    models = {"plain-1": {}, "qwen3-coder": {}, "tuned": {"options": {"top_k": 3}, "variants": {"deep": {"budget": 9}}}}
    async with raw([http(), events("[DONE]")]) as server:
        section = {"options": {"baseURL": server.url, "apiKey": "k"}}
        section |= {"models": models} if name == "acme" else {}
        opened_model = await host(tmp_path, {"provider": {name: section}}).model(f"{name}/{model}")
        await tell(opened_model, prompt(user("go"), options=options))
        await opened_model.close()
    body = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert body.pop("model") == model
    for always in ("stream", "stream_options", "messages", "tools"):
        del body[always]
    assert body == expected


async def test_closing_the_stream_ends_the_request_at_once(tmp_path):
    async with raw([http(), events(chunk(content="a"))], hang=True) as server:
        model = await opened(tmp_path, server.url)
        async with aclosing(model.stream(prompt(user("go")))) as stream:
            assert await anext(stream) == TextDelta("a")
        await asyncio.wait_for(server.gone.wait(), 10)
        await model.close()


async def test_candidates_may_be_asked_at_once(tmp_path):
    with ModelServer([{"text": "one two three"}]) as server:
        model = await opened(tmp_path, f"{server.url}/v1")
        answers = await asyncio.gather(*(tell(model, prompt(user("go"))) for _ in range(5)))
        assert [answer.message.text for _, answer in answers] == ["one two three"] * 5
        await model.close()


async def test_a_second_model_of_the_same_session_takes_over(tmp_path):
    """Switching from Responses to Chat Completions in mid-conversation: nothing of the first wire is in the way."""
    script = [{"reasoning": "hm", "calls": [{"name": "look", "arguments": {}}]}, {"text": "done"}]
    with ModelServer(script) as server:
        first = await opened(tmp_path, "", provider(f"{server.url}/v1", "@ai-sdk/openai", reasoning=True))
        second = await opened(tmp_path, f"{server.url}/v1")
        _, answer = await tell(first, prompt(user("go")))
        messages = [user("go"), answer.message, result(answer.message.calls[0], "A")]
        assert (await tell(second, prompt(*messages)))[1].message == assistant("done")
        await first.close()
        await second.close()
