"""A new context window knows who is at work: subagents go on meanwhile, and nothing of them is forgotten."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mimocode import Say
from mimocode.events import Noted
from mimocode.ports import Agent
from mimocode.testing import play
from mimocode_plugins.context import window
from mimocode_plugins.crew import actors, commands, tasks
from mimocode_plugins.crew.children.team import team
from mimocode_plugins.memory import checkpoint

from .test_actors import DONE, Cast, World, actor, states


async def test_after_a_rebuild_the_agent_knows_its_tasks_and_who_works_on_them(tmp_path: Path) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def slow(prompt: object) -> str:
        begun.set()
        await end.wait()
        return DONE

    cast = Cast(
        **{"go:": [actor("spawn", prompt="slow work", description="the reader", task_id="T1"), "Begun.", "I know."]},
        slow=[slow],
    )
    plugins = [World(cast), actors, tasks, commands, window, checkpoint]
    async with play(plugins=plugins, directory=tmp_path, agent=Agent("build", mode="primary")) as session:
        await session.emit(Noted("tasks", {"op": "create", "id": "T1", "summary": "port it"}))
        await session.emit(Noted("tasks", {"op": "create", "id": "T2", "summary": "measure it"}))
        await session.submit(Say(f"go: {'many words ' * 4000}"))
        await session.settled()
        await begun.wait()
        await session.submit(Say("/rebuild"))
        await session.settled()
        opened = session.state.window
        assert opened is not None
        told = {part.source: part.text.partition("\n")[2].partition("\n")[2] for part in opened.system}
        assert told["actors"] == "general-1 [running] the reader"
        assert told["tasks"].splitlines()[0].startswith("T1 [in_progress] port it")
        record = "\n".join(message.text for message in session.state.messages)
        child = team(session).actors["general-1"].session
        assert "- T1 [in_progress] port it" in record
        assert "- T2 [open] measure it" in record
        assert f"- general-1 [running] the reader ({child})" in record
        end.set()
        await session.settled()
        await team(session).wait(["general-1"], 20)
        assert states(session) == {"general-1": "done"}
