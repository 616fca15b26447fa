"""Six hundred steps in a window of 32,000 tokens: at the end everything that matters is known, or one call away."""

from __future__ import annotations

import json
import random
import signal
import threading
from pathlib import Path

import pytest

from mimocode_plugins.memory.checkpoint.document import SECTIONS, render
from support.cli import Cli
from support.longsession import WINDOW, connect, course, examined
from support.model_server import ModelServer

WRITTEN = {"text": render({section.number: f"- {section.title}: as it was" for section in SECTIONS})}


def parcel(cli: Cli) -> list[dict[str, object]]:
    """The facts of the last session."""
    export = cli("session", "export")
    assert (export.code, export.err) == (0, "")
    return [row["fact"] for row in json.loads(export.out)["facts"]]


def notes(facts: list[dict[str, object]], plugin: str) -> list[dict[str, object]]:
    return [f["data"] for f in facts if f["type"] == "noted" and f["plugin"] == plugin]  # type: ignore[misc]


def agreed(cli: Cli) -> None:
    """The file is what the log says, and nothing is half done."""
    kept = [note for note in notes(parcel(cli), "checkpoint") if "text" in note]
    covers = [note["covers"] for note in kept]
    assert kept and covers == sorted(set(covers))  # type: ignore[type-var]
    folder = cli.home / ".local/share/mimocode/memory/sessions"
    files = [path for path in folder.rglob("*") if path.is_file() and "tasks" not in path.parts]
    assert {path.name for path in files} <= {"checkpoint.md", "notes.md"}
    assert [path.read_text() for path in files if path.name == "checkpoint.md"] == [kept[-1]["text"]]


def story(cli: Cli, steps: int, least: int) -> None:
    made = course(steps, 4, random.Random(7))
    with (
        ModelServer(made.steps, play="sequential") as server,
        ModelServer([WRITTEN] * 999, play="sequential") as writer,
    ):
        connect(cli, server, writer)
        for number, prompt in enumerate(made.prompts):
            done = cli("run", "--yolo", *(["--continue"] if number else []), prompt, timeout=300)
            assert (done.code, done.out.splitlines()[-1]) == (0, f"Part {number + 1} is done.")
        assert [r.refused for r in (*server.requests, *writer.requests) if r.refused] == []
        windows = [note for note in notes(parcel(cli), "window") if "outcome" in note]
        assert len(windows) >= least and {note["outcome"] for note in windows} == {"rebuilt"}
        assert all(note["after"] <= 0.44 * WINDOW and note["after"] < note["before"] for note in windows)  # type: ignore[operator]
        assert len(made.facts) == 40
        assert examined(cli, server, made.facts) == []
    agreed(cli)


def test_a_hundred_and_twenty_steps_and_an_exam(tmp_path: Path) -> None:
    story(Cli(tmp_path), 120, 10)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_six_hundred_steps_and_an_exam(tmp_path: Path) -> None:
    story(Cli(tmp_path), 600, 10)


def killed(cli: Cli, times: int) -> None:
    """Kill the run again and again, each time at another instant, then let it finish and examine it."""
    chance = random.Random(20)
    made = course(600, 1, chance)
    with (
        ModelServer(made.steps, play="sequential") as server,
        ModelServer([WRITTEN] * 999, play="sequential") as writer,
    ):
        connect(cli, server, writer)
        for number in range(times):
            words = ["--continue", "go on"] if number else [made.prompts[0]]
            process = cli.start("run", "--yolo", *words)
            with process:
                seen, wanted = len(server.requests), chance.randrange(1, 12)
                tick = threading.Event()
                while len(server.requests) < seen + wanted and process.poll() is None:
                    tick.wait(0.002)
                tick.wait(chance.uniform(0, 0.06))
                process.send_signal(signal.SIGKILL)
                process.communicate()
            assert len(server.requests) < 600
        reached = str(parcel(cli))
        known = {key: value for key, value in made.facts.items() if value in reached}
        assert len(known) > 10
        assert examined(cli, server, known) == []
        assert [r.refused for r in (*server.requests, *writer.requests) if r.refused] == []
    assert cli("session", "verify").code == 0
    agreed(cli)


@pytest.mark.timeout(120)
def test_a_long_session_that_is_killed_again_and_again(tmp_path: Path) -> None:
    killed(Cli(tmp_path), 8)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_long_session_that_is_killed_fifty_times(tmp_path: Path) -> None:
    killed(Cli(tmp_path), 50)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "step", [{**WRITTEN, "delay": 60}, {"fault": {"status": 500}}, {"fault": {"stall_events": 1}, "text": "x"}]
)
def test_a_bad_writer_holds_nobody_up(tmp_path: Path, step: dict[str, object]) -> None:
    """Slow, failing, or never ending: the process ends soon after its answer, and next time the record is made up."""
    cli, made = Cli(tmp_path), course(32, 1, random.Random(1))
    with ModelServer(made.steps, play="sequential") as server, ModelServer([step] * 99, play="sequential") as writer:
        connect(cli, server, writer)
        done = cli("run", "--yolo", made.prompts[0], timeout=40)
        assert (done.code, done.out.splitlines()[-1], len(server.requests)) == (0, "Part 1 is done.", 33)
        assert writer.requests
        server.script({"text": "Here."})
        assert cli("run", "--continue", "there?").out == "Here.\n"
        kept = [note for note in notes(parcel(cli), "checkpoint") if "text" in note]
        started = [note["started"] for note in notes(parcel(cli), "checkpoint") if "started" in note]
        assert {note["by"] for note in kept} == {"log"} and kept[-1]["covers"] >= max(started)  # type: ignore[operator,type-var]
    agreed(cli)
