"""A conversation gets a title in the background, paid for by the small model, and never at the user's expense."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mimocode import Say, hookimpl
from mimocode.events import Titled
from mimocode.messages import Usage, assistant
from mimocode.ports import Answer, Prompt
from mimocode.testing import play, talk
from mimocode_plugins.crew import agents, title
from mimocode_plugins.crew.title.naming import cleaned
from mimocode_plugins.providers import configured
from mimocode_plugins.store import workspace


class Small:
    """A small model under a name of its own."""

    ref, window = "acme/small", 8000

    def __init__(self, answer: str | Exception | None) -> None:
        self.answer, self.seen = answer, list[Prompt]()
        self.titled = asyncio.Event()

    async def stream(self, prompt: Prompt) -> AsyncIterator[Any]:
        self.seen.append(prompt)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None:
            await asyncio.Event().wait()
        yield Answer(assistant(str(self.answer)), Usage(input=90, output=6, cost=0.01))

    @hookimpl
    async def open_model(self, ref: str) -> Any:
        return self if ref == self.ref else None

    @hookimpl
    async def on_event(self, event: object) -> None:
        if isinstance(event, Titled):
            self.titled.set()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("MIMOCODE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MIMOCODE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "project").mkdir()
    settings = tmp_path / ".config/mimocode/mimocode.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"small_model": "acme/small"}))
    return tmp_path


async def test_the_small_model_names_it_once(home: Path) -> None:
    small = Small('<think>hm</think>\n\n"Fix the login"\n')
    plugins = [workspace, configured, agents, title, small]
    async with play("ok", "ok", plugins=plugins, directory=home / "project") as session:
        await session.submit(Say("The login is broken"))
        await session.settled()
        await asyncio.wait_for(small.titled.wait(), 10)
        await session.submit(Say("And now?"))
        await session.settled()
        assert session.state.title == "Fix the login"
        [note] = session.state.notes["title"]
        assert note == {"model": "acme/small", "usage": {"input": 90, "output": 6, "cost": 0.01}}
        assert talk(session) == ["user: The login is broken", "assistant: ok", "user: And now?", "assistant: ok"]
    [prompt] = small.seen
    assert (prompt.tools, prompt.messages[0].text, prompt.options) == ((), "The login is broken", {"temperature": 0.5})
    assert "You name conversations" in prompt.system[0].text


async def test_it_neither_delays_the_turn_nor_outlives_the_session(home: Path) -> None:
    small = Small(None)
    plugins = [workspace, configured, agents, title, small]
    async with play("ok", plugins=plugins, directory=home / "project") as session:
        await session.submit(Say("hi"))
        await session.settled()
        assert (talk(session)[-1], session.state.title) == ("assistant: ok", "")
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("title")]


async def test_without_a_small_model_nobody_is_asked(home: Path) -> None:
    (home / ".config/mimocode/mimocode.json").write_text("{}")
    small = Small("Title")
    plugins = [workspace, configured, agents, title, small]
    async with play("ok", plugins=plugins, directory=home / "project") as session:
        await session.submit(Say("hi"))
        await session.settled()
        assert (small.seen, "title" in session.state.notes) == ([], False)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("Fix it", "Fix it"),
        ("\n\n  **Fix it**\nmore", "Fix it"),
        ("<think>a\nb", ""),
        ("<thinking>x</thinking>\n# A", "A"),
        ("", ""),
        ("x" * 101, "x" * 97 + "..."),
    ],
)
def test_what_can_be_a_title(answer: str, found: str) -> None:
    assert cleaned(answer) == found
