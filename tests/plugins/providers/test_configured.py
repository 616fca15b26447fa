"""The settings about models, and what happens when nobody opens one."""

import json

import pytest
from pydantic import TypeAdapter

from mimocode.errors import ModelError, ModelFault, SettingsError
from mimocode.messages import user
from mimocode_plugins.providers.retry.settings import RetrySettings
from mimocode_plugins.providers.wire import config
from mimocode_plugins.providers.wire.settings import Providers
from support.model_server import ModelServer
from support.providers import Keeper, host, prompt, provider, tell

UNKNOWN = [
    ("acme/test-modl", "acme has no model 'test-modl'; did you mean acme/test-model?"),
    ("acmee/test-model", "no provider 'acmee'; did you mean acme/test-model?"),
    ("test-model", "a model is named provider/model, not 'test-model'; did you mean acme/test-model?"),
    ("zzzzzz/q", "no provider 'zzzzzz'."),
]


@pytest.mark.parametrize(("ref", "sentence"), UNKNOWN)
async def test_what_nobody_opens_is_explained(tmp_path, ref, sentence):
    with pytest.raises(ModelError) as caught:
        await host(tmp_path, provider("http://127.0.0.1:1/v1")).model(ref)
    assert caught.value.fault is ModelFault.NOT_FOUND
    assert str(caught.value) == f"{sentence} `mimo models --all` lists what is known"


WRONG = [
    ({"acme": {"options": {"baseURL": 7}}}, "baseURL"),
    ({"acme": {"models": {"m": {"limit": {"context": "big"}}}}}, "context"),
    ({"acme": {"options": {"base_url": "x"}}}, "did you mean baseURL?"),
    ({"acme": 1}, "acme"),
]


@pytest.mark.parametrize(("section", "words"), WRONG)
async def test_a_section_that_makes_no_sense(tmp_path, section, words):
    with pytest.raises(SettingsError, match=words.replace("?", r"\?")):
        config.providers(host(tmp_path, {"provider": section}))


def test_the_published_schema_describes_the_sections():
    described = [json.dumps(TypeAdapter(kind).json_schema()) for kind in (Providers, RetrySettings)]
    assert "Where the API begins" in described[0]
    assert '"maximum": 100' in described[1]


async def test_a_session_lets_go_of_its_connections(tmp_path):
    with ModelServer([{"text": "hi"}]) as server:
        settings = provider(f"{server.url}/v1") | {"model": "acme/test-model"}
        async with host(tmp_path, settings, ("configured", "openai", "retry", Keeper())).open() as session:
            model = await session.open_model()
            await tell(model, prompt(user("go")))
            line = model._model._line
            assert line._client is not None
        assert line._client is None
