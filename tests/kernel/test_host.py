"""One workspace: what is asked of it that is not there, and two of them that never meet."""

from pathlib import Path
from typing import Any

import pytest

from mimocode import Agent, ModelError, ModelInfo, Say, Setting, SettingsError, StoreError, UsageError, hookimpl
from mimocode.host import Host
from mimocode.testing import MemoryStore, Script, Stage, play, talk


class Offers:
    """Models and agents that are there."""

    @hookimpl
    def list_models(self) -> list[ModelInfo]:
        return [ModelInfo("acme/large"), ModelInfo("acme/small")]

    @hookimpl
    def register_agents(self) -> list[Agent]:
        return [Agent("build", mode="primary"), Agent("explore", mode="subagent")]

    @hookimpl
    def register_settings(self) -> list[Setting]:
        return [Setting("default_agent", str, "build", "Who answers.")]


class Elsewhere(Stage):
    """A stage whose model nobody opens."""

    @hookimpl
    def open_model(self) -> Any:
        return None


def host(*plugins: Any) -> Host:
    return Host([Elsewhere(Script(), MemoryStore(), None, None), *plugins], external=False)


async def test_a_model_that_nobody_opens_names_what_is_close() -> None:
    with pytest.raises(ModelError, match=r"^no plugin opens the model 'acme/larg'; did you mean acme/large"):
        await host(Offers()).model("acme/larg")
    with pytest.raises(ModelError, match=r"^no plugin opens the model 'x'; `mimo models` lists what there is$"):
        await host(Offers()).model("x")


async def test_no_model_at_all_says_how_to_get_one() -> None:
    with pytest.raises(ModelError, match=r'^no model is configured: pass --model provider/model or set "model" in '):
        await host().default_model()


async def test_agents_by_name_by_default_and_by_mistake() -> None:
    here = host(Offers())
    assert [(await here.agent()).name, (await here.agent("explore")).name] == ["build", "explore"]
    with pytest.raises(UsageError, match=r"^there is no agent 'biuld'; there is build$"):
        await here.agent("biuld")


async def test_a_host_without_plugins_says_what_is_missing() -> None:
    bare = Host([], external=False)
    with pytest.raises(StoreError, match=r"^no plugin keeps the log"):
        await bare.store()
    with pytest.raises(SettingsError, match=r"^no plugin finds the workspace"):
        _ = bare.settings


async def test_a_mistake_in_the_settings_is_told_before_anything_begins() -> None:
    class Broken:
        @hookimpl(tryfirst=True)
        def open_workspace(self) -> Any:
            raise SettingsError("a comma is missing", "mimocode.json:3")

    here, store = Host([Stage(Script(), store := MemoryStore(), None, None), Broken()], external=False), store
    with pytest.raises(SettingsError, match=r"^mimocode\.json:3: a comma is missing$"):
        async with here.open():
            pass
    assert store.facts == {}


async def test_two_hosts_of_one_process_never_meet(tmp_path: Path) -> None:
    async with play("from one", directory=tmp_path) as one, play("from two", directory=tmp_path) as two:
        for session in (one, two):
            await session.submit(Say("hi"))
            await session.settled()
        assert [talk(one)[-1], talk(two)[-1]] == ["assistant: from one", "assistant: from two"]
        assert one.host.plugins.manager is not two.host.plugins.manager
