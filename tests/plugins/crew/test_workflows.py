"""Workflows: scripts that can do nothing by themselves, runs that go on where they were cut off."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mimocode import Agent, Ruling, Verdict, hookimpl
from mimocode.errors import UsageError
from mimocode.events import ChooseModel
from mimocode.session import Session
from mimocode.testing import play
from mimocode_plugins.crew import actors, workflows
from mimocode_plugins.crew.workflows.engine import Outcome, new_run, old_run
from mimocode_plugins.crew.workflows.journal import Journal, find, latest
from mimocode_plugins.crew.workflows.screening import screened
from mimocode_plugins.crew.workflows.sources import workflows as known
from mimocode_plugins.tools import files
from support import cast

SHIPPED = Path(str(workflows.__file__)).with_name("shipped")


class Crew:
    """Everybody whom shipped workflows name, and nobody who minds."""

    @hookimpl
    def register_agents(self) -> list[Agent]:
        names = ("general", "explore", "coder", "tester", "reviewer", "verifier")
        return [Agent(name, mode="subagent", prompt=name) for name in names]

    @hookimpl
    def rule_on_call(self) -> Ruling:
        return Ruling(Verdict.ALLOW)


def says(text: str) -> list[dict[str, Any]]:
    return [{"text": f"Status: done\nSummary: said\n{text}"}]


def typed(value: Any) -> list[dict[str, Any]]:
    return [{"text": json.dumps(value)}]


def write(project: Path, body: str, name: str = "mine") -> str:
    """A workflow of the project."""
    place = project / ".mimocode/workflows"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{name}.py").write_text("def run(args):\n" + "".join(f"    {line}\n" for line in body.splitlines()))
    return name


@asynccontextmanager
async def stage(project: Path, **parts: list[dict[str, Any]]) -> AsyncIterator[Session]:
    """A session whose agents play these parts."""
    script = project / "parts.json"
    script.write_text(json.dumps(parts))
    plugins = [cast, Crew(), actors, workflows, files]
    async with play(plugins=plugins, directory=project, agent=Agent("build", mode="primary")) as session:
        session.host.trusted = True
        await session.submit(ChooseModel(f"cast/{script}"))
        await session.settled()
        yield session


async def ran(project: Path, body: str, args: dict[str, Any] | None = None, **parts: list[dict[str, Any]]) -> Outcome:
    async with stage(project, **parts) as session:
        return await new_run(session, write(project, body), args or {}).work()


async def test_a_script_puts_agents_to_work(tmp_path: Path) -> None:
    body = """
phase("look")
both = parallel([lambda: agent("one thing", agent="explore"), lambda: agent("two things", schema=args["schema"])])
phase("tell")
log("found", len(both))
through = pipeline(["one", "three"], lambda word: agent(word + " more"), lambda text: (text or "nothing").upper())
same = [readFile("a.txt") == read_file("a.txt"), glob("*.txt") == find_files("*.txt"), exists("a.txt"), exists("b.txt")]
return {"both": both, "through": through, "n": sum([1, 2]), "file": read_file("a.txt"), "files": find_files("*.txt"), "same": same}
"""
    (tmp_path / "a.txt").write_text("hello\n")
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    parts = {"one": says("the first"), "two": typed({"n": 2}), "three": [{"crash": "no"}]}
    outcome = await ran(tmp_path, body, {"schema": schema}, **parts)
    assert outcome == Outcome(
        "done",
        {
            "both": ["the first", {"n": 2}],
            "through": ["THE FIRST", "NOTHING"],
            "n": 3,
            "file": "hello\n",
            "files": ["a.txt"],
            "same": [True, True, True, False],
        },
    )


async def test_a_run_that_was_cut_off_goes_on_and_does_nothing_twice(tmp_path: Path) -> None:
    body = 'first = [agent("one thing"), agent("one thing")]\nreturn first + [agent("two things")]'
    async with stage(tmp_path, one=says("first"), two=[{"hang": True}]) as session:
        run = new_run(session, write(tmp_path, body), {})
        work = asyncio.create_task(run.work())
        while sum("key" in line for line in run.journal.lines) < 2:  # noqa: ASYNC110  it waits for processes
            await asyncio.sleep(0.01)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        path = run.journal.path
    with path.open("a") as file:
        file.write('{"key": "half a li')
    async with stage(tmp_path, two=says("second")) as session:
        again = old_run(session, Journal(path))
        assert await again.work() == Outcome("done", ["first", "first", "second"])
        assert [each.head["run"] for each in latest(session.host)] == [again.id]
        with pytest.raises(UsageError, match="there is no run to go on with"):
            find(session.host, "")


async def test_a_changed_script_begins_anew(tmp_path: Path) -> None:
    async with stage(tmp_path, one=says("first")) as session:
        run = new_run(session, write(tmp_path, 'return agent("one thing")'), {})
        assert (await run.work()).value == "first"
        write(tmp_path, 'return agent("one thing") + "!"')
    async with stage(tmp_path, one=says("second")) as session:
        assert (await old_run(session, Journal(run.journal.path)).work()).value == "second!"


async def test_graphs_and_workflows_in_workflows(tmp_path: Path) -> None:
    write(tmp_path, 'return "inner " + args["text"]', "inner")
    body = """
