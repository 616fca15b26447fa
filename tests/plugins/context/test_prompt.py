"""Primary agents share one prompt and take turns by message; subagents bring their own."""

from __future__ import annotations

from pathlib import Path

from mimocode.events import ChooseAgent, MessageAdded, Rewind, Say, TurnStarted
from mimocode.hookspecs import hookimpl
from mimocode.ports import Agent
from mimocode.session import Session
from mimocode.testing import MemoryStore, play, talk
from mimocode_plugins.context import prompt

BUILD = Agent("build", mode="primary")
PLAN = Agent("plan", mode="primary", prompt="Only plan. {braces} stay.")
HELPER = Agent("helper", mode="subagent", prompt="You help.", source="/agents/helper.md")


class Cast:
    """Three agents."""

    @hookimpl
    def register_agents(self) -> list[Agent]:
        return [BUILD, PLAN, HELPER]


async def say(session: Session, text: str) -> None:
    await session.submit(Say(text))
    await session.settled()


def opening(session: Session) -> list[tuple[str, str]]:
    window = session.state.window
    assert window is not None
    return [(part.source, part.text) for part in window.system]


TAKES = (
    '<agent name="plan">\nFrom here on you work as the agent "plan". What was said for an earlier agent no longer '
    "applies; the following does, until another agent takes over.\n\nOnly plan. {braces} stay.\n</agent>"
)
GIVES = (
    '<agent name="build">\nFrom here on you work as the agent "build", without special instructions. '
    'What was said for the agent "plan" no longer applies.\n</agent>'
)


async def test_changing_the_agent_appends_and_leaves_the_beginning_alone(tmp_path: Path) -> None:
    async with play("one", "two", "three", "four", plugins=[prompt, Cast()], directory=tmp_path) as session:
        await say(session, "1")
        window = session.state.window
        await session.submit(ChooseAgent("plan"))
        await say(session, "2")
        await say(session, "3")
        await session.submit(ChooseAgent("build"))
        await say(session, "4")
        assert session.state.window is window
        assert opening(session) == [("prompt", prompt.text("base.md"))]
        assert talk(session) == [
            "user: 1",
            "assistant: one",
            f"user: {TAKES}",
            "user: 2",
            "assistant: two",
            "user: 3",
            "assistant: three",
            f"user: {GIVES}",
            "user: 4",
            "assistant: four",
        ]


async def test_a_session_that_begins_with_a_special_agent_hears_so_before_the_user(tmp_path: Path) -> None:
    async with play("planned", plugins=[prompt], agent=PLAN, directory=tmp_path) as session:
        await say(session, "think")
        assert talk(session) == [f"user: {TAKES}", "user: think", "assistant: planned"]
        assert [m.origin for m in session.state.messages] == ["prompt", "", ""]


async def test_an_agent_without_a_prompt_hears_nothing(tmp_path: Path) -> None:
    async with play("done", plugins=[prompt], agent=BUILD, directory=tmp_path) as session:
        await say(session, "do")
        assert talk(session) == ["user: do", "assistant: done"]


async def test_undo_takes_back_what_was_announced(tmp_path: Path) -> None:
    store = MemoryStore()
    async with play("one", "two", "three", plugins=[prompt, Cast()], directory=tmp_path, store=store) as session:
        await say(session, "1")
        await session.submit(ChooseAgent("plan"))
        before = session.state.seq
        await say(session, "2")
        await session.submit(Rewind(before))
        await say(session, "3")
        assert talk(session) == ["user: 1", "assistant: one", f"user: {TAKES}", "user: 3", "assistant: three"]
        started = [e.seq for e in store.read(session.id) if isinstance(e.event, TurnStarted)]
        said = [e.seq for e in store.read(session.id) if isinstance(e.event, MessageAdded) and e.event.message.origin]
        assert [seq - 1 for seq in said] == started[1:], "the announcement comes first in its turn"


async def test_a_subagent_has_its_own_prompt_and_no_base(tmp_path: Path) -> None:
    async with play("found", plugins=[prompt], agent=HELPER, directory=tmp_path) as session:
        await say(session, "look")
        assert opening(session) == [("/agents/helper.md", "You help.")]
        assert talk(session) == ["user: look", "assistant: found"]


async def test_a_primary_agent_that_follows_a_subagent_brings_the_base_with_it(tmp_path: Path) -> None:
    plugins = [prompt, Cast()]
    async with play("found", "built", "found", plugins=plugins, agent=HELPER, directory=tmp_path) as session:
        await say(session, "look")
        await session.submit(ChooseAgent("build"))
        await say(session, "build")
        await session.submit(ChooseAgent("helper"))
        await say(session, "look again")
        said = [message.text for message in session.state.messages if message.origin == "prompt"]
    opens = 'From here on you work as the agent "{}". What was said for an earlier agent no longer applies; '
    assert [
        text.splitlines()[1].startswith(opens.format(name))
        for text, name in zip(said, ["build", "helper"], strict=False)
    ] == [
        True,
        True,
    ]
    assert prompt.text("base.md") in said[0]
    assert "You help." in said[1]


def test_the_base_prompt_has_its_rooms_and_keeps_its_voice() -> None:
    base = prompt.text("base.md")
    assert [line for line in base.splitlines() if line.startswith("# ")] == [
        "# Before you change anything",
        "# Changing code",
        "# Using tools",
        "# Taking care",
        "# Until it is done",
        "# Talking to the user",
    ]
    shouted = {word for word in base.replace("`", " ").split() if word.isupper() and len(word) > 3 and word.isalpha()}
    assert shouted == set(), "calm: no capitals for emphasis"
