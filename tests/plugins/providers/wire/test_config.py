"""Where a model reference leads."""

import asyncio

import pytest

from mimocode.errors import ModelError
from mimocode.messages import Usage
from mimocode.ports import ModelInfo
from mimocode_plugins.providers.wire import config
from mimocode_plugins.providers.wire.http import Timeouts
from support.providers import host

WIRES = ("chat", "responses", "messages")


async def found(home, ref, settings=None, **environ):
    return await config.find(ref, host(home, settings, **environ), WIRES)


async def test_a_known_provider_needs_only_its_key(tmp_path):
    target = await found(tmp_path, "xiaomi/mimo-v2.5-pro", XIAOMI_API_KEY=" k-1 ")
    assert (target.asked.url, target.key, target.wire, target.window, dict(target.headers)) == (
        "https://api.xiaomimimo.com/v1/chat/completions",
        "k-1",
        "chat",
        1048576,
        {"X-Mimo-Source": "mimocode-python"},
    )


ADDRESSES = [
    ("openai/gpt-5", {}, "https://api.openai.com/v1/responses"),
    ("anthropic/claude-sonnet-5", {}, "https://api.anthropic.com/v1/messages"),
    ("anthropic/claude-sonnet-5", {"anthropic": {"options": {"baseURL": "http://p.test"}}}, "http://p.test/v1/messages"),
    ("deepseek/deepseek-flash", {}, "https://api.deepseek.com/chat/completions"),
    ("openrouter/any/thing", {}, "https://openrouter.ai/api/v1/chat/completions"),
    ("ollama/qwen3", {}, "http://127.0.0.1:11434/v1/chat/completions"),
    ("mine/x", {"mine": {"api": "http://m.test/v1/"}}, "http://m.test/v1/chat/completions"),
    ("mine/x", {"mine": {"api": "http://m.test/v1/chat/completions"}}, "http://m.test/v1/chat/completions"),
    ("mine/x", {"mine": {"npm": "@ai-sdk/anthropic", "api": "http://m.test/v1"}}, "http://m.test/v1/messages"),
    ("mine/x", {"mine": {"npm": "@ai-sdk/cerebras"}}, "https://api.cerebras.ai/v1/chat/completions"),
    ("mine/x", {"mine": {"api": "http://m.test/v1", "models": {"x": {"provider": {"npm": "@ai-sdk/openai"}}}}},
     "http://m.test/v1/responses"),
]  # fmt: skip


@pytest.mark.parametrize(("ref", "section", "url"), ADDRESSES)
async def test_addresses(tmp_path, ref, section, url):
    keys = ("OPENAI", "ANTHROPIC", "DEEPSEEK", "OPENROUTER")
    target = await found(tmp_path, ref, {"provider": section}, **{f"{name}_API_KEY": "k" for name in keys})
    assert target.asked.url == url


async def test_settings_lie_over_the_catalogue(tmp_path):
    section = {
        "xiaomi": {
            "options": {"apiKey": "mine", "headers": {"X-Team": "a"}, "timeout": 5000, "chunkTimeout": False},
            "models": {"mimo-v2.5-pro": {"limit": {"output": 7}, "id": "real-name"}},
        }
    }
    target = await found(tmp_path, "xiaomi/mimo-v2.5-pro", {"provider": section}, XIAOMI_API_KEY="other")
    assert (target.key, target.asked.model, target.window, target.timeouts, dict(target.headers)) == (
        "mine",
        "real-name",
        1048576,
        Timeouts(first=5.0, between=None),
        {"X-Mimo-Source": "mimocode-python", "X-Team": "a"},
    )


async def test_the_key_may_be_kept_from_the_environment(tmp_path):
    with pytest.raises(ModelError, match=r"set OPENAI_API_KEY or provider\.openai.options.apiKey"):
        await found(tmp_path, "openai/gpt-5", OPENAI_API_KEY="k", MIMOCODE_DISABLE_PROVIDER_ENV="1")


async def test_a_local_server_needs_no_key(tmp_path):
    target = await found(tmp_path, "openai/gpt-5", {"provider": {"openai": {"api": "http://localhost:1/v1"}}})
    assert target.key == ""


async def test_an_adapter_that_nobody_speaks(tmp_path):
    section = {"aws": {"npm": "@ai-sdk/amazon-bedrock", "models": {"m": {}}}}
    with pytest.raises(ModelError, match="wants the adapter @ai-sdk/amazon-bedrock, which is not known here"):
        await host(tmp_path, {"provider": section}).model("aws/m")


async def test_a_provider_without_an_address(tmp_path):
    with pytest.raises(ModelError, match=r"provider mine has no address: set provider\.mine\.options.baseURL"):
        await host(tmp_path, {"provider": {"mine": {"models": {"m": {}}}}}).model("mine/m")


async def test_switched_off(tmp_path):
    settings = {"disabled_providers": ["ollama"]}
    with pytest.raises(ModelError, match="provider 'ollama' is unknown or switched off"):
        await host(tmp_path, settings).model("ollama/x")
    only = config.providers(host(tmp_path, {"enabled_providers": ["openai"]}))
    assert list(only) == ["openai"]


async def test_only_some_models(tmp_path):
    section = {"deepseek": {"only_configured_models": True, "models": {"a": {}, "b": {}}, "blacklist": ["b"]}}
    (provider_,) = [p for p in config.providers(host(tmp_path, {"provider": section})).values() if p.id == "deepseek"]
    assert [entry.id for entry in provider_.entries()] == ["a"]


def test_what_a_call_costs():
    info = ModelInfo("a/b", price={"input": 2.0, "output": 10.0, "cache_read": 0.5})
    assert config.costed(Usage(1_000_000, 100_000, 400_000), info).cost == pytest.approx(1.2 + 0.2 + 1.0)
    assert config.costed(Usage(5, 5), ModelInfo("a/b")).cost == 0.0


async def test_a_valid_section_costs_no_heavy_import(tmp_path):
    code = (
        "import sys, asyncio, pathlib\n"
        "from support.providers import host, provider\n"
        "h = host(pathlib.Path(sys.argv[1]), provider('http://127.0.0.1:1/v1'))\n"
        "from mimocode_plugins.providers.wire import config\n"
        "print(len(config.providers(h)) > 5)\n"
        "print(sorted({'pydantic', 'openai', 'anthropic', 'httpx2'} & sys.modules.keys()))\n"
    )
    import os
    import sys

    path = os.pathsep.join(p for p in sys.path if p)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path), env={**os.environ, "PYTHONPATH": path}, stdout=-1
    )
    out, _ = await process.communicate()
    assert out.decode().splitlines() == ["True", "[]"]
