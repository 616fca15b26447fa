"""A model that reads only text is told what is in a picture, once; one that sees is left alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.cli import Cli
from support.model_server import ModelServer

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415478da63f8cfc000000301010018dd8db00000000049454e44ae426082"
)
TOLD = "A red page that says Error 42."


@pytest.fixture
def picture(cli: Cli) -> str:
    (cli.project / "shot.png").write_bytes(PICTURE)
    return "shot.png"


def two(cli: Cli, blind: str, seeing: str, **more: Any) -> None:
    def provider(url: str, **model: Any) -> dict[str, Any]:
        return {"options": {"baseURL": f"{url}/v1", "apiKey": "k-123456789"}, "models": {"test-model": model}}

    providers = {
        "blind": provider(blind, modalities={"input": ["text"]}),
        "sharp": provider(seeing, modalities={"input": ["text", "image"]}),
    }
    cli.settings(provider=providers, model="blind/test-model", vision_model="sharp/test-model", **more)


def said(server: ModelServer, number: int) -> str:
    return json.dumps(server.requests[number].body["messages"], ensure_ascii=False)


def test_a_picture_is_described_once_and_said_the_same_ever_after(cli: Cli, picture: str) -> None:
    answers = [{"text": "I see."}] * 3
    with (
        ModelServer(answers, play="sequential") as blind,
        ModelServer([{"text": TOLD}] * 3, play="sequential") as sharp,
    ):
        two(cli, blind.url, sharp.url)
        first = cli("run", "What is wrong?", "--file", picture)
        assert (first.code, first.out) == (0, "I see.\n"), first.err
        assert f"[shot.png, as sharp/test-model describes it]\\n{TOLD}" in said(blind, 0)
        assert "image_url" not in said(blind, 0) and "image_url" in said(sharp, 0)
        again = cli("run", "--continue", "And now?")
        assert again.code == 0, again.err
        assert len(sharp.requests) == 1, "it is in the log"
        assert blind.prefix_kept()[1] == 1.0


def test_a_picture_that_a_tool_returns_is_described_too(cli: Cli, picture: str) -> None:
    look = {"calls": [{"name": "view_image", "arguments": {"path": picture}}]}
    with ModelServer([look, {"text": "It says 42."}]) as blind, ModelServer([{"text": TOLD}]) as sharp:
        two(cli, blind.url, sharp.url)
        done = cli("run", "--yolo", "Look at shot.png")
        assert done.out.endswith("It says 42.\n"), done.err
        assert TOLD in said(blind, 1)


def test_eyes_that_fail_are_named_and_the_work_goes_on(cli: Cli, picture: str) -> None:
    with ModelServer([{"text": "I cannot see it."}]) as blind:
        two(cli, blind.url, "http://127.0.0.1:9", retry={"attempts": 1})
        done = cli("run", "What is wrong?", "--file", picture)
        assert done.out == "I cannot see it.\n"
        assert "shot.png could not be described by sharp/test-model" in done.err
        assert "shot.png could not be described: " in said(blind, 0)


def test_a_model_that_sees_is_shown_the_picture(cli: Cli, picture: str) -> None:
    with ModelServer([{"text": "Red."}]) as sharp, ModelServer([{"text": TOLD}]) as other:
        two(cli, other.url, sharp.url)
        assert cli("run", "-m", "sharp/test-model", "What is it?", "--file", picture).out == "Red.\n"
        assert "image_url" in said(sharp, 0)
        assert (len(sharp.requests), len(other.requests)) == (1, 0)
