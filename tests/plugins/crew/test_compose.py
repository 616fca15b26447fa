"""Gates: what counts as evidence, and what is refused without it. The whole path is in tests/stories."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mimocode import Agent, Ruling, Say, ToolCall, Verdict, hookimpl
from mimocode.testing import play, talk
from mimocode_plugins.crew import compose, tasks
from mimocode_plugins.crew.children import worktree
from mimocode_plugins.crew.compose import repository
from mimocode_plugins.crew.compose.guarding import _finished
from mimocode_plugins.crew.compose.ledger import phases
from mimocode_plugins.crew.compose.server import build
from mimocode_plugins.tools import shell
from support.catalogues import catalogue

GATED = Agent("gated", mode="primary", options={"gates": ["spec", "red", "green", "verify"]})


class Yes:
    @hookimpl
    def rule_on_call(self) -> Ruling:
        return Ruling(Verdict.ALLOW)


async def done(directory: Path, *calls: ToolCall, agent: Agent = GATED) -> list[str]:
    """What the tools answered, one call per step."""
    lines: list[Any] = [[call] for call in calls]
    plugins = [tasks, compose, shell, Yes()]
    async with play(*lines, "a", "b", plugins=plugins, directory=directory, agent=agent) as session:
        await session.submit(Say("go"))
        await session.settled()
        return [line.removeprefix("tool: ") for line in talk(session) if line.startswith("tool: ")]


def script(text: str) -> ToolCall:
    return ToolCall("t", "task", {"script": text})


def gate(task: str, **arguments: str) -> ToolCall:
    return ToolCall("g", "gate", {"task": task, **arguments})


START = script('create "spec: x"\ncreate "red: x"\ncreate "green: x"\ncreate "tidy up"\nstart T1\nstart T2\nstart T4')


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (gate("T9"), "T9 stands for no phase; tasks that do begin with spec, red, green, verify: T1, T2, T3."),
        (gate("T4"), "T4 stands for no phase"),
        (gate("T3", command="false"), "T3 is open; start it first."),
        (gate("T2", command="false"), "The gate red comes after spec, which has not been passed."),
        (gate("T1", file="none.md"), "none.md is not there or is empty."),
        (gate("T1", file="../x"), "inside the project"),
        (gate("T1"), "Give in file the path"),
        (script("done T1 'trust me'"), "Denied: T1 is the phase spec, and its gate has not been passed"),
        (ToolCall("t", "task", {"operation": '{"action": "done", "id": "t1"}'}), "Denied: T1 is the phase spec"),
        (ToolCall("b", "bash", {"command": "git merge x"}), "Denied: nothing has been verified"),
        (ToolCall("b", "bash", {"command": "cd a && git -C b push origin main"}), "Denied: nothing has been verified"),
        (ToolCall("b", "bash", {"command": "gh pr create --fill"}), "Denied: nothing has been verified"),
    ],
)
async def test_without_evidence_it_is_refused(call: ToolCall, says: str, tmp_path: Path) -> None:
    assert says in (await done(tmp_path, START, call))[-1]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("no-such-program-at-all", "exit code 127: it did not run to its end"),
        ("kill -9 $$", "it did not run to its end"),
        ("python3 -c 'pass'", "this test does not fail"),
        ("exit 1", "exit 1 proves nothing"),
        ("", "The gate red needs a command."),
    ],
)
async def test_a_red_that_proves_nothing(command: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "spec.md").write_text("spec")
    answers = await done(tmp_path, START, gate("T1", file="spec.md"), gate("T2", command=command))
    assert answers[1].startswith("Passed: T1 spec. spec.md has 1 lines.")
    assert says in answers[2]


async def test_ordinary_tasks_and_other_agents_have_no_gates(tmp_path: Path) -> None:
    assert (await done(tmp_path, START, script("done T4 'tidy'")))[-1] == "T4 [done] tidy up (tidy)"
    plain = Agent("plain", mode="primary")
    said = await done(tmp_path, START, script("done T1 'so'"), gate("T1"), agent=plain)
    assert said[1:] == ["T1 [done] spec: x (so)", "The agent plain has no gates."]


@pytest.mark.parametrize(
    "command", ["git merge-base main HEAD", "git stash push", "git log --merges", "git push-to-nowhere", "echo merge"]
)
async def test_what_only_sounds_like_merging_is_let_through(command: str, tmp_path: Path) -> None:
    [answer] = await done(tmp_path, ToolCall("b", "bash", {"command": command}))
    assert not answer.startswith("Denied")


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ({"operation": {"action": "done", "id": "t1"}}, ["T1"]),
        ({"operation": [{"action": "start", "id": "T1"}, {"operation": "done", "id": "T2"}]}, ["T2"]),
        ({"operation": '{"action": "done", "id": "T3"}'}, ["T3"]),
        ({"operation": "done T4 x"}, ["T4"]),
        ({"script": 'start T1\ntask done T1.2 "x"\ndone "T5" y'}, ["T1.2", "T5"]),
        ({"script": "create 'done T1'"}, []),
    ],
)
def test_every_spelling_of_done_is_seen(arguments: dict[str, Any], ids: Sequence[str]) -> None:
    assert list(_finished(arguments)) == list(ids)


def test_phases_follow_the_log() -> None:
    notes = [
        {"op": "create", "id": "T1", "summary": "Red: x"},
        {"op": "start", "id": "T1"},
        {"op": "rename", "id": "T1", "summary": "other"},
        {"op": "rename", "id": "T1", "summary": "red : y"},
        {"op": "start", "id": "T7"},
    ]
    assert {id: (p.name, p.status) for id, p in phases(notes, ["red"]).items()} == {"T1": ("red", "in_progress")}


async def test_the_catalogue_file_is_the_live_server() -> None:
    file = Path(str(compose.__file__)).with_name("catalogue.json")
    assert file.read_text("utf-8") == await catalogue(build(None))


async def test_who_works_for_a_gated_agent_merges_nothing_either(tmp_path: Path) -> None:
    class Crew:
        @hookimpl
        def register_agents(self) -> list[Agent]:
            return [Agent("worker", mode="subagent")]

    merging = [ToolCall("b", "bash", {"command": "git merge x"})]
    plugins = [tasks, compose, shell, Yes(), Crew()]
    async with play(merging, "ok", plugins=plugins, directory=tmp_path, agent=GATED) as session:
        async with session.host.open(agent="worker", model="script/lines", parent=session) as child:
            await child.submit(Say("go"))
            await child.settled()
            said = talk(child)
    assert said[2].startswith("tool: Denied: nothing has been verified")


@pytest.mark.parametrize(("absolute", "said"), [(False, "belong into `notes/`, "), (True, "/notes/`, ")])
async def test_the_setting_says_where_documents_go(tmp_path: Path, absolute: bool, said: str) -> None:
    (tmp_path / "notes").mkdir()
    for place in (tmp_path / "spec.md", tmp_path / "notes/spec.md"):
        place.write_text("spec")
    lines = [[START], [gate("T1", file="spec.md")], [gate("T1", file="notes/spec.md")], "a", "b"]
    async with play(*lines, plugins=[tasks, compose, shell, Yes()], directory=tmp_path, agent=GATED) as session:
        session.host.settings["compose"] = {"docs": "notes", "docs_absolute": absolute}
        await session.submit(Say("go"))
        await session.settled()
        answers = [line.removeprefix("tool: ") for line in talk(session) if line.startswith("tool: ")]
        assert session.state.window is not None
        opened = "\n".join(part.text for part in session.state.window.system)
    where = f"{tmp_path}/notes, as the setting compose.docs says"
    assert answers[1] == f"Give in file the path of the document, inside {where}."
    assert answers[2].startswith("Passed: T1 spec.")
    assert said in opened


async def test_looking_at_a_repository_runs_nothing_that_it_names(tmp_path: Path) -> None:
    for words in (("init", "-q"), ("config", "core.fsmonitor", f"touch {tmp_path}/ran; false")):
        started = await asyncio.create_subprocess_exec("git", *words, cwd=tmp_path)
        assert await started.wait() == 0
    assert await repository.dirt(tmp_path) == ""
    assert (await worktree.git(tmp_path, "status"))[0] == 0
    assert not (tmp_path / "ran").exists()
