"""Agents that work for an agent: eight at once that go wrong in every way, killed in the middle, gone on with."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mimocode import Say, hookimpl
from mimocode.events import ApprovalAsked, Approve, Noted
from mimocode.host import Host
from mimocode.session import Session
from mimocode_plugins import DEFAULT
from support import cast
from support.cli import Cli
from support.longrun import living

DONE = {"text": "Status: done\nSummary: found\nIt is in a.py."}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def actor(action: str, **arguments: Any) -> dict[str, Any]:
    return call("actor", action=action, **arguments)


def play(path: Path, **parts: list[dict[str, Any]]) -> str:
    """Write the parts and return the model."""
    path.write_text(json.dumps(parts))
    return f"cast/{path}"


class Person:
    """Answers what children ask, once their parent's log says that they do."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    @hookimpl
    async def on_event(self, event: Any, session: Session) -> None:
        if isinstance(event, ApprovalAsked) and session.parent is not None:
            self.seen.append((session.agent.name, event.call.name))
            asyncio.get_running_loop().create_task(self.answer(event, session, session.parent))

    async def answer(self, asked: ApprovalAsked, session: Session, parent: Session) -> None:
        async for entry in parent.host.follow():
            event = entry.event
            if entry.session == parent.id and isinstance(event, Noted) and event.data.get("state") == "asking":
                await session.submit(Approve(asked.call.id, True))
                return


async def test_eight_at_once_of_whom_four_go_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMOCODE_HOME", str(tmp_path / "home"))
    (tmp_path / "home/config").mkdir(parents=True)
    limits = {"beat": 0.05, "stalled": 0.5, "give_up": 2, "loops": 3, "parallel": 8}
    settings = {"actors": limits, "permission": {"doom_loop": "allow", "grep": "ask"}}
    (tmp_path / "home/config/mimocode.json").write_text(json.dumps(settings))
    project = tmp_path / "project"
    project.mkdir()
    (project / "a.py").write_text("a = 1\n")
    look = {"calls": [call("read", file_path="a.py")]}
    parts = ("hang", "circle", "crash", "ask", "one", "two", "three", "four")
    model = play(
        tmp_path / "parts.json",
        go=[{"calls": [actor("run", prompt=f"{name} it", description=name) for name in parts]}, {"text": "All told."}],
        hang=[look, {"hang": True}],
        circle=[{"calls": [call("glob", pattern="*.py")], "again": True}],
        crash=[look, {"crash": "the provider refuses"}],
        ask=[{"calls": [call("grep", pattern="a")]}, DONE],
        **{name: [look, DONE] for name in parts[4:]},
    )
    person = Person()
    host = Host([*DEFAULT, cast, person], directory=project, external=False)
    host.options["budget"] = {"tokens": 100_000}
    try:
        async with host.open(agent="build", model=model) as session:
            await session.submit(Say("go"))
            await asyncio.wait_for(session.settled(), 60)
            assert session.last_words() == "All told."
            notes = session.state.notes["actors"]
    finally:
        host.close()
    ended = {note["id"]: note for note in notes if note["op"] == "ended"}
    told = {note["id"]: note["order"]["description"] for note in notes if note["op"] == "ordered"}
    assert {told[id]: note["state"] for id, note in ended.items()} == {
        "hang": "failed",
        "circle": "failed",
        "crash": "failed",
        **dict.fromkeys(("ask", "one", "two", "three", "four"), "done"),
    }
    why = {told[id]: note.get("why", "") for id, note in ended.items()}
    assert why["hang"] == "it gave no sign of life for 2 s"
    assert why["circle"].startswith("it repeated the same calls with the same results ")
    assert why["crash"] == "the provider refuses"
    seen = {(told[note["id"]], note["state"]) for note in notes if note["op"] == "state"}
    assert {("hang", "stalled"), ("circle", "looping"), ("ask", "asking"), ("one", "running")} <= seen
    assert person.seen == [("general", "grep")]
    spent = sum(note["usage"]["input"] + note["usage"]["output"] for note in ended.values() if note["usage"])
    assert spent < 100 * 110


def until(found: Callable[[], Any], process: subprocess.Popen[bytes]) -> None:
    """Wait for something that the process will cause."""
    late = time.monotonic() + 90
    while not found():
        if process.poll() is not None or time.monotonic() > late:
            process.kill()
            raise AssertionError(b"\n".join(process.communicate()).decode())
        time.sleep(0.01)


