"""A task that a subagent was given goes where the subagent goes, and with the log wherever that goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mimocode import Agent, Ruling, Say, ToolCall, Verdict, hookimpl, turn
from mimocode.events import ChooseModel, Noted, Rewind
from mimocode.session import Session
from mimocode.state import replay
from mimocode.testing import MemoryStore, play
from mimocode_plugins.crew import actors, compose, tasks
from mimocode_plugins.crew.tasks import book
from support import cast


class Crew:
    """A subagent, and rules that allow everything but what `denied` says."""

    denied = ""

    @hookimpl
    def register_agents(self) -> list[Agent]:
        return [Agent("general", mode="subagent", prompt="general")]

    @hookimpl
    def rule_on_call(self, call: ToolCall) -> Ruling:
        bad = self.denied and self.denied in str(dict(call.arguments))
        return Ruling(Verdict.DENY, "not yours") if bad else Ruling(Verdict.ALLOW)


def calls(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"calls": [{"name": tool, "arguments": arguments}]}


def run(action: str = "run", **arguments: Any) -> dict[str, Any]:
    return calls("actor", action=action, **{"prompt": "look at it", **arguments})


def ends(state: str) -> list[dict[str, Any]]:
    return [{"text": f"Status: {state}\nSummary: so it is\nIt is in a.py."}]


@asynccontextmanager
async def stage(tmp_path: Path, crew: Crew | None = None, **parts: Any) -> AsyncIterator[Session]:
    path = tmp_path / "parts.json"
    path.write_text(json.dumps(parts))
    plugins = [cast, crew or Crew(), actors, tasks, compose]
    agent = Agent("build", mode="primary")
    async with play(plugins=plugins, directory=tmp_path, store=MemoryStore(), agent=agent) as session:
        await session.submit(ChooseModel(f"cast/{path}"))
        await session.settled()
        yield session


async def said(session: Session, words: str = "go") -> list[str]:
    before = len(session.state.messages)
    await session.submit(Say(words))
    await asyncio.wait_for(session.settled(), 30)
    return [m.text for m in list(session.state.messages)[before:] if m.role == "tool"]


def seen(session: Session) -> list[tuple[str, str, str]]:
    return [(t.id, t.status, t.note) for t in book.tasks(session).values()]


CREATE = calls("task", script='create "Find it"')


@pytest.mark.parametrize(
    ("state", "status"),
    [("done", "done"), ("partial", "blocked"), ("blocked", "blocked"), ("failed", "blocked")],
)
async def test_its_state_follows_the_report(tmp_path: Path, state: str, status: str) -> None:
    go = [CREATE, run(task_id="t1"), {"text": "Told."}]
    async with stage(tmp_path, go=go, look=ends(state)) as session:
        await said(session)
        assert seen(session) == [("T1", status, "general-1: so it is")]
        [child] = [n["session"] for n in session.state.notes["actors"] if n["op"] == "opened"]
        assert book.tasks(session)["T1"].owner == child
        moves = [note["op"] for note in session.state.notes["tasks"]]
        assert moves == ["create", "start", "done" if status == "done" else "block"]
        assert session.last_words() == "Told."


async def test_who_leaves_tasks_of_its_own_has_done_it_in_part(tmp_path: Path) -> None:
    """Sent back twice; what is left then is part of the report (runtime.md 5.4)."""
    own = calls("task", script="create 'The reader'\nstart T1\ncreate 'The writer'\nstart T2\ndone T2 'it writes'")
    look = [own, *ends("done") * 3]
    async with stage(tmp_path, go=[run(), {"text": "Hm."}, {"text": "Told."}], look=look) as session:
        await said(session)
        [note] = [note for note in session.state.notes["actors"] if note["op"] == "ended"]
        assert (note["state"], note["summary"]) == ("partial", "so it is")
        assert note["text"].endswith("It is in a.py.\n\nIncomplete tasks:\nT1 [in_progress] The reader")
        store = await session.host.store()
        [child] = [note["session"] for note in session.state.notes["actors"] if note["op"] == "opened"]
        sent = [m.text for m in replay(store.read(child)).messages if m.origin == "before_stop"]
        assert len(sent) == 2 and all("T1 [in_progress] The reader" in text for text in sent)


async def test_an_order_for_a_task_that_is_not_there_is_refused(tmp_path: Path) -> None:
    async with stage(tmp_path, go=[CREATE, run(task_id="T7"), {"text": "Told."}, {"text": "Told."}]) as session:
        assert (await said(session))[1] == "There is no task 'T7'; there are: T1."
        assert "actors" not in session.state.notes


async def test_what_was_cancelled_is_blocked_and_begins_again_when_it_goes_on(tmp_path: Path) -> None:
    go = [CREATE, run("spawn", task_id="T1"), calls("actor", action="cancel", actor_id="general-1")]
    more = [run(actor_id="general-1", prompt="see it through"), {"text": "Told."}]
    parts = {"go": [*go, *more], "look": [{"hang": True}], "see": ends("done")}
    async with stage(tmp_path, **parts) as session:
        await said(session)
        assert [note["op"] for note in session.state.notes["tasks"]][-2:] == ["start", "done"]
        assert seen(session)[0][1] == "done"


async def test_a_report_does_not_finish_what_its_caller_may_not_finish(tmp_path: Path) -> None:
    crew = Crew()
    crew.denied = "'done'"
    async with stage(tmp_path, crew, go=[CREATE, run(task_id="T1"), {"text": "Told."}], look=ends("done")) as session:
        await said(session)
        assert seen(session) == [("T1", "blocked", "general-1: so it is; not finished: not yours")]


async def test_unfinished_parts_keep_it_from_being_done(tmp_path: Path) -> None:
    create = calls("task", script='create "Find it"\ncreate "Look" --parent T1')
    async with stage(tmp_path, go=[create, run(task_id="T1"), *[{"text": "Told."}] * 2], look=ends("done")) as session:
        await said(session)
        assert [(id, status) for id, status, _ in seen(session)] == [("T1", "blocked"), ("T1.1", "open")]
        assert "T1 has unfinished parts: T1.1" in seen(session)[0][2]


async def test_undo_fork_restart_and_a_new_window_keep_the_tree(tmp_path: Path) -> None:
    go = [CREATE, {"text": "Made."}, {"text": "Made."}]
    work = [run(task_id="T1"), {"text": "Told."}]
    async with stage(tmp_path, go=go, work=work, look=ends("partial"), on=[{"text": "On."}]) as session:
        await said(session)
        before = session.state.seq
        await said(session, "work")
        after = seen(session)
        assert after == [("T1", "blocked", "general-1: so it is")]
        store = await session.host.store()
        again = replay(store.read(session.id))  # what a process sees that opens it later
        assert (
            book.trees.lines(book.trees.tree(again.notes["tasks"]).values())
            == "T1 [blocked] Find it (general-1: so it is)"
        )
        async with session.host.open(fork=session.id) as copy:
            assert seen(copy) == after
        await turn.open_window(session, "it was full")
        await said(session, "on")
        assert session.state.window is not None
        assert "T1 [blocked] Find it" in "\n".join(part.text for part in session.state.window.system)
        assert seen(session) == after
        await session.submit(Rewind(before))
        await session.settled()
        assert [(id, status) for id, status, _ in seen(session)] == [("T1", "open")]
        await session.emit(Noted("actors", {"op": "ended", "id": "general-1", "state": "done"}))  # of what is gone
        assert [(id, status) for id, status, _ in seen(session)] == [("T1", "open")]
