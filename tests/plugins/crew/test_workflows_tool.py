"""The tool `workflow`: the agent runs scripts, waits for them, stops them, goes on with them."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mimocode import Agent, Say, ToolCall, hookimpl
from mimocode import hookspecs as on
from mimocode.events import CallFinished, ChooseModel, Interrupt, Noted, Rewind
from mimocode.ports import Ruling, Verdict
from mimocode.session import Session
from mimocode.testing import MemoryStore, play
from mimocode_plugins.crew import actors, workflows
from mimocode_plugins.crew.children.team import team
from mimocode_plugins.crew.workflows import runs
from mimocode_plugins.crew.workflows.engine import new_run
from mimocode_plugins.guard import permission
from mimocode_plugins.tools import files, search, shell
from support import cast
from support.catalogues import build
from support.cli import Cli

DONE = [{"text": "Status: done\nSummary: said\nfine"}]


def wf(action: str, **arguments: Any) -> dict[str, Any]:
    return {"calls": [{"name": "workflow", "arguments": {"action": action, **arguments}}]}


def script(*lines: str) -> str:
    return "def run(args):\n" + "".join(f"    {line}\n" for line in lines)


class Crew:
    """Somebody who does the work; the rules allow what agents do not forbid."""

    @hookimpl
    def register_agents(self) -> list[Agent]:
        closed = {"permission": {"edit": "deny"}}
        return [Agent("general", mode="subagent", prompt="general"), Agent("looker", mode="subagent", options=closed)]


@asynccontextmanager
async def stage(project: Path, store: MemoryStore | None = None, id: str = "", **parts: Any) -> AsyncIterator[Session]:
    """A session whose agents play these parts."""
    path = project / "parts.json"
    path.write_text(json.dumps(parts))
    plugins = [cast, Crew(), actors, workflows, permission, files, search, shell]
    agent = Agent("build", mode="primary")
    async with play(plugins=plugins, directory=project, store=store, session_id=id, agent=agent) as session:
        session.host.trusted = True
        await session.submit(ChooseModel(f"cast/{path}"))
        await session.settled()
        yield session


async def said(session: Session, words: str) -> list[str]:
    """What the tool answered in this turn."""
    before = len(session.state.messages)
    await session.submit(Say(words))
    await asyncio.wait_for(session.settled(), 60)
    return [m.text for m in list(session.state.messages)[before:] if m.role == "tool"]


async def test_the_agent_runs_a_script_of_its_own_and_reads_its_result(tmp_path: Path) -> None:
    source = script("phase('ask')", "log('so far')", "return [agent('one thing'), args['text']]")
    go = [wf("run", script=source, args={"text": "hello"}), wf("status"), {"text": "Told."}]
    async with stage(tmp_path, go=go, one=DONE) as session:
        ran, listed = await said(session, "go")
        assert session.last_words() == "Told."
        [id] = [word for word in ran.split() if word.startswith("wf_")]
        assert ran == f'The workflow {id} ended: done.\n[\n "fine",\n "hello"\n]'
        assert listed == f"{id} inline [done], phase ask, agents: 1 done, 0 failed"
        seen = runs.transcript(runs.journal(session, id))
        assert seen == "phase: ask\nlog: so far\nagent: ask: fine\nended: done"


async def test_in_the_background_the_conversation_is_told_and_can_wait(tmp_path: Path) -> None:
    source = script("return agent('one thing')")
    go = [wf("run", script=source, **{"async": True}), wf("wait"), wf("wait"), {"text": "Told."}]
    async with stage(tmp_path, go=go, one=DONE) as session:
        begun, ended, nothing = await said(session, "go")
        assert begun.endswith("works in the background; you are told when it is over.")
        assert ended.endswith("ended: done.\nfine")
        assert nothing == "Nothing is at work."
        assert [m.text for m in session.state.messages if m.origin == runs.ORIGIN] == []
    go = [wf("run", script=source, **{"async": True}), {"text": "Begun."}]
    parts = {"go": go, "one": [{**DONE[0], "delay": 0.2}], "<workflow>": [*go, {"text": "It said fine."}]}
    async with stage(tmp_path, **parts) as session:
        heard = asyncio.create_task(until_told(session))
        await said(session, "go")
        assert "ended: done.\nfine" in await asyncio.wait_for(heard, 60)


async def until_told(session: Session) -> str:
    async for entry in session.follow():
        message = getattr(entry.event, "message", None)
        if message is not None and message.origin == runs.ORIGIN:
            return str(message.text)
    return ""


async def test_headless_the_agent_does_not_stop_before_its_runs(tmp_path: Path) -> None:
    go = [
        wf("run", script=script("return agent('one thing')"), **{"async": True}),
        {"text": "Begun."},
        {"text": "It is fine."},
    ]
    async with stage(tmp_path, go=go, one=[{**DONE[0], "delay": 0.2}]) as session:
        session.host.options["headless"] = True
        await said(session, "go")
        assert session.last_words() == "It is fine."
        assert not runs.running(session)


def test_a_command_line_ends_when_the_workflow_does_that_it_was_given(cli: Cli) -> None:
    place = cli.project / ".mimocode/workflows"
    place.mkdir(parents=True)
    (place / "mine.py").write_text(script("return 'forty-two ' + args['text']"))
    model = cli.scenario([{"text": "It is at work."}, {"text": "It found it."}])
    done = cli("run", "--trust", "-m", model, "/workflow mine apples")
    assert (done.code, done.out) == (0, "It found it.\n"), done.err
    assert "ended: done. forty-two apples" in done.err
    assert "mine  done  0 agents\n" in cli("workflow", "list").out
    nothing = cli("run", "--continue", "-m", model, "/workflow nothing")
    assert (nothing.code, nothing.out) == (1, ""), "neither a success nor the answer of the turn before"
    assert "there is no workflow 'nothing'" in nothing.err
    listed = cli("run", "--continue", "-m", model, "/workflow")
    assert (listed.code, listed.out) == (0, "")
    (place / "mine.py").write_text(script("return [agent('a'), agent('b')]"))
    broken = cli.scenario([{"text": "Status: failed\nSummary: no\nNo."}])
    cli("workflow", "run", "mine", "-m", broken, "--json")
    assert "mine  done  0 agents, 2 failed\n" in cli("workflow", "list").out


async def test_cancelled_and_resumed_it_does_nothing_twice(tmp_path: Path) -> None:
    source = script("return [agent('one thing'), agent('two things')]")
    async with stage(tmp_path, one=DONE, two=[{"hang": True}]) as session:
        work = runs.begin(new_run(session, "", {}, script=source), session, background=True)
        while not any("key" in line for line in work.run.journal.lines):  # noqa: ASYNC110  it waits for a process
            await asyncio.sleep(0.01)
        assert await runs.stop(session) == [work.run.id]
        id = work.run.id
        assert runs.overview(runs.journal(session, id), session)["state"] == "cancelled"
    go = [wf("resume", id=id), wf("cancel", id=id), wf("cancel", id="wf_none"), {"text": "Told."}]
    async with stage(tmp_path, go=go, two=DONE) as session:
        resumed, late, unknown = await said(session, "go")
    assert resumed.endswith('[\n "fine",\n "fine"\n]')
    assert late == "It is not at work."
    assert unknown.startswith("There is no run 'wf_none'")


async def test_an_interruption_stops_what_is_waited_for_and_not_the_background(tmp_path: Path) -> None:
    source = script("return agent('two things')")
    go = [wf("run", script=source, **{"async": True}), wf("run", script=source), {"text": "Never."}]
    async with stage(tmp_path, go=go, two=[{"hang": True}]) as session:
        await session.submit(Say("go"))
        while len(runs.running(session)) < 2:  # noqa: ASYNC110  it waits for processes
            await asyncio.sleep(0.01)
        waited = next(work for work in runs.running(session).values() if not work.background)
        await session.submit(Interrupt())
        await asyncio.wait_for(asyncio.wait({waited.task}), 30)
        await asyncio.wait_for(session.settled(), 30)
        [left] = runs.running(session).values()
        assert (left.background, left.task.done()) == (True, False)
        await session.submit(Rewind(0))
        await asyncio.wait_for(asyncio.wait({left.task}), 30)
        assert runs.running(session) == {}


async def test_an_interruption_while_waiting_for_the_background_leaves_it_at_work(tmp_path: Path) -> None:
    source = script("return agent('two things')")
    go = [wf("run", script=source, **{"async": True}), wf("wait"), {"text": "Never."}]
    async with stage(tmp_path, go=go, two=[{"hang": True}]) as session:
        await session.submit(Say("go"))
        while not any(work.awaited for work in runs.running(session).values()):  # noqa: ASYNC110  it waits for the turn
            await asyncio.sleep(0.01)
        await session.submit(Interrupt())
        await asyncio.wait_for(session.settled(), 30)
        [left] = runs.running(session).values()
        assert (left.background, left.awaited, left.stopped) == (True, 0, False)


async def test_after_a_restart_the_agent_hears_what_was_cut_off(tmp_path: Path) -> None:
    store = MemoryStore()
    async with stage(tmp_path, store, hi=[{"text": "Hi."}]) as session:
        await said(session, "hi")
        await session.emit(Noted("workflow", {"run": "wf_1", "op": "began", "name": "review"}))
        old = session.id
    async with stage(tmp_path, store, old, on=[{"text": "On."}], hi=[]) as session:
        await said(session, "on with it")
        told = [m.text for m in session.state.messages if m.origin == runs.ORIGIN]
        assert told == ["Cut off with you: the workflow review (wf_1). `resume` goes on where it was."]


async def test_the_permissions_of_a_workflow_tighten_and_never_loosen(tmp_path: Path) -> None:
    meta = 'META = {"permissions": {"edit": {"*": "deny", "docs/*": "allow"}}}\n'
    source = meta + script("return [agent('in docs'), agent('out of docs'), agent('closed', agent='looker')]")
    write = lambda path: {"calls": [{"name": "write", "arguments": {"file_path": path, "content": "x"}}]}  # noqa: E731
    parts = {
        "go": [wf("run", script=source), {"text": "Told."}],
        "in": [write("docs/a.md"), *DONE],
        "out": [write("a.md"), *DONE],
        "closed": [write("docs/b.md"), *DONE],
    }
    async with stage(tmp_path, **parts) as session:
        await said(session, "go")
    assert list(tmp_path.rglob("*.md")) == [tmp_path / "docs/a.md"]  # noqa: ASYNC240


async def test_rules_speak_about_workflows_by_name(tmp_path: Path) -> None:
    async with stage(tmp_path) as session:
        session.agent = Agent("build", options={"permission": {"workflow": {"*": "deny", "review": "allow"}}})

        async def verdict(**arguments: Any) -> Verdict:
            call = ToolCall("1", "workflow", arguments)
            rulings: list[Ruling] = await session.hooks.collect(on.rule_on_call, call=call, session=session)
            return max(ruling.verdict for ruling in rulings)

        assert await verdict(action="run", name="review") is Verdict.ALLOW
        assert await verdict(action="run", name="team") is Verdict.DENY
        assert await verdict(action="run", script="def run(args): pass") is Verdict.DENY


async def test_a_workspace_is_a_folder_of_the_project_for_script_and_agents(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part/a.txt").write_text("inner")
    look = [{"calls": [{"name": "read", "arguments": {"file_path": "a.txt"}}]}, *DONE]
    source = script("return [find_files('*'), read_file('a.txt'), agent('look at it')]")
    go = [wf("run", script=source, workspace="part"), wf("run", script=source, workspace=".."), {"text": "Told."}]
    async with stage(tmp_path, go=go, look=look) as session:
        ran, outside = await said(session, "go")
        assert json.loads(ran.partition("\n")[2]) == [["a.txt"], "inner", "fine"]
        assert outside == ".. lies outside of the project"
        [child] = [actor["session"] for actor in session.state.notes["actors"] if actor["op"] == "opened"]
        facts = [entry.event for entry in (await session.host.store()).read(child)]
        results = [fact.content[0].text for fact in facts if isinstance(fact, CallFinished)]
        assert "inner" in results[0]


async def test_what_came_with_an_untrusted_project_only_the_user_starts(tmp_path: Path) -> None:
    place = tmp_path / ".mimocode/workflows"
    place.mkdir(parents=True)
    (place / "theirs.py").write_text(script("return 1"))
    go = [wf("list"), wf("run", name="theirs"), {"text": "Told."}]
    async with stage(tmp_path, go=go) as session:
        session.host.trusted = False
        listed, refused = await said(session, "go")
        assert "theirs" not in listed
        assert refused.startswith("theirs came with a project that the user has not trusted")
        session.host.trusted = True
        listed, ran = await said(session, "go")
        assert "theirs: " in listed and ran.endswith("ended: done.\n1")


async def test_what_agents_do_in_worktrees_is_merged_one_after_the_other(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    (project / "a.txt").write_text("one\n")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "begin"]):
        subprocess.run([*git, *command], cwd=project, check=True)  # noqa: ASYNC221
    source = script(
        "def apart(words, merge):",
        "    return lambda: agent(words, isolation='worktree', merge=merge, label=words)",
        "return parallel([apart('left', True), apart('right', True), apart('clash', True), apart('kept', False)])",
    )

    def edits(command: str) -> list[dict[str, Any]]:
        return [{"calls": [{"name": "bash", "arguments": {"command": command}}]}, *DONE]

    parts = {
        "go": [wf("run", script=source), {"text": "Told."}],
        "left": edits("echo left > left.txt"),
        "right": edits("echo right > right.txt"),
        "clash": edits("echo other > a.txt; echo left, too > left.txt"),
        "kept": edits("echo kept > kept.txt"),
    }
    async with stage(project, **parts) as session:
        [ran] = await said(session, "go")
        values = json.loads(ran.partition("\n")[2])
        assert (values[1], values[3], sorted([values[0] or "", values[2] or ""])) == ("fine", "fine", ["", "fine"])
        places = {a.order.description: bool(a.place) for a in team(session).actors.values()}
    assert (project / "right.txt").read_text() == "right\n"
    assert (project / "left.txt").exists() and not (project / "kept.txt").exists()
    assert (places["right"], places["kept"], places["left"] + places["clash"]) == (False, True, 1)


async def test_an_agent_that_rules_forbid_is_not_sent_by_a_script_either(tmp_path: Path) -> None:
    source = script("return agent('one thing', agent='looker')")
    async with stage(tmp_path, go=[wf("run", script=source), {"text": "Told."}]) as session:
        session.agent = Agent("build", mode="primary", options={"permission": {"actor": {"looker": "deny"}}})
        [ran] = await said(session, "go")
        assert 'ended: failed. inline, line 2: the agent looker may not be sent: actor "looker" is denied' in ran
        assert "actors" not in session.state.notes


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"action": "run"}, "Give either the name of a workflow or a script."),
        ({"action": "run", "name": "none"}, "there is no workflow 'none'"),
        ({"action": "run", "script": "import os"}, "inline, line 1: a workflow has no import"),
        ({"action": "run", "script": "META = {'permissions': 'no'}\ndef run(args): pass"}, "permissions: write it as"),
        ({"action": "run", "script": "META = {'permissions': {'edit': 'no'}}\ndef run(a): pass"}, "edit is 'no': say"),
        ({"action": "resume"}, "Say in id which run"),
        ({"action": "dance"}, "action is one of run, list, status, wait, cancel, resume."),
        ({"action": "status", "id": "../x"}, "There is no run '../x'"),
    ],
)
async def test_what_is_refused(tmp_path: Path, arguments: dict[str, Any], why: str) -> None:
    go = [{"calls": [{"name": "workflow", "arguments": arguments}]}, {"text": "Told."}]
    async with stage(tmp_path, go=go) as session:
        [answer] = await said(session, "go")
    assert why in answer


async def test_the_tool_waits_until_it_is_looked_for_and_is_not_offered_too_deep(tmp_path: Path) -> None:
    [tool] = json.loads((Path(str(workflows.__file__)).with_name("catalogue.json")).read_text())
    assert tool["meta"]["mimocode"]["deferred"] is True
    async with stage(tmp_path, sub=DONE) as session:
        assert "workflow" in session.toolbox.specs
        async with session.host.open(parent=session) as child, session.host.open(parent=child) as deep:
            assert ("workflow" in child.toolbox.specs, "workflow" in deep.toolbox.specs) == (True, False)
    assert build("crew.workflows").name == "workflows"