nodes = [{"id": "c", "needs": ["a", "b"]}, {"id": "a"}, {"id": "b", "needs": ["a"]}]
graph = dag(nodes, lambda node, before: node["id"] + str(sorted(before)))
return [graph, workflow("inner", {"text": "x"})]
"""
    outcome = await ran(tmp_path, body)
    graph = [{"id": "c", "result": "c['a', 'b']"}, {"id": "a", "result": "a[]"}, {"id": "b", "result": "b['a']"}]
    assert outcome == Outcome("done", [graph, "inner x"])


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("return workflow('mine')", "workflows call each other in a circle: mine -> mine"),
        ("return workflow('none')", "there is no workflow 'none'"),
        ("return dag([{'id': 'a', 'needs': ['b']}], len)", "dag: ids are not unique, or unknown: ['b']"),
        ("return agent('x', agent='nobody')", "there is no agent 'nobody'"),
        ("return agent('x', speed=1)", "mine, line 2: TypeError: agent() has no option speed"),
        ("return agent('x', schema={'type': 'odd'})", "the schema of 'x' is none"),
        ("return 1 / 0", "mine, line 2: ZeroDivisionError: division by zero"),
        ("return read_file('../x')", "../x lies outside of the project"),
        ("return [0] * 10 ** 9", "the script ran out of memory"),
        ("return open('/etc/passwd')", "mine, line 2: NameError: name 'open' is not defined"),
        ("return agent(set)", None),
    ],
)
async def test_what_ends_a_run(tmp_path: Path, body: str, why: str | None) -> None:
    outcome = await ran(tmp_path, body)
    if why is None:
        assert outcome == Outcome("done", None)  # an agent that fails is no mistake of the script
    else:
        assert (outcome.state, why in outcome.why) == ("failed", True), outcome.why


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "return ().__class__",
        "return run.__globals__",
        "return agent.gi_frame",
        "return '{0.__class__}'.format(1)",
        "return __builtins__",
        "return __import__('os')",
        "class A: pass",
        "return [x for x in ()].__init__",
        "return args.f_back",
        "async def f(): pass",
        "match args:\n        case dict(__class__=x): return x",
        "def f(__x): return 1",
        "return dict(__class__=1)",
        "try:\n        pass\n    except Exception as __e:\n        pass",
        "with agent('x') as y: pass",
    ],
)
def test_what_a_script_may_not_contain(line: str) -> None:
    with pytest.raises(UsageError, match=r"x, line \d+: a workflow has no "):
        screened(f"def run(args):\n    {line}\n", "x")


def test_what_is_no_workflow() -> None:
    for source, why in {
        "def run(": "is not Python",
        "x = 1": "has no function `run",
        "def run():\n    pass": "has no function `run",
        "META = {'phases': len}\ndef run(args):\n    pass": "META is not plain data",
    }.items():
        with pytest.raises(UsageError, match=why):
            screened(source, "x")


def test_the_process_can_open_nothing_even_if_a_script_got_out(tmp_path: Path) -> None:
    from mimocode_plugins.crew.workflows import engine

    probe = tmp_path / "probe.py"
    source = engine.RUNNER.read_text()
    attempts = """
