"""`mimo models`."""

import argparse

import pytest

from mimocode.errors import UsageError
from mimocode.main import Commands
from mimocode_plugins.ui import models
from mimocode_plugins.ui.models.listing import run, short
from support.model_server import ModelServer
from support.providers import host

NAMES = ("configured", "openai")
LOCAL = {"options": {"baseURL": "http://127.0.0.1:1/v1"}, "models": {"b": {"limit": {"context": 131072}}, "a": {}}}


def arguments(*words: str) -> argparse.Namespace:
    commands = Commands()
    models.register_cli(commands)
    return commands.parser.parse_args(["models", *words])


async def test_those_that_are_ready(tmp_path, capsys):
    assert await run(arguments(), host(tmp_path, {"provider": {"local": LOCAL}}, NAMES, DEEPSEEK_API_KEY="k")) == 0
    out, err = capsys.readouterr()
    assert (out.splitlines(), err) == (
        ["deepseek/deepseek-flash — window 1M", "deepseek/deepseek-v4-pro — window 1M", "local/a",
         "local/b — window 131K"],
        "",
    )  # fmt: skip


async def test_all_and_one_provider(tmp_path, capsys):
    workspace = host(tmp_path, {}, NAMES)
    await run(arguments("--all"), workspace)
    assert "openai/gpt-5 — window 400K" in capsys.readouterr().out
    await run(arguments("deepseek", "--verbose"), workspace)
    out, err = capsys.readouterr()
    assert out.startswith("deepseek/deepseek-flash — window 1M\n{\n")
    assert err.startswith("deepseek has no key. Connect one:")


async def test_nothing_is_connected(tmp_path, capsys):
    assert await run(arguments(), host(tmp_path, {}, NAMES)) == 0
    out, err = capsys.readouterr()
    assert out == ""
    for words in (
        "no model is ready",
        "mimo setup",
        "mimo auth login PROVIDER",
        "XIAOMI_API_KEY",
        '"baseURL"',
        "mimo demo",
        "mimocode.json",
    ):
        assert words in err


async def test_scenarios_are_no_model(tmp_path, capsys):
    assert await run(arguments(), host(tmp_path, {}, (*NAMES, "scripted"))) == 0
    out, err = capsys.readouterr()
    assert all(line.startswith("scripted/") for line in out.splitlines())
    assert err.startswith("no model is ready. Connect one:\n  with questions:            mimo setup\n")


async def test_an_unknown_provider(tmp_path):
    with pytest.raises(UsageError, match="no provider 'opnai' with models that are known; did you mean openai"):
        await run(arguments("opnai"), host(tmp_path, {}, NAMES))


async def test_refresh_asks_the_endpoint_and_remembers(tmp_path, capsys):
    with ModelServer([], models=["alpha", "beta"]) as server:
        section = {"local": {"options": {"baseURL": f"{server.url}/v1"}}}
        assert await run(arguments("local", "--refresh"), host(tmp_path, {"provider": section}, NAMES)) == 0
        assert capsys.readouterr().out.splitlines() == ["local/alpha", "local/beta"]
    assert await run(arguments(), host(tmp_path, {"provider": section}, NAMES)) == 0
    assert capsys.readouterr().out.splitlines() == ["local/alpha", "local/beta"]


async def test_a_refresh_that_fails_says_so_and_keeps_what_is_known(tmp_path, capsys):
    assert await run(arguments("local", "--refresh"), host(tmp_path, {"provider": {"local": LOCAL}}, NAMES)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("plugin openai: local did not list its models at http://127.0.0.1:1/v1: ")
    assert lines[1:] == ["local/a", "local/b — window 131K"]


def test_numbers_as_people_say_them():
    assert [short(n) for n in (900, 200_000, 262_144, 1_000_000, 1_048_576, 2_500_000)] == [
        "900", "200K", "262K", "1M", "1M", "2.5M",
    ]  # fmt: skip
