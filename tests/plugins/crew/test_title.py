"""A conversation gets a title in the background, paid for by the small model, and never at the user's expense."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mimocode import Say
from mimocode.events import Titled
from mimocode.testing import play, talk
from mimocode_plugins.crew import agents, title
from mimocode_plugins.crew.title.naming import cleaned
from mimocode_plugins.providers import configured
from mimocode_plugins.store import workspace
from support.small import Small, home_of, wish


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return home_of(tmp_path, monkeypatch, small_model="acme/small")


async def test_the_small_model_names_it_once(home: Path) -> None:
    small = Small('<think>hm</think>\n\n"Fix the login"\n')
    plugins = [workspace, configured, agents, title, small]
    async with play("ok", "ok", plugins=plugins, directory=home / "project") as session:
        await session.submit(Say("The login is broken"))
        await session.settled()
        await small.until(lambda event: isinstance(event, Titled))
        await session.submit(Say("And now?"))
        await session.settled()
        assert session.state.title == "Fix the login"
        [note] = session.state.notes["title"]
        assert note == {"model": "acme/small", "usage": {"input": 70, "output": 5, "cost": 0.01}}
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
    wish(home)
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
