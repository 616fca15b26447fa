"""MiMo's models, first-class: their window, their thinking, what they see and hear, and both of their addresses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mimocode.messages import Media, Message, Part, Reasoning, Text, user
from mimocode.ports import Prompt
from support.model_server import ModelServer
from support.providers import TOOLS, host, tell

PLUGINS = ("configured", "openai", "anthropic", "retry")
LOOK = {"reasoning": "I should look.", "text": "One moment.", "calls": [{"name": "read", "arguments": {"path": "a"}}]}


def config(url: str, **section: Any) -> dict[str, Any]:
    return {"provider": {"xiaomi": {"options": {"baseURL": url, "apiKey": "k-123456789"}, **section}}}


async def ask(model: Any, *messages: Message, **options: Any) -> Message:
    _, answer = await tell(model, Prompt((Part("Be good."),), list(messages), TOOLS, session="s", options=options))
    return answer.message


async def test_windows_and_what_they_read_are_known(tmp_path: Path) -> None:
    infos = {info.ref: info for info in await host(tmp_path, {}, PLUGINS).models()}
    for name, media in (
        ("mimo-v2.5", ("image", "audio", "video", "pdf")),
        ("mimo-v2.5-pro", ()),
        ("mimo-v2.6-pro", ("image", "audio", "video")),
    ):
        info = infos[f"xiaomi/{name}"]
        assert (info.window, info.output, info.media, info.reasoning) == (1_048_576, 131_072, media, True)


async def test_they_are_told_who_asks_and_think_unless_that_is_switched_off(tmp_path: Path) -> None:
    with ModelServer([{"text": "Fine."}], models=["mimo-v2.5"], quirks="xiaomi") as server:
        model = await host(tmp_path, config(f"{server.url}/v1"), PLUGINS).model("xiaomi/mimo-v2.5")
        assert model.window == 1_048_576
        for options in ({}, {"variant": "none"}, {"variant": "high"}):
            await ask(model, user("go"), **options)
        await model.close()  # type: ignore[attr-defined]
        thinking = [request.body.get("thinking") for request in server.requests]
        assert thinking == [None, {"type": "disabled"}, {"type": "enabled"}]
        assert {request.headers["x-mimo-source"] for request in server.requests} == {"mimocode-python"}
        assert server.requests[0].body["max_completion_tokens"] == 32_000


async def test_what_they_thought_goes_back_with_their_calls_and_only_there(tmp_path: Path) -> None:
    steps = [LOOK, {"reasoning": "Now I know.", "text": "Done."}, {"text": "Bye."}]
    with ModelServer(steps, models=["mimo-v2.6-pro"], quirks="xiaomi", play="sequential") as server:
        model = await host(tmp_path, config(f"{server.url}/v1"), PLUGINS).model("xiaomi/mimo-v2.6-pro")
        messages = [user("go")]
        messages.append(await ask(model, *messages))
        messages.append(Message("tool", (Text("found"),), call_id=messages[-1].calls[0].id))
        messages.append(await ask(model, *messages))
        messages.append(user("thanks"))
        await ask(model, *messages)
        await model.close()  # type: ignore[attr-defined]
        said = [each for each in server.requests[-1].body["messages"] if each["role"] == "assistant"]
        assert [each.get("reasoning_content") for each in said] == ["I should look.", None]


MEDIA = [
    ("image/png", {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}),
    ("audio/wav", {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}}),
    ("video/mp4", {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,QUJD"}}),
]


@pytest.mark.parametrize(("mime", "part"), MEDIA, ids=[each[0] for each in MEDIA])
async def test_pictures_sounds_and_films_are_parts_of_what_one_says(
    tmp_path: Path, mime: str, part: dict[str, Any]
) -> None:
    shown = Message("user", (Text("What is it?"), Media(mime, "QUJD", "it")))
    kind = mime.partition("/")[0]
    with ModelServer([{"text": "Fine."}], models=["mimo-v2.5", "mimo-v2.5-pro"], quirks="xiaomi") as server:
        here = host(tmp_path, config(f"{server.url}/v1"), PLUGINS)
        for name in ("mimo-v2.5", "mimo-v2.5-pro"):
            model = await here.model(f"xiaomi/{name}")
            await ask(model, shown)
            await model.close()  # type: ignore[attr-defined]
        seen, told = (request.body["messages"][-1]["content"] for request in server.requests)
        assert seen == [{"type": "text", "text": "What is it?"}, part]
        assert told == f"What is it?\n\n[{kind} it left out: this model does not read {kind}]"


@pytest.mark.parametrize("base", ["/anthropic", "/anthropic/v1"])
async def test_the_other_address_speaks_anthropics_wire(tmp_path: Path, base: str) -> None:
    from support.front import Front

    steps = [LOOK, {"text": "Done."}, {"text": "Quick."}]
    with ModelServer(steps, models=["mimo-v2.6-pro"], play="sequential") as server:
        with Front({}, server.url, {"/anthropic/v1/messages": "/v1/messages"}) as front:
            settings = config(front.url + base, npm="@ai-sdk/anthropic")
            model = await host(tmp_path, settings, PLUGINS).model("xiaomi/mimo-v2.6-pro")
            messages = [user("go")]
            messages.append(await ask(model, *messages))
            messages.append(Message("tool", (Text("found"),), call_id=messages[-1].calls[0].id))
            messages.append(await ask(model, *messages))
            assert messages[-1].text == "Done."
            await ask(model, *messages, user("quickly"), variant="none")
            await model.close()  # type: ignore[attr-defined]
        assert [block.text for block in messages[1].content if isinstance(block, Reasoning)] == ["I should look."]
        back = server.requests[1].body["messages"][1]["content"]
        assert back[0]["type"] == "thinking" and back[0]["thinking"] == "I should look."
        assert server.requests[2].body["thinking"] == {"type": "disabled"}
        assert {asked.headers["x-mimo-source"] for asked in front.asked} == {"mimocode-python"}
