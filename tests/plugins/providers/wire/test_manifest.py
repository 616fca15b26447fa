"""The public list of models, and names that stand for models."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mimocode.errors import MimoError, ModelError, SettingsError
from mimocode.messages import Usage
from mimocode_plugins.providers.wire import config, groups, manifest
from support.model_server import ModelServer
from support.providers import host, prompt, provider, tell

LIST = {
    "acme": {
        "id": "acme",
        "name": "Acme",
        "npm": "@ai-sdk/openai-compatible",
        "api": "http://127.0.0.1:9/v1",
        "env": ["ACME_KEY"],
        "models": {
            "big": {
                "id": "big",
                "name": "Big",
                "family": "b",
                "limit": {"context": 500_000, "output": 64_000},
                "cost": {"input": 1, "output": 2, "context_over_200k": {"input": 2, "output": 4}},
                "experimental": {
                    "modes": {"fast": {"cost": {"input": 6}, "provider": {"body": {"speed": "fast"}, "headers": {}}}}
                },
            },
            "old": {"name": "Old", "status": "deprecated"},
            "early": {"name": "Early", "status": "alpha"},
        },
    },
    "strange": {"name": "Strange", "npm": "@ai-sdk/nobody-knows", "models": {"m": {"name": "M"}}},
    "xiaomi": {
        "name": "Elsewhere",
        "api": "http://127.0.0.1:9/theirs",
        "models": {
            "mimo-v2.5": {"cost": {"input": 9}, "provider": {"api": "http://127.0.0.1:9/theirs"}},
            "mimo-v9": {"name": "MiMo V9"},
        },
    },
}


@contextmanager
def listing(status: int = 200, body: bytes = json.dumps(LIST).encode()) -> Iterator[tuple[str, list[str]]]:
    """A server that answers every request so, and the paths that were asked."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


async def test_a_fetched_list_joins_the_catalogue_and_stays(tmp_path):
    lone = {"disabled_providers": ["ollama", "lmstudio", "llamacpp", "vllm"]}  # some may run on this machine
    with listing() as (url, asked):
        here = host(tmp_path, lone, MIMOCODE_MODELS_URL=url + "/")
        before = {info.ref for info in await here.models()}
        here.options["refresh_models"] = "*"
        after = {info.ref for info in await here.models()}
    assert asked == ["/api.json"]
    assert after - before == {"acme/big", "acme/big-fast", "xiaomi/mimo-v9"}
    offline = host(tmp_path, lone, MIMOCODE_MODELS_URL=url)
    assert {info.ref for info in await offline.models()} == after
    elsewhere = host(tmp_path, lone, MIMOCODE_MODELS_URL="http://127.0.0.1:1")
    assert {info.ref for info in await elsewhere.models()} == before, "another address has a list of its own"


async def test_a_listed_model_has_its_window_price_and_mode(tmp_path):
    path = tmp_path / "list.json"
    path.write_text(json.dumps(LIST))
    found = config.providers(host(tmp_path / "home", MIMOCODE_MODELS_PATH=str(path)))
    big = found["acme"].entry("big").info("acme/big")
    assert (big.window, big.output, big.price) == (
        500_000,
        64_000,
        {"input": 1, "output": 2, "input_long": 2, "output_long": 4},
    )
    assert config.costed(Usage(input=100_000, output=1_000), big).cost == pytest.approx(0.102)
    assert config.costed(Usage(input=300_000, output=1_000), big).cost == pytest.approx(0.604)
    fast = found["acme"].entry("big-fast")
    assert (fast.wire_id, fast.name, fast.record["options"]) == ("big", "Big Fast", {"speed": "fast"})
    assert [e.id for e in found["acme"].entries()] == ["big", "big-fast"]


async def test_the_way_to_a_shipped_provider_is_not_changed_by_a_list(tmp_path):
    """Its key would go to whoever wrote the list."""
    path = tmp_path / "list.json"
    path.write_text(json.dumps(LIST))
    xiaomi = config.providers(host(tmp_path / "home", MIMOCODE_MODELS_PATH=str(path)))["xiaomi"]
    assert (xiaomi.name, xiaomi.base) == ("Xiaomi MiMo", "https://api.xiaomimimo.com/v1")
    assert xiaomi.entry("mimo-v2.5").base == "https://api.xiaomimimo.com/v1"
    assert xiaomi.entry("mimo-v2.5").record["cost"] == {"input": 9}
    assert xiaomi.entry("mimo-v2.5").limit("context") == 1_048_576


async def test_alpha_models_on_request(tmp_path):
    path = tmp_path / "list.json"
    path.write_text(json.dumps(LIST))
    found = config.providers(
        host(tmp_path / "home", MIMOCODE_MODELS_PATH=str(path), MIMOCODE_ENABLE_EXPERIMENTAL_MODELS="1")
    )
    assert [e.id for e in found["acme"].entries()] == ["big", "big-fast", "early"]