def attempt():
    import _socket, posix
    found = []
    for name, what in (("socket", lambda: _socket.socket()), ("open", lambda: open("/etc/passwd")),
                       ("write", lambda: open("/tmp/x-never", "w"))):
        try:
            what()
            found.append(name)
        except OSError as error:
            found.append(error.errno)
    return found

"""
    probe.write_text(
        source.replace("def main()", attempts + "def main()").replace(
            "value = execute(order", "value = attempt() if order['args'] else execute(order"
        )
    )
    order = json.dumps({"source": "", "name": "x", "args": {"go": 1}, "memory": 256, "cpu": 10}) + "\n"
    started = f"import _socket, runpy; runpy.run_path({str(probe)!r}, run_name='__main__')"
    with subprocess.Popen(
        [sys.executable, "-c", started], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(order)
        process.stdin.flush()  # the pipe stays open: when it closes the process ends
        out = process.stdout.read()
    told = [json.loads(line) for line in out.splitlines()]
    assert told == [{"do": "end", "value": [24, 24, 24]}]  # EMFILE


async def test_an_untrusted_project_takes_no_names_and_chooses_no_models(tmp_path: Path) -> None:
    async with stage(tmp_path, one=says("first")) as session:
        write(tmp_path, 'return agent("one thing")')
        write(tmp_path, 'return agent("one thing", model="dear/one")', "dear")
        write(tmp_path, "return 1", "team")
        session.host.trusted = False
        assert (await new_run(session, "mine", {}).work()).value == "first"
        dear = await new_run(session, "dear", {}).work()
        assert "came with a project that you have not trusted, and chooses a model" in dear.why
        assert known(session.host)["team"].origin == "shipped"
        session.host.trusted = True
        assert known(session.host)["team"].origin == "project"


def test_those_that_are_shipped_are_in_order() -> None:
    names = {path.stem for path in SHIPPED.glob("*.py")}
    assert names == {"compose", "deep-research", "fact-check", "review", "team"}
    for path in SHIPPED.glob("*.py"):
        meta = screened(path.read_text(), path.stem)
        assert meta.description
        phases = {
            node.args[0].value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
            and getattr(node.func, "id", "") == "phase"
            and isinstance(node.args[0], ast.Constant)
        }
        assert phases <= set(meta.phases)


CODED = {"summary": "did it", "files": ["a.py"]}
FINE = {"ok": True, "evidence": "ran it", "findings": []}


async def shipped(project: Path, name: str, args: dict[str, Any], **parts: list[dict[str, Any]]) -> Any:
    async with stage(project, **parts) as session:
        assert known(session.host)[name].origin == "shipped"
        outcome = await new_run(session, name, args).work()
        assert outcome.state == "done", outcome.why
        return outcome.value


async def test_a_team_goes_around_until_all_agree_and_keeps_what_they_disagreed_on(tmp_path: Path) -> None:
    finding = {"id": "f1", "severity": "major", "what": "no test for zero"}
    doubt = CODED | {"disagreements": [{"id": "f1", "why": "zero cannot come here"}]}
    bad = {"ok": False, "evidence": "read it", "findings": [finding]}
    parts = {
        "Make": typed(CODED),
        "Test": typed(FINE),
        "Review": typed(bad),
        "Find": typed(FINE),
    }
    value = await shipped(tmp_path, "team", {"text": "double it", "rounds": 2}, **parts)
    assert (value["state"], value["rounds"], value["open"]) == ("unresolved", 2, [finding])
    assert [each["role"] for each in value["history"]] == ["tester", "reviewer"] * 2
    parts = {"Make": typed(doubt), "Test": typed(FINE), "Review": typed(FINE), "Find": typed(FINE)}
    value = await shipped(tmp_path, "team", {"text": "double it"}, **parts)
    assert (value["state"], value["rounds"]) == ("agreed", 1)
    assert value["disagreements"] == [{"round": 1, "id": "f1", "why": "zero cannot come here"}]


async def test_a_review_reports_what_a_second_look_confirms(tmp_path: Path) -> None:
    found = {"findings": [{"where": "a.py:1", "what": "wrong", "how": "run it"}]}
    verdict = {"real": True, "why": "seen"}
    parts = {"Review": typed(found), "Try": typed(verdict), "Write": says("a.py:1 is wrong")}
    assert await shipped(tmp_path, "review", {"text": "HEAD"}, **parts) == "a.py:1 is wrong"


async def test_a_fact_falls_by_two_judges(tmp_path: Path) -> None:
    parts = {"List": typed({"facts": ["water is dry"]}), "Is": typed({"holds": "no", "evidence": "it is wet"})}
    value = await shipped(tmp_path, "fact-check", {"text": "Water is dry. " * 30}, **parts)
    assert value == [{"fact": "water is dry", "state": "refuted", "evidence": ["it is wet"] * 3}]


async def test_research_is_written_from_notes_and_its_citations_are_checked(tmp_path: Path) -> None:
    parts = {
        "Name": typed({"angles": ["history"]}),
        "Research": typed({"notes": "it began in 1970", "sources": ["a book"]}),
        "What": typed({"angles": []}),
        "Answer": says("In 1970 (a book)."),
        "Check": typed({"wrong": []}),
    }
    value = await shipped(tmp_path, "deep-research", {"text": "When did it begin?"}, **parts)
    assert value == {"answer": "In 1970 (a book).", "doubtful": []}


async def test_composing_goes_from_a_design_to_an_agreement(tmp_path: Path) -> None:
    parts = {
        "Design": says("one function"),
        "Split": typed({"tasks": [{"id": "t1", "task": "write it"}], "check": "make test"}),
        "Do": says("written"),
        "Run": typed({"ok": True, "why": "green"}),
        "Review": typed({"ok": True, "why": "fine"}),
    }
    value = await shipped(tmp_path, "compose", {"text": "add a function"}, **parts)
    assert (value["state"], value["tasks"]) == ("agreed", [{"id": "t1", "result": "written"}])


async def test_in_a_conversation_a_team_works_in_the_background(tmp_path: Path) -> None:
    parts = {"Make": typed(CODED), "Test": typed(FINE), "Review": typed(FINE), "Find": typed(FINE)}
    async with stage(tmp_path, **parts, **{"/team": [{"text": "They agreed."}]}) as session:
        command = (await session.host.commands())["team"]
        await command.run("double it", session)
        ended = asyncio.Event()

        class Listener:
            async def listen(self) -> None:
                async for entry in session.follow():
                    if getattr(entry.event, "reason", "") in ("done", "failed"):
                        ended.set()

        listening = asyncio.create_task(Listener().listen())
        await asyncio.wait_for(ended.wait(), 60)
        listening.cancel()
        told = [m.text for m in session.state.messages if m.origin == "workflow"]
    assert "ended: done." in told[0]
    assert '"state": "agreed"' in told[0]


async def test_a_slash_command_says_what_is_wrong(tmp_path: Path) -> None:
    async with stage(tmp_path) as session:
        command = (await session.host.commands())["workflow"]
        heard: list[str] = []

        async def listen() -> None:
            async for entry in session.follow():
                heard.append(getattr(entry.event, "text", ""))

        listening = asyncio.create_task(listen())
        await asyncio.sleep(0)
        for words in ("", "cancel"):
            await command.run(words, session)
        for words, why in (("nothing", "there is no workflow 'nothing'"), ("resume", "there is no run to go on with")):
            with pytest.raises(UsageError, match=why):
                await command.run(words, session)
        with pytest.raises(UsageError, match="say what is to be changed: /team <change>"):
            await (await session.host.commands())["team"].run("", session)
        await asyncio.sleep(0)
        listening.cancel()
        assert list(session.state.messages) == []
    assert [line.partition(";")[0].partition(",")[0] for line in heard if line] == ["There is compose", "Stopped"]
