"""The strict model server speaks the wires exactly: the vendors' own clients understand it, and it refuses what
the vendors refuse."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.model_server import ModelServer, read_log

CALLS = [{"name": "read", "arguments": {"path": "a b.py"}}, {"name": "bash", "arguments": {}}]
SCRIPT: list[dict[str, Any]] = [
    {
        "reasoning": "I look first.",
        "text": "Let me look.",
        "calls": CALLS,
        "usage": {"input": 100, "output": 9, "cache_read": 60, "cache_write": 30, "reasoning": 4},
    },
    {"text": "All done, twice  spaced.\n", "usage": {"input": 120, "output": 5}},
]
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}
KEY = {"authorization": "Bearer k"}
ANTHROPIC = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
CHAT_TOOLS = [
    {"type": "function", "function": {"name": n, "description": "d", "parameters": SCHEMA}} for n in ("read", "bash")
]
TOOLS = [{"type": "function", "name": n, "description": "d", "parameters": SCHEMA} for n in ("read", "bash")]
CLAUDE_TOOLS = [{"name": n, "description": "d", "input_schema": SCHEMA} for n in ("read", "bash")]


def post(
    server: ModelServer, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
) -> httpx2.Response:
    chosen = headers if headers is not None else (ANTHROPIC if path == "/v1/messages" else KEY)
    return httpx2.post(server.url + path, json={"model": "test-model"} | body, headers=chosen)


@pytest.fixture
def server():
    with ModelServer(SCRIPT) as running:
        yield running


# -- the vendors' clients -------------------------------------------------------


async def test_the_openai_client_holds_a_conversation_over_chat_completions(server: ModelServer) -> None:
    from openai import AsyncOpenAI

    messages: list[Any] = [{"role": "user", "content": "Go"}]
    async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k") as client:
        stream = await client.chat.completions.create(
            model="test-model", messages=messages, tools=CHAT_TOOLS, stream=True, stream_options={"include_usage": True}
        )
        text, thought, calls, finish, usage = "", "", {}, [], None
        async for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                thought += getattr(choice.delta, "reasoning_content", None) or ""
                finish += [choice.finish_reason] if choice.finish_reason else []
                for call in choice.delta.tool_calls or ():
                    made = calls.setdefault(call.index, {"id": call.id, "name": call.function.name, "arguments": ""})
                    made["arguments"] += call.function.arguments or ""
        assert (text, thought, finish) == ("Let me look.", "I look first.", ["tool_calls"])
        assert [(c["name"], json.loads(c["arguments"])) for c in calls.values()] == [
            ("read", {"path": "a b.py"}),
            ("bash", {}),
        ]
        assert usage and (usage.prompt_tokens, usage.completion_tokens) == (100, 9)
        assert usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens == 60
        tool_calls = [
            {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}}
            for c in calls.values()
        ]
        messages += [
            {"role": "assistant", "content": text, "tool_calls": tool_calls},
            *({"role": "tool", "tool_call_id": c["id"], "content": "result"} for c in calls.values()),
        ]
        whole = await client.chat.completions.create(model="test-model", messages=messages, tools=CHAT_TOOLS)
    assert whole.choices[0].message.content == "All done, twice  spaced.\n"
    assert whole.choices[0].finish_reason == "stop"
    assert server.prefix_kept() == [1.0, 1.0]
    assert [r.step for r in server.requests] == [0, 1]


async def test_the_openai_client_holds_a_conversation_over_responses(server: ModelServer) -> None:
    from openai import AsyncOpenAI

    given: list[Any] = [{"role": "user", "content": "Go"}]
    more: dict[str, Any] = {
        "model": "test-model",
        "tools": TOOLS,
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k") as client:
        async with client.responses.stream(input=given, **more) as stream:
            kinds = [event.type async for event in stream]
            answer = await stream.get_final_response()
        assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
        assert [item.type for item in answer.output] == ["reasoning", "message", "function_call", "function_call"]
        assert answer.output_text == "Let me look."
        assert answer.usage and (answer.usage.input_tokens, answer.usage.input_tokens_details.cached_tokens) == (
            100,
            60,
        )
        given += [item.to_dict() for item in answer.output]
        for item in given:
            item.pop("parsed_arguments", None)
            for part in item.get("content") or () if item.get("type") == "message" else ():
                part.pop("parsed", None)
        given += [
            {"type": "function_call_output", "call_id": i["call_id"], "output": "r"} for i in given if i.get("call_id")
        ]
        whole = await client.responses.create(input=given, **more)
    assert whole.output_text == "All done, twice  spaced.\n"
    assert server.prefix_kept() == [1.0, 1.0]


async def test_the_anthropic_client_holds_a_conversation_over_messages(server: ModelServer) -> None:
    from anthropic import AsyncAnthropic

    messages: list[Any] = [
        {"role": "user", "content": [{"type": "text", "text": "Go", "cache_control": {"type": "ephemeral"}}]}
    ]
    more: dict[str, Any] = {
        "model": "test-model",
        "max_tokens": 8000,
        "tools": CLAUDE_TOOLS,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    }
    async with AsyncAnthropic(base_url=server.url, api_key="k") as client:
        async with client.messages.stream(messages=messages, **more) as stream:
            answer = await stream.get_final_message()
        assert [block.type for block in answer.content] == ["thinking", "text", "tool_use", "tool_use"]
        assert [b.input for b in answer.content if b.type == "tool_use"] == [{"path": "a b.py"}, {}]
        assert answer.stop_reason == "tool_use"
        assert (answer.usage.input_tokens, answer.usage.cache_read_input_tokens, answer.usage.output_tokens) == (
            10,
            60,
            9,
        )
        messages[0]["content"][0].pop("cache_control")
        blocks = [block.to_dict() for block in answer.content]
        for block in blocks:
            for extra in set(block) - {"type", "thinking", "signature", "text", "id", "name", "input"}:
                block.pop(extra)
        results = [
            {"type": "tool_result", "tool_use_id": b["id"], "content": "r", "cache_control": {"type": "ephemeral"}}
            for b in blocks
            if "id" in b
        ]
        messages += [{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]
        whole = await client.messages.create(messages=messages, **more)
        models = await client.models.list()
    assert [(b.type, b.text) for b in whole.content if b.type == "text"] == [("text", "All done, twice  spaced.\n")]
    assert [m.id for m in models.data] == ["test-model"]
    assert server.prefix_kept() == [1.0, 1.0]


async def test_the_openai_client_lists_models(server: ModelServer) -> None:
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k") as client:
        assert [m.id async for m in client.models.list()] == ["test-model"]


# -- what it refuses --------------------------------------------------------------

CALL = {"id": "c1", "type": "function", "function": {"name": "read", "arguments": "{}"}}
USER = {"role": "user", "content": "Go"}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "r"}


@pytest.mark.parametrize(
    ("messages", "part"),
    [
        ([USER, CALLED], "must be followed by tool messages"),
        ([USER, CALLED, USER], "must be followed by tool messages"),
        ([USER, CALLED, USER, RESULT], "must be followed by tool messages"),
        ([USER, RESULT], "must be a response to a preceeding message"),
        ([USER, CALLED, RESULT, RESULT], "must be a response to a preceeding message"),
        ([USER, CALLED, RESULT, CALLED, RESULT], "Duplicate tool call id"),
        ([USER, {"role": "assistant", "content": None}], "expected a string, got null"),
        ([USER, {"role": "assistant", "content": []}], "empty array"),
        (
            [USER, CALLED | {"tool_calls": [CALL | {"function": {"name": "read", "arguments": "{"}}]}, RESULT],
            "not a JSON object",
        ),
        ([USER | {"origin": "us"}], "Unrecognized request argument supplied: messages[0].origin"),
        ([{"role": "model", "content": "x"}], "Invalid value: 'model'"),
    ],
)
def test_chat_completions_refuses(server: ModelServer, messages: list[Any], part: str) -> None:
    answer = post(server, "/v1/chat/completions", {"messages": messages})
    assert answer.status_code == 400
    assert part in answer.json()["error"]["message"]


def test_chat_completions_may_require_or_forbid_reasoning_content() -> None:
    sent = CALLED | {"tool_calls": [CALL | {"id": "call_1_0r"}]}
    result = RESULT | {"tool_call_id": "call_1_0r"}
    with ModelServer([{}, {}], reasoning_echo="required") as server:
        bare = post(server, "/v1/chat/completions", {"messages": [USER, sent, result]})
        kept = post(server, "/v1/chat/completions", {"messages": [USER, sent | {"reasoning_content": "t"}, result]})
    assert (bare.status_code, kept.status_code) == (400, 200)
    with ModelServer([{}, {}], reasoning_echo="forbidden") as server:
        bare = post(server, "/v1/chat/completions", {"messages": [USER, sent, result]})
        kept = post(server, "/v1/chat/completions", {"messages": [USER, sent | {"reasoning_content": "t"}, result]})
    assert (bare.status_code, kept.status_code) == (200, 400)


FUNCTION = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "read", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "r"}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": []}
FUNCTION_R, OUTPUT_R = FUNCTION | {"call_id": "call_1_0r"}, OUTPUT | {"call_id": "call_1_0r"}


@pytest.mark.parametrize(
    ("items", "part"),
    [
        ([USER, FUNCTION], "No tool output found for function call c1"),
        ([USER, FUNCTION, USER, OUTPUT], "No tool output found for function call c1"),
        ([USER, OUTPUT], "No tool call found for function call output with call_id c1"),
        ([USER, FUNCTION, OUTPUT, FUNCTION, OUTPUT], "Duplicate call_id"),
        ([USER, FUNCTION_R, OUTPUT_R], "without its required 'reasoning' item"),
        ([USER, THOUGHT, USER], "without its required following item"),
        ([USER, THOUGHT | {"encrypted_content": "other"}, FUNCTION, OUTPUT], "could not be verified"),
        ([USER, FUNCTION | {"arguments": "[]"}, OUTPUT], "not a JSON object"),
        ([USER, FUNCTION | {"malformed": ""}, OUTPUT], "Unknown parameter: 'input[1].malformed'"),
        ([{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}], "Invalid value: 'input_text'"),
    ],
)
def test_responses_refuses(server: ModelServer, items: list[Any], part: str) -> None:
    answer = post(server, "/v1/responses", {"input": items})
    assert answer.status_code == 400
    assert part in answer.json()["error"]["message"]


def test_responses_accepts_reasoning_before_its_calls(server: ModelServer) -> None:
    assert post(server, "/v1/responses", {"input": [USER, THOUGHT, FUNCTION_R, OUTPUT_R]}).status_code == 200


USE = {"type": "tool_use", "id": "c1", "name": "read", "input": {}}
ANSWERED = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "r"}]}
USED = {"role": "assistant", "content": [USE]}
TEXT = {"type": "text", "text": "x"}


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"max_tokens": None}, "max_tokens: Field required"),
        (
            {"messages": [USER, USED, USER]},
            "`tool_use` ids were found without `tool_result` blocks immediately after: c1",
        ),
        ({"messages": [ANSWERED]}, "unexpected `tool_use_id` found"),
        ({"messages": [USER, USER]}, "roles must alternate"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "roles must alternate"),
        ({"messages": [USER, {"role": "assistant", "content": "x"}]}, "does not support assistant message prefill"),
        ({"messages": [USER, {"role": "assistant", "content": []}, USER]}, "must have non-empty content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
            "must contain non-whitespace text",
        ),
        ({"messages": [USER, USED, ANSWERED, USED, ANSWERED]}, "ids must be unique"),
        (
            {"messages": [USER, USED, {"role": "user", "content": [TEXT, *ANSWERED["content"]]}]},
            "tool_result blocks must come first",
        ),
        (
            {"messages": [USER, {"role": "assistant", "content": [{"type": "thinking", "thinking": "t"}, TEXT]}, USER]},
            "signature: Field required",
        ),
        (
            {
                "messages": [
                    USER,
                    {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, TEXT]},
                    USER,
                ]
            },
            "Invalid `signature`",
        ),
        ({"messages": [USER, {"role": "assistant", "content": [USE | {"input": "{}"}]}, ANSWERED]}, "valid dictionary"),
        ({"messages": [USER | {"origin": "us"}]}, "messages.0.origin: Extra inputs are not permitted"),
        ({"options": {}}, "options: Extra inputs are not permitted"),
        ({"system": [TEXT | {"cache_control": {"type": "ephemeral"}}] * 5}, "A maximum of 4 blocks with cache_control"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5000}}, "must be greater than `thinking.budget_tokens`"),
    ],
)
def test_messages_refuses(server: ModelServer, change: dict[str, Any], part: str) -> None:
    body = {"max_tokens": 5000, "messages": [USER]} | change
    answer = post(server, "/v1/messages", {k: v for k, v in body.items() if v is not None})
    assert answer.status_code == 400
    assert part in answer.json()["error"]["message"]


def test_messages_wants_the_thought_back_that_it_sent_with_a_call(server: ModelServer) -> None:
    use = USE | {"id": "toolu_1_0r"}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1_0r", "content": "r"}]}
    body = {
        "max_tokens": 5000,
        "thinking": {"type": "adaptive"},
        "messages": [USER, {"role": "assistant", "content": [use]}, result],
    }
    answer = post(server, "/v1/messages", body)
    assert "Expected `thinking` or `redacted_thinking`, but found `tool_use`" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
def test_no_key_wrong_key_wrong_model_wrong_path(path: str) -> None:
    version = {"anthropic-version": "2023-06-01"}
    body = {"messages": [USER], "max_tokens": 10} if path != "/v1/responses" else {"input": "Go"}
    with ModelServer(SCRIPT, key="right") as server:
        assert post(server, path, body, version).status_code == 401
        assert post(server, path, body, version | {"authorization": "Bearer wrong"}).status_code == 401
        assert (
            post(server, path, body | {"model": "other"}, version | {"authorization": "Bearer right"}).status_code
            == 404
        )
        assert post(server, "/v1/other", body, version | {"authorization": "Bearer right"}).status_code == 404
        assert post(server, path, body, version | {"authorization": "Bearer right"}).status_code == 200


# -- faults ------------------------------------------------------------------------

BODIES = {
    "/v1/chat/completions": {"messages": [USER], "stream": True},
    "/v1/responses": {"input": "Go", "stream": True},
    "/v1/messages": {"messages": [USER], "max_tokens": 100, "stream": True},
}


@pytest.mark.parametrize("path", list(BODIES))
def test_faults_are_what_they_say(path: str) -> None:
    body = BODIES[path]
    with ModelServer([{"fault": {"status": 429, "headers": {"retry-after": "7"}, "times": 2}, "text": "ok"}]) as server:
        answers = [post(server, path, body) for _ in range(3)]
        assert [a.status_code for a in answers] == [429, 429, 200]
        assert answers[0].headers["retry-after"] == "7"
    with ModelServer([{"fault": {"overflow": True}}]) as server:
        answer = post(server, path, body)
        assert answer.status_code == 400 and ("context" in answer.text or "prompt is too long" in answer.text)
    with ModelServer([{"fault": {"html": True}}]) as server:
        answer = post(server, path, body)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    with (
        ModelServer([{"text": "one two three", "fault": {"dribble": 7}}, {}]) as slow,
        ModelServer([{"text": "one two three"}]) as fast,
    ):
        assert post(slow, path, body).text == post(fast, path, body).text
    for fault in ({"cut_bytes": 40}, {"cut_events": 2}, {"hangup": True}):
        with ModelServer([{"text": "one two three", "fault": fault}]) as server, pytest.raises(httpx2.TransportError):
            post(server, path, body)
    with ModelServer([{"text": "one", "fault": {"end_events": 2}}]) as server:
        assert post(server, path, body).text.count("data:") == 2
    with ModelServer([{"text": "one", "fault": {"error_event": True, "after": 1}}]) as server:
        assert "error" in post(server, path, body).text
    with ModelServer([{"text": "one", "fault": {"garbage": True}}]) as server:
        assert "{not json" in post(server, path, body).text
    for stall in (-1, 1):
        with (
            ModelServer([{"text": "one", "fault": {"stall_events": stall}}]) as server,
            pytest.raises(httpx2.ReadTimeout),
        ):
            httpx2.post(server.url + path, json={"model": "test-model"} | body, headers=KEY | ANTHROPIC, timeout=0.2)


def test_the_script_ends_and_may_play_in_order() -> None:
    body = {"messages": [USER]}
    with ModelServer([{"text": "a"}, {"text": "b"}], play="sequential") as server:
        texts = [post(server, "/v1/chat/completions", body).json() for _ in range(3)]
    assert [t["choices"][0]["message"]["content"] for t in texts[:2]] == ["a", "b"]
    assert texts[2]["error"]["message"] == "the script has no step 2 (it has 2)"


def test_a_message_added_after_tool_results_does_not_start_the_script_again() -> None:
    with ModelServer([{"text": "first"}, {"text": "second"}]) as server:
        answer = post(server, "/v1/chat/completions", {"messages": [USER, CALLED, RESULT, USER]}).json()
    assert answer["choices"][0]["message"]["content"] == "second"


def test_a_changed_prefix_shows(server: ModelServer) -> None:
    for text in ("one thing", "other thing"):
        post(server, "/v1/chat/completions", {"messages": [{"role": "user", "content": text}]})
    first, second = server.prefix_kept()
    assert first == 1.0 and 0 < second < 1


async def test_it_runs_as_a_process_with_a_log(tmp_path: Path) -> None:
    script, log = tmp_path / "script.json", tmp_path / "log.jsonl"
    script.write_text(json.dumps({"steps": [{"text": "hi"}], "key": "k"}))
    command = [sys.executable, "-m", "support.model_server", "--script", str(script), "--port", "0", "--log", str(log)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1])
    try:
        assert process.stdout
        port = int(await process.stdout.readline())
        answer = httpx2.post(
            f"http://127.0.0.1:{port}/v1/responses", json={"model": "test-model", "input": "Go"}, headers=KEY
        )
        assert answer.json()["output"][0]["content"][0]["text"] == "hi"
    finally:
        process.kill()
        await process.wait()
    (request,) = read_log(log)
    assert (request.path, request.body, request.headers["authorization"]) == (
        "/v1/responses",
        {"model": "test-model", "input": "Go"},
        "Bearer k",
    )
    assert json.loads(request.raw) == request.body