WRONG = [
    (200, b"<html>", "is not a list of models"),
    (200, b'{"acme": {"models": [1]}}', "is not a list of models"),
    (503, b"down", "the list of models did not come from"),
]


@pytest.mark.parametrize(("status", "body", "words"), WRONG)
async def test_a_list_that_is_none_changes_nothing(tmp_path, status, body, words):
    with listing(status, body) as (url, _):
        here = host(tmp_path, MIMOCODE_MODELS_URL=url)
        with pytest.raises(MimoError, match=words):
            await manifest.fetch(here)
        assert not manifest.kept(here).exists()


async def test_fetching_can_be_switched_off(tmp_path):
    with listing() as (url, asked):
        here = host(tmp_path, MIMOCODE_MODELS_URL=url, MIMOCODE_DISABLE_MODELS_FETCH="1")
        assert await manifest.fetch(here) == 0
    assert asked == []


async def test_a_file_that_the_user_named_must_be_there(tmp_path):
    with pytest.raises(SettingsError, match=r"MIMOCODE_MODELS_PATH: cannot read .*nowhere.json: No such file"):
        config.providers(host(tmp_path, MIMOCODE_MODELS_PATH=str(tmp_path / "nowhere.json")))
    (tmp_path / "torn.json").write_text('{"acme": ')
    with pytest.raises(SettingsError, match=r"torn\.json is not a list of models"):
        config.providers(host(tmp_path, MIMOCODE_MODELS_PATH=str(tmp_path / "torn.json")))


async def test_a_torn_cache_is_passed_over(tmp_path):
    here = host(tmp_path)
    manifest.kept(here).parent.mkdir(parents=True)
    manifest.kept(here).write_text('{"acme": ')
    assert "acme" not in config.providers(here)


# -- names that stand for models ----------------------------------------------------

GROUPS = {"lite": "acme/small", "team": {"default": "other/x", "models": ["other/x", "acme/test-model"]}}


async def test_groups_stand_for_their_members(tmp_path):
    here = host(tmp_path, {"model": "acme/big", "model_groups": GROUPS})
    names = ("lite", "team", "ultra", "standard", "acme/big", "nobody")
    assert [await groups.resolve(name, here) for name in names] == [
        "acme/small",
        "acme/test-model",
        "acme/big",
        "acme/big",
        None,
        None,
    ]
    elsewhere = host(tmp_path / "b", {"model": "third/big", "model_groups": GROUPS})
    assert await groups.resolve("team", elsewhere) == "other/x"


async def test_a_group_is_asked_like_a_model(tmp_path):
    with ModelServer([{"text": "hi"}]) as server:
        settings = provider(f"{server.url}/v1") | {"model": "lite", "model_groups": {"lite": "acme/test-model"}}
        model = await host(tmp_path, settings).model("lite")
        assert (await tell(model, prompt()))[1].message.text == "hi"
        assert server.requests[0].body["model"] == "test-model"
        await model.close()


async def test_groups_that_lead_nowhere_are_explained(tmp_path):
    with pytest.raises(SettingsError, match=r'"model" is \'standard\', and model_groups has no \'standard\''):
        await host(tmp_path, {"model": "standard"}).model("standard")
    with pytest.raises(SettingsError, match=r"model_groups\.a leads to 'b', which is not provider/model"):
        await host(tmp_path / "b", {"model_groups": {"a": "b"}}).model("a")
    with pytest.raises(ModelError, match=r"not 'teem'; did you mean team\?"):
        await host(tmp_path / "c", {"model_groups": GROUPS}).model("teem")


async def test_without_a_choice_the_best_that_is_ready_is_asked(tmp_path):
    keys = {"ANTHROPIC_API_KEY": "k-1", "XIAOMI_API_KEY": "k-2"}
    plugins = ("configured", "openai", "anthropic")
    assert await host(tmp_path, {}, plugins, **keys).default_model() == "xiaomi/mimo-v2.6-pro"
    assert await host(tmp_path, {}, plugins, ANTHROPIC_API_KEY="k").default_model() == "anthropic/claude-sonnet-5-5"
    assert await host(tmp_path, provider("http://127.0.0.1:1/v1"), plugins, **keys).default_model() == "acme/test-model"
    with pytest.raises(ModelError, match="no model is configured"):  # a local server may not be running
        await host(tmp_path, {}, plugins).default_model()


def test_the_catalogue_has_the_providers_that_people_ask_for(tmp_path):
    found = config.providers(host(tmp_path))
    local = {"ollama", "lmstudio", "llamacpp", "vllm"}
    assert {name for name, provider in found.items() if config.is_local(provider.base)} == local
    for name in found.keys() - local:
        provider = found[name]
        entries = list(provider.entries())
        assert provider.env and provider.base.startswith("https://") and entries, name
        ranked = [entry.id for entry in entries if entry.record.get("rank")]
        assert len(ranked) == 1, f"{name}: one model is the choice of those who make none, not {ranked}"
        assert {entry.wire for entry in entries} <= {"chat", "responses", "messages"}, name
    assert len(found) >= 16