@pytest.mark.parametrize("action", ["run", "spawn"])
def test_killed_in_the_middle_children_leave_nothing_behind_and_go_on(cli: Cli, action: str) -> None:
    cli.plugin("cast", Path(str(cast.__file__)).read_text())
    mark = f"actors-{action}-{cli.home}"
    parts = ("look", "seek", "hunt")

    def sleeper(part: str) -> dict[str, Any]:
        return {"calls": [call("bash", command=f"touch begun-{part}; exec -a {mark!r} sleep 300")]}

    model = play(
        cli.home / "parts.json",
        go=[{"calls": [actor(action, prompt=f"{part} for it") for part in parts]}, *[{"text": "Well."}] * 5],
        **{part: [sleeper(part), DONE] for part in parts},
    )
    cli.settings(model=model, actors={"parallel": 3})
    with cli.start("run", "--yolo", "go", MARK=mark) as process:
        until(lambda: all((cli.project / f"begun-{part}").exists() for part in parts), process)
        assert living(mark)
        process.kill()
    late = time.monotonic() + 60
    while living(mark) and time.monotonic() < late:
        time.sleep(0.02)
    assert living(mark) == []
    cut = json.loads(cli("agents", "--json").out)
    assert {each["id"]: each["state"] for each in cut} == {f"general-{n}": "running" for n in (1, 2, 3)}
    again = cli("run", "--yolo", "--continue", "on with it", MARK=mark)
    assert (again.code, again.err.count("Traceback")) == (0, 0), again.err
    over = json.loads(cli("agents", "--json").out)
    assert [(each["session"], each["state"], each["summary"]) for each in over] == [
        (each["session"], "done", "found") for each in cut
    ]
    assert living(mark) == []


def test_cancelled_children_leave_no_process_behind(cli: Cli) -> None:
    cli.plugin("cast", Path(str(cast.__file__)).read_text())
    mark = f"cancelled-{cli.home}"
    command = f"touch begun; setsid sleep 301 & exec -a {mark!r} sleep 300"
    model = play(
        cli.home / "parts.json",
        go=[
            {"calls": [actor("spawn", prompt="look at it")]},
            {"calls": [call("bash", command="until test -e begun; do sleep 0.02; done")]},
            {"calls": [actor("cancel", actor_id="general-1")]},
            {"calls": [call("bash", command=f"pgrep -f '{mark[:20]}' | grep -v $$ | wc -l")]},
            {"text": "Cancelled."},
        ],
        look=[{"calls": [call("bash", command=command)]}],
    )
    cli.settings(model=model)
    done = cli("run", "--yolo", "go", MARK=mark)
    assert (done.code, done.out) == (0, "Cancelled.\n"), done.err
    assert [each["state"] for each in json.loads(cli("agents", "--json").out)] == ["cancelled"]
    assert living(mark) == []


def test_a_command_for_a_subagent_is_handed_to_one(cli: Cli) -> None:
    cli.plugin("cast", Path(str(cast.__file__)).read_text())
    folder = cli.home / ".config/mimocode/commands"
    folder.mkdir(parents=True)
    (folder / "find.md").write_text(
        "---\ndescription: Finds it.\nsubtask: true\nagent: explore\n---\nlook for $ARGUMENTS\n"
    )
    model = play(
        cli.home / "parts.json",
        Hand=[{"calls": [actor("run", subagent_type="explore", prompt="look for it")]}, {"text": "It is in a.py."}],
        look=[DONE],
    )
    cli.settings(model=model)
    done = cli("run", "/find it")
    assert (done.code, done.out) == (0, "It is in a.py.\n"), done.err
    [one] = json.loads(cli("agents", "--json").out)
    assert (one["agent"], one["state"]) == ("explore", "done")


def test_a_workflow_that_is_killed_goes_on_and_does_nothing_twice(cli: Cli) -> None:
    cli.plugin("cast", Path(str(cast.__file__)).read_text())
    mark = f"workflow-{cli.home}"
    assert cli("workflow", "new", "mine", "--description", "Mine.").code == 0
    script = cli.project / ".mimocode/workflows/mine.py"
    script.write_text('def run(args):\n    return [agent("one " + args["text"]), agent("two")]\n')
    counted = {"calls": [call("bash", command="echo x >> counted")]}
    said = {"text": "Status: done\nSummary: one\nfirst"}
    sleeper = {"calls": [call("bash", command="test -e begun || { touch begun; sleep 300; }")]}
    model = play(cli.home / "parts.json", one=[counted, said], two=[sleeper, DONE])
    with cli.start("workflow", "run", "mine", "more", "--yolo", "-m", model, MARK=mark) as process:
        until((cli.project / "begun").exists, process)
        process.kill()
    late = time.monotonic() + 60
    while living(mark) and time.monotonic() < late:
        time.sleep(0.02)
    assert living(mark) == []  # the script's own process ended, too
    again = cli("workflow", "resume", "--yolo", "--json")
    assert (again.code, again.lines[0]["result"]) == (0, ["first", "It is in a.py."]), again.err
    assert (cli.project / "counted").read_text() == "x\n"
    assert [each["state"] for each in json.loads(cli("agents", "--json").out)] == ["done", "cancelled", "done"]


def test_what_a_script_may_not_read_without_a_word_is_refused_where_nobody_can_say_it(cli: Cli) -> None:
    assert cli("workflow", "new", "mine").code == 0
    (cli.project / ".env").write_text("KEY=1\n")
    script = cli.project / ".mimocode/workflows/mine.py"
    script.write_text('def run(args):\n    return [read_file(".env"), exists(".env")]\n')
    cli.settings(model=cli.scenario([{"text": "Hi."}]))
    done = cli("workflow", "run", "mine", "--json")
    assert (done.code, done.lines[0]["result"]) == (0, [None, True]), done.err
    assert "! read was refused: " in done.err
