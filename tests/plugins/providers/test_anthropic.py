"""Anthropic's Messages API over real HTTP against a strict server: the story, the bytes, the failures."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mimocode_plugins.providers.anthropic as plugin
import mimocode_plugins.providers.configured as configured
from mimocode.errors import ModelError, ModelFault
from mimocode.events import CallDelta, ReasoningDelta, Say, TextDelta
from mimocode.host import Host
from mimocode.messages import Media, Message, Part, Reasoning, Text, ToolCall, ToolSpec, Usage, assistant, user
from mimocode.ports import Answer, ModelInfo, Prompt
from mimocode.testing import MemoryStore
from mimocode_plugins.providers.anthropic.decode import Reader
from mimocode_plugins.providers.anthropic.encode import Encoder, plain
from mimocode_plugins.providers.anthropic.fields import adaptive, fields
from mimocode_plugins.providers.anthropic.model import ClaudeModel
from mimocode_plugins.providers.wire.faults import Asked
from mimocode_plugins.providers.wire.http import decoded
from mimocode_plugins.providers.wire.sse import Decoder
from support.model_server import ModelServer
from support.model_server.messages import seal, sign
from support.workshop import Workshop

SYSTEM = (Part("You are a coding agent.", 10), Part("", 20), Part("The project is small.", 30))
TOOLS = (
    ToolSpec("read", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}}),
    ToolSpec("bash", "Run a command.", {"properties": {"command": {"type": "string"}}}),
)
MARK = {"type": "ephemeral"}


def host_at(
    directory: Path,
    base: str,
    *,
    key: str = "k",
    model: dict[str, Any] | None = None,
    complaints: list[str] | None = None,
    plugins: Iterable[Any] = (),
    **options: Any,
) -> Host:
    """A host whose provider `claude` is at this address."""
    section = {
        "npm": "@ai-sdk/anthropic",
        "env": ["NO_SUCH_KEY_HERE"],
        "options": {"baseURL": base} | ({"apiKey": key} if key else {}) | options,
        "models": {"test-model": {"limit": {"context": 200_000, "output": 64_000}} | (model or {})},
    }
    config = directory / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "mimocode.json").write_text(json.dumps({"provider": {"claude": section}}))
    said = [] if complaints is None else complaints
    environ = {"MIMOCODE_HOME": str(directory), "MIMOCODE_DISABLE_MODELS_FETCH": "1"}
    return Host(
        ["mimocode_plugins.store.workspace", configured, plugin, *plugins],
        directory=directory,
        external=False,
        environ=environ,
        complain=said.append,
    )


async def opened(directory: Path, server: ModelServer, **more: Any) -> ClaudeModel:
    model = await host_at(directory, more.pop("base", server.url), **more).model("claude/test-model")
    assert isinstance(model, ClaudeModel)
    return model


async def ask(model: ClaudeModel, prompt: Prompt) -> tuple[list[Any], Answer]:
    *pulses, answer = [event async for event in model.stream(prompt)]
    assert isinstance(answer, Answer)
    return pulses, answer


def result(call: ToolCall, *content: Any, error: bool = False) -> Message:
    return Message("tool", content, call_id=call.id, error=error)


# -- the story -----------------------------------------------------------------------

STORY: list[dict[str, Any]] = [
    {
        "reasoning": "I look at  the file first.",
        "redacted": "a secret thought",
        "text": "Let me look.",
        "calls": [{"name": "read", "arguments": {"path": "a ü.py"}}, {"name": "bash", "arguments": {}}],
        "usage": {"input": 1000, "output": 50, "cache_read": 600, "cache_write": 300, "reasoning": 20},
    },
    {"calls": [{"name": "bash", "raw": '{"command": "ls'}]},
    {"text": "Done.\n"},
]
THOUGHT = {
    "type": "thinking",
    "thinking": "I look at  the file first.",
    "signature": sign("I look at  the file first."),
}
SEALED = {"type": "redacted_thinking", "data": seal("a secret thought")}


async def test_a_conversation_with_thoughts_parallel_calls_and_results(tmp_path: Path) -> None:
    with ModelServer(STORY, key="k") as server:
        price = {"cost": {"input": 4, "output": 20, "cache_read": 1, "cache_write": 5}}
        model = await opened(tmp_path, server, model=price)
        assert (model.ref, model.window) == ("claude/test-model", 200_000)
        messages = [user("Go")]
        options = {"budget": 2000}
        pulses, first = await ask(model, Prompt(SYSTEM, messages, TOOLS, "s", options))
        read, bash = first.message.calls
        assert first == Answer(
            Message(
                "assistant",
                (
                    Reasoning("I look at  the file first.", {"provider": "claude", "block": THOUGHT}),
                    Reasoning("", {"provider": "claude", "block": SEALED}),
                    Text("Let me look."),
                    ToolCall(read.id, "read", {"path": "a ü.py"}),
                    ToolCall(bash.id, "bash", {}),
                ),
            ),
            Usage(1000, 50, 600, 300, 20, cost=round((100 * 4 + 600 * 1 + 300 * 5 + 50 * 20) / 1e6, 9)),
            "calls",
        )
        assert "".join(p.text for p in pulses if isinstance(p, ReasoningDelta)) == "I look at  the file first."
        assert "".join(p.text for p in pulses if isinstance(p, TextDelta)) == "Let me look."
        written = [p for p in pulses if isinstance(p, CallDelta)]
        assert [(p.call_id, p.name) for p in written if not p.text] == [(read.id, "read"), (bash.id, "bash")]
        assert json.loads("".join(p.text for p in written if p.call_id == read.id)) == {"path": "a ü.py"}

        messages += [first.message, result(read, Text("x = 1"), Media("image/png", "aGk="))]
        messages += [result(bash, Text("boom"), error=True), user("be quick", origin="reminder")]
        _, second = await ask(model, Prompt(SYSTEM, messages, TOOLS, "s", options))
        (broken,) = second.message.calls
        assert broken == ToolCall(broken.id, "bash", malformed='{"command": "ls')

        messages += [second.message, result(broken, error=True)]
        _, third = await ask(model, Prompt(SYSTEM, messages, TOOLS, "s", options))
        await model.close()
    assert (third.message, third.finish) == (assistant("Done.\n"), "stop")
    assert [r.status for r in server.requests] == [200, 200, 200]
    assert server.prefix_kept() == [1.0, 1.0, 1.0]
    schema = {"type": "object"} | dict(TOOLS[1].schema)
    assert server.requests[0].body == {
        "model": "test-model",
        "max_tokens": 32_000,
        "stream": True,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "tools": [
            {"name": "read", "description": "Read a file.", "input_schema": TOOLS[0].schema},
            {"name": "bash", "description": "Run a command.", "input_schema": schema, "cache_control": MARK},
        ],
        "system": [
            {"type": "text", "text": "You are a coding agent."},
            {"type": "text", "text": "The project is small.", "cache_control": MARK},
        ],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Go", "cache_control": MARK}]}],
    }
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    boom = [{"type": "text", "text": "boom"}]
    raw = {"malformed_arguments": '{"command": "ls'}
    assert [message["content"] for message in server.requests[2].body["messages"]] == [
        [{"type": "text", "text": "Go"}],
        [
            THOUGHT,
            SEALED,
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": read.id, "name": "read", "input": {"path": "a ü.py"}},
            {"type": "tool_use", "id": bash.id, "name": "bash", "input": {}},
        ],
        [
            {"type": "tool_result", "tool_use_id": read.id, "content": [{"type": "text", "text": "x = 1"}, picture]},
            {"type": "tool_result", "tool_use_id": bash.id, "content": boom, "is_error": True},
            {"type": "text", "text": "be quick", "cache_control": MARK},
        ],
        [{"type": "tool_use", "id": broken.id, "name": "bash", "input": raw}],
        [{"type": "tool_result", "tool_use_id": broken.id, "is_error": True, "cache_control": MARK}],
    ]
    wanted = ("x-api-key", "anthropic-version", "authorization", "anthropic-beta", "content-type")
    assert [server.requests[0].headers.get(name) for name in wanted] == [
        "k",
        "2023-06-01",
        None,
        None,
        "application/json",
    ]


async def test_all_requests_of_a_conversation_go_over_one_connection(tmp_path: Path) -> None:
    ports, gone = [], asyncio.Event()
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
    body = b"".join(b"data: %s\n\n" % json.dumps(e).encode() for e in (delta, {"type": "message_stop"}))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports.append(writer.get_extra_info("peername")[1])
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                )
                writer.write(b"%x\r\n%s\r\n" % (len(body), body))
                await writer.drain()
                writer.write(b"0\r\n\r\n")
        except asyncio.IncompleteReadError:
            writer.close()
            await writer.wait_closed()
            gone.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        model = await host_at(tmp_path, base).model("claude/test-model")
        assert isinstance(model, ClaudeModel)
        for _ in range(3):
            _, answer = await ask(model, Prompt((), [user("Go")]))
            assert answer == Answer(Message("assistant"), Usage(output=1), "stop")
        await model.close()
        await gone.wait()
    assert len(ports) == 1


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/", "/v1/messages"])
async def test_the_base_url_may_have_a_version_or_not(tmp_path: Path, suffix: str) -> None:
    with ModelServer([{"text": "hi"}]) as server:
        model = await opened(tmp_path, server, base=server.url + suffix)
        _, answer = await ask(model, Prompt((), [user("Go")]))
        await model.close()
    assert answer.message == assistant("hi")
    assert server.requests[0].path == "/v1/messages"


async def test_what_the_settings_know_of_a_model_is_heeded(tmp_path: Path) -> None:
    known = {
        "id": "test-model",
        "temperature": False,
        "modalities": {"input": ["text"]},
        "cachePromptTTL": "1h",
        "options": {"top_k": 5, "metadata": {"user_id": "u"}},
        "variants": {"deep": {"budget": 4096}},
    }
    with ModelServer([{"text": "hi"}]) as server:
        model = await opened(tmp_path, server, model=known)
        options = {"temperature": 0.3, "variant": "deep"}
        await ask(model, Prompt((), [user("Go", Media("image/png", "aGk=", "a.png"))], options=options))
        await model.close()
    hour = {"type": "ephemeral", "ttl": "1h"}
    named = {"type": "text", "text": "[a.png of type image/png cannot be shown to this model]", "cache_control": hour}
    assert server.requests[0].body == {
        "model": "test-model",
        "max_tokens": 32_000,
        "stream": True,
        "metadata": {"user_id": "u"},
        "thinking": {"type": "enabled", "budget_tokens": 4096},
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Go"}, named]}],
    }


async def test_a_token_goes_as_bearer_and_the_users_headers_have_the_last_word(tmp_path: Path) -> None:
    given_headers = {"Anthropic-Version": "2030-01-01", "X-Team": "blue"}
    with ModelServer([{"text": "hi"}], key="tok-123456789") as server:
        model = await opened(tmp_path, server, key="", authToken="tok-123456789", headers=given_headers)
        await ask(model, Prompt((), [user("Go")]))
        await model.close()
    wanted = ("authorization", "x-api-key", "anthropic-version", "x-team")
    assert [server.requests[0].headers.get(name) for name in wanted] == [
        "Bearer tok-123456789",
        None,
        "2030-01-01",
        "blue",
    ]


async def test_models_are_listed_from_settings_and_live(tmp_path: Path) -> None:
    import anthropic  # noqa: F401  where many tests run at once, loading it takes longer than a hook may

    with ModelServer([], models=("one", "two"), key="k") as server:
        host = host_at(tmp_path, server.url)
        known = [info for info in await host.models() if info.ref.startswith("claude/")]
        host.options["refresh_models"] = "claude"
        fresh = [info for info in await host.models() if info.ref.startswith("claude/")]
    one, test, two = ModelInfo("claude/one", "one"), known[0], ModelInfo("claude/two", "two")
    assert known == [ModelInfo("claude/test-model", "test-model", 200_000, 64_000, rank=100)]
    assert fresh == [one, test, two]


async def test_an_endpoint_that_does_not_list_is_named(tmp_path: Path) -> None:
    said: list[str] = []
    with ModelServer([], key="right") as server:
        host = host_at(tmp_path, server.url, key="wrong-key-123", complaints=said)
        host.options["refresh_models"] = "*"
        listed = [info.ref for info in await host.models() if info.ref.startswith("claude/")]
    assert listed == ["claude/test-model"]
    assert len(said) == 1
    assert said[0].startswith(f"plugin anthropic: claude did not list its models at {server.url}: AuthenticationError")
    assert "wrong-key-123" not in said[0]


async def test_a_whole_session_over_the_wire_keeps_its_prefix_and_goes_on_when_it_is_opened_again(
    tmp_path: Path,
) -> None:
    look = {"name": "look", "arguments": {"what": "cup"}}
    script: list[dict[str, Any]] = [
        {"reasoning": f"thought {n}", "text": f"step {n}", "calls": [look, look | {"arguments": {"what": f"{n}"}}]}
        for n in range(20)
    ]
    script += [{"reasoning": "enough", "text": "done"}]
    store = MemoryStore()
    with ModelServer(script) as server:
        for words in ("Go", "Again"):
            host = host_at(tmp_path, server.url, model={"options": {"budget": 2000}}, plugins=[Workshop(store)])
            old = [info.id for info in store.sessions()]
            async with host.open(*old, model="claude/test-model") as session:
                await session.toolbox.ready()  # an opened session lists a server without a catalogue late
                await session.submit(Say(words))
                await session.settled()
                said, ended = session.last_words(), session.state
        refused = [request.refused for request in server.requests if request.refused]
        kept = server.prefix_kept()
    assert (said, refused) == ("done", [])
    assert len(server.requests) == 42 and kept == [1.0] * 42
    assert [m.text for m in ended.messages if m.role == "tool"] == [
        f"a {what}" for _ in range(2) for n in range(20) for what in ("cup", n)
    ]


# -- bytes ------------------------------------------------------------------------------


def bodies(encoder: Encoder, messages: list[Message], upto: Iterable[int]) -> list[bytes]:
    return [encoder.request(Prompt(SYSTEM, messages[:n], TOOLS, "s"), {"model": "m"})[0] for n in upto]


def conversation(turns: int) -> list[Message]:
    made = [user("Go")]
    for n in range(turns):
        call = ToolCall(f"c{n}", "read", {"path": f"f{n}"})
        made += [assistant("", call), result(call, Text(f"line {n}"))]
    return made


def test_moving_a_breakpoint_changes_no_other_byte() -> None:
    mark = b',"cache_control":{"type":"ephemeral"}'
    made = bodies(Encoder("p"), conversation(6), (1, 3, 5, 7, 9))
    assert [body.count(mark) for body in made] == [3, 4, 4, 4, 4]
    bare = [body.replace(mark, b"") for body in made]
    assert all(after.startswith(before[: -len(b"]}]}")]) for before, after in pairwise(bare))
    marked = [["cache_control" in m["content"][-1] for m in json.loads(b)["messages"]] for b in made]
    assert marked == [[True], *([False] * (2 * n) + [True, False, True] for n in range(4))]


def test_what_was_kept_equals_what_is_built_anew() -> None:
    messages = [*conversation(3), user("more"), user("and more")]
    kept = bodies(Encoder("p"), messages, range(1, len(messages) + 1))
    fresh = [bodies(Encoder("p"), messages, (n,))[0] for n in range(1, len(messages) + 1)]
    assert kept == fresh


def test_another_conversation_under_the_same_session_is_built_anew() -> None:
    encoder = Encoder("p")
    bodies(encoder, conversation(3), (7,))
    other = [user("Other"), assistant("yes"), user("Go on")]
    assert bodies(encoder, other, (3,)) == bodies(Encoder("p"), other, (3,))


def test_what_the_api_would_refuse_is_not_sent() -> None:
    sound, paper = Media("audio/wav", "aGk=", "a.wav"), Media("application/pdf", "aGk=")
    odd = ToolCall("functions.read:0", "read", {})
    messages = [
        assistant("I am first"),
        user(""),
        Message("assistant", (Reasoning("only a thought", {"provider": "p", "block": THOUGHT}),)),
        user("Go"),
        Message("assistant", (Reasoning("of another", {"id": "rs_1"}), Text("  "), odd)),
        result(odd, sound, paper),
    ]
    made = json.loads(Encoder("p", "").request(Prompt((), messages), {"model": "m"})[0])
    call = plain("functions.read:0")
    shown = [
        {"type": "text", "text": "[a.wav of type audio/wav cannot be shown to this model]"},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}},
    ]
    assert [(m["role"], m["content"]) for m in made["messages"]] == [
        ("user", [{"type": "text", "text": "(the beginning of the conversation is left out)"}]),
        ("assistant", [{"type": "text", "text": "I am first"}]),
        ("user", [{"type": "text", "text": "(empty message)"}, {"type": "text", "text": "Go"}]),
        ("assistant", [{"type": "tool_use", "id": call, "name": "read", "input": {}}]),
        ("user", [{"type": "tool_result", "tool_use_id": call, "content": shown}]),
    ]


@given(st.text(), st.text())
def test_ids_are_plain_and_stay_different(one: str, other: str) -> None:
    assert 0 < len(plain(one)) <= 128 and plain(one) == plain(plain(one))
    assert plain(one) != plain(other) or one == other or plain(one) in (one, other)


BUDGETED, ADAPTIVE = "claude-sonnet-4-5", {"type": "adaptive"}


def budget(tokens: int) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": tokens}


@pytest.mark.parametrize(
    ("model", "limit", "options", "expected"),
    [
        ("x", 0, {}, {"max_tokens": 32_000}),
        ("x", 8192, {"temperature": 0.5, "top_p": 0.9}, {"max_tokens": 8192, "temperature": 0.5, "top_p": 0.9}),
        ("x", 64_000, {"max_output": 50_000}, {"max_tokens": 50_000}),
        ("x", 8192, {"max_output": 50_000}, {"max_tokens": 8192}),
        (BUDGETED, 64_000, {"variant": "high"}, {"max_tokens": 32_000, "thinking": budget(16_000)}),
        (BUDGETED, 64_000, {"budget": 40_000, "temperature": 0}, {"max_tokens": 64_000, "thinking": budget(40_000)}),
        (BUDGETED, 20_000, {"variant": "max"}, {"max_tokens": 20_000, "thinking": budget(10_000)}),
        (
            "claude-opus-4-6",
            128_000,
            {"variant": "max"},
            {"max_tokens": 32_000, "thinking": ADAPTIVE, "output_config": {"effort": "max"}},
        ),
        (
            "x",
            0,
            {"effort": "minimal"},
            {"max_tokens": 32_000, "thinking": ADAPTIVE, "output_config": {"effort": "low"}},
        ),
        ("claude-opus-5-5", 0, {"variant": "none"}, {"max_tokens": 32_000, "thinking": {"type": "disabled"}}),
        (
            "x",
            0,
            {"thinking": {"type": "enabled", "budgetTokens": 2048}},
            {"max_tokens": 32_000, "thinking": budget(2048)},
        ),
        ("x", 0, {"variant": "unknown", "permission": {}}, {"max_tokens": 32_000}),
    ],
)
def test_options_become_fields(model: str, limit: int, options: dict[str, Any], expected: dict[str, Any]) -> None:
    assert fields(model, limit, options) == {"model": model, "stream": True} | expected


def test_newer_models_think_adaptively() -> None:
    new = ["claude-opus-4-6", "claude-sonnet-5", "anthropic/claude-haiku-5.5"]
    old = ["claude-sonnet-4-5-20250929", "claude-sonnet-4-20250514", "claude-3-7-sonnet", "mimo-v2"]
    assert [adaptive(name) for name in new + old] == [True] * 3 + [False] * 4


# -- streams cut anywhere -----------------------------------------------------------------


@cache
def recorded() -> bytes:
    """A stream as the server sent it."""
    with ModelServer([STORY[0]]) as server:
        body = {"model": "test-model", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Go"}]}
        headers = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
        return httpx2.post(f"{server.url}/v1/messages", json=body, headers=headers).content


def read(chunks: Iterable[bytes]) -> Answer:
    decoder, reader = Decoder(), Reader("claude")
    for chunk in chunks:
        for event in decoder.feed(chunk):
            list(reader.feed(decoded(event, Asked("claude", "m", "http://x"))))
    return reader.answer()


@settings(deadline=None)
@given(st.lists(st.integers(0, 6000), max_size=30), st.booleans())
def test_any_chunking_gives_the_same_answer(cuts: list[int], carriage: bool) -> None:
    raw = recorded().replace(b"\n", b"\r\n") if carriage else recorded()
    places = sorted({0, len(raw), *(cut % len(raw) for cut in cuts)})
    assert read(raw[a:b] for a, b in pairwise(places)) == read([recorded()])


async def test_a_dribbling_server_gives_the_same_answer(tmp_path: Path) -> None:
    with ModelServer([STORY[0] | {"fault": {"dribble": 7}}]) as slow, ModelServer([STORY[0]]) as fast:
        answers = []
        for server in (slow, fast):
            model = await opened(tmp_path / str(server.port), server)
            answers.append((await ask(model, Prompt((), [user("Go")])))[1])
            await model.close()
    assert answers[0] == answers[1]


def test_endpoints_that_do_not_stream_arguments_or_count_late_are_understood() -> None:
    reader = Reader("p")
    use = {"type": "tool_use", "id": "c", "name": "read", "input": {"path": "a"}}
    usage = {"input_tokens": 7, "output_tokens": 3, "cache_read_input_tokens": 2}
    for event in (
        {"type": "message_start", "message": {"usage": {"input_tokens": 0, "output_tokens": 0}}},
        {"type": "content_block_start", "index": 0, "content_block": use},
        {"type": "content_block_stop", "index": 0},
        {"type": "from_the_future", "x": 1},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
    ):
        list(reader.feed(event))
    assert reader.complete
    assert reader.answer() == Answer(assistant("", ToolCall("c", "read", {"path": "a"})), Usage(9, 3, 2), "calls")


@pytest.mark.parametrize(
    ("finish", "expected"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("filtered", "filtered"),
        ("pause", "length"),
        ("stop_sequence", "stop"),
        ("model_context_window_exceeded", "length"),
    ],
)
async def test_every_stop_reason_has_its_meaning(tmp_path: Path, finish: str, expected: str) -> None:
    with ModelServer([{"text": "part", "finish": finish}]) as server:
        model = await opened(tmp_path, server)
        _, answer = await ask(model, Prompt((), [user("Go")]))
        await model.close()
    assert (answer.message, answer.finish) == (assistant("part"), expected)


async def test_rubbish_after_the_end_and_empty_answers_are_harmless(tmp_path: Path) -> None:
    with ModelServer([{"text": "hi", "fault": {"garbage": True}}, {}], play="sequential") as server:
        model = await opened(tmp_path, server)
        answers = [(await ask(model, Prompt((), [user("Go")])))[1] for _ in range(2)]
        await model.close()
    assert [(a.message, a.finish) for a in answers] == [(assistant("hi"), "stop"), (Message("assistant"), "stop")]


# -- failures ------------------------------------------------------------------------------

AT = "{url}/v1/messages"
CUT = "the stream was cut: claude ended it before the answer was complete"
HINT = "set NO_SUCH_KEY_HERE or provider.claude.options.apiKey"
SLOW_DOWN = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
NO_TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}}
FAULTS: list[tuple[dict[str, Any], ModelFault, int, float | None, str]] = [
    ({"status": 401}, ModelFault.CREDENTIAL, 401, None, f"claude refused the key (401): invalid key; {HINT}"),
    (
        {"status": 402},
        ModelFault.QUOTA,
        402,
        None,
        "the account at claude is out of credit or quota (402): Your credit balance is too low; "
        "top it up or choose another model",
    ),
    (
        {"status": 429, "headers": {"retry-after": "7"}},
        ModelFault.RATE,
        429,
        7.0,
        "claude gets too many requests (429): Rate limit reached; it asks to wait 7 s",
    ),
    ({"status": 500}, ModelFault.SERVER, 500, None, "claude failed or is overloaded (500): something failed"),
    ({"status": 529}, ModelFault.SERVER, 529, None, "claude failed or is overloaded (529): Overloaded"),
    (
        {"status": 404, "message": "model: test-model"},
        ModelFault.NOT_FOUND,
        404,
        None,
        f"claude does not know model test-model at {AT} (404): model: test-model; "
        "check the name (`mimo models`) and baseURL",
    ),
    (
        {"overflow": True},
        ModelFault.OVERFLOW,
        400,
        None,
        "the request is too long for claude/test-model (400): prompt is too long: 210000 tokens > 200000 maximum; "
        "begin a new session or choose a model with a larger window",
    ),
    (
        {"html": True},
        ModelFault.NONSENSE,
        200,
        None,
        f"{AT} answered with a web page instead of an event stream; is baseURL right?",
    ),
    ({"cut_bytes": 300}, ModelFault.NETWORK, 0, None, CUT),
    ({"cut_events": 4}, ModelFault.NETWORK, 0, None, CUT),
    ({"end_events": 4}, ModelFault.NETWORK, 0, None, CUT),
    ({"hangup": True}, ModelFault.NETWORK, 0, None, CUT),
    ({"error_event": True, "after": 4}, ModelFault.SERVER, 0, None, "claude failed or is overloaded: Overloaded"),
    ({"error_event": SLOW_DOWN}, ModelFault.RATE, 0, None, "claude gets too many requests: slow down"),
    (
        {"error_event": NO_TEXT},
        ModelFault.NONSENSE,
        0,
        None,
        f"{AT} sent an event that the Messages API does not have: " + json.dumps(NO_TEXT, separators=(",", ":"))[:80],
    ),
]


@pytest.mark.parametrize(("fault", "kind", "status", "wait", "sentence"), FAULTS)
async def test_every_failure_has_its_sentence(
    tmp_path: Path, fault: dict[str, Any], kind: ModelFault, status: int, wait: float | None, sentence: str
) -> None:
    with ModelServer([{"text": "one two three", "fault": fault}]) as server:
        model = await opened(tmp_path, server)
        with pytest.raises(ModelError) as caught:
            await ask(model, Prompt((), [user("Go")]))
        await model.close()
    error = caught.value
    assert (error.fault, error.status, error.retry_after) == (kind, status, wait)
    assert str(error) == sentence.replace("{url}", server.url)


async def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    for stall in (-1, 3):
        with ModelServer([{"text": "one two", "fault": {"stall_events": stall}}]) as server:
            model = await opened(tmp_path / str(stall), server, headerTimeout=200, chunkTimeout=200)
            with pytest.raises(ModelError) as caught:
                await ask(model, Prompt((), [user("Go")]))
            await model.close()
        assert caught.value.fault == ModelFault.NETWORK
        assert str(caught.value) == f"claude at {server.url}/v1/messages sent nothing for 0.2 s"


async def test_nobody_there_no_key_and_a_wrong_key(tmp_path: Path) -> None:
    model = await host_at(tmp_path / "a", "http://127.0.0.1:9").model("claude/test-model")
    with pytest.raises(ModelError, match=r"^cannot reach claude at http://127\.0\.0\.1:9/v1/messages: ") as caught:
        [event async for event in model.stream(Prompt((), [user("Go")]))]
    assert caught.value.fault == ModelFault.NETWORK
    with pytest.raises(ModelError) as caught:
        await host_at(tmp_path / "b", "https://claude.example", key="").model("claude/test-model")
    assert str(caught.value) == f"no key for claude: {HINT}"


async def test_stopping_in_the_middle_ends_the_request(tmp_path: Path) -> None:
    with ModelServer([{"text": "one two three", "fault": {"stall_events": 5}}]) as server:
        model = await opened(tmp_path, server)
        stream = model.stream(Prompt((), [user("Go")]))
        assert await anext(stream) == TextDelta("one")
        await stream.aclose()  # type: ignore[attr-defined]
        await model.close()


def test_importing_the_plugin_is_light() -> None:
    heavy = "{'anthropic', 'httpx2', 'pydantic', 'openai', 'mcp', 'yaml'}"
    paths = [str(Path(__file__).parents[3] / name) for name in ("kernel", "plugins")]
    code = f"import sys; sys.path[:0] = {paths!r}; import mimocode_plugins.providers.anthropic; "
    code += f"print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_an_answer_survives_the_log() -> None:
    answer = read([recorded()])
    assert msgspec.json.decode(msgspec.json.encode(answer.message), type=Message) == answer.message
