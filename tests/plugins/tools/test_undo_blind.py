"""What commands change where nobody looks: covered as far as it goes, and named where it does not."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from mimocode.events import Notice, Pulse, Say
from mimocode.hookspecs import hookimpl
from mimocode.messages import ToolCall
from mimocode.session import Session
from mimocode.testing import play
from mimocode_plugins.crew import commands
from mimocode_plugins.tools import files, shell, undo
from mimocode_plugins.tools.undo import tree as looking
from support.cli import Cli


class Ears:
    """Collects what the user is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl
    async def on_event(self, event: Pulse) -> None:
        if isinstance(event, Notice):
            self.heard.append(event.text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository whose files are older than what happens in the test."""
    for name, text in {
        ".gitignore": "dist/\nnode_modules/\n.env\n",
        "a.txt": "a\n",
        "dist/app.js": "built\n",
        ".env": "KEY=1\n",
        "node_modules/left/index.js": "left\n",
        "node_modules/right/index.js": "right\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".gitignore", "a.txt")
    git(tmp_path, "commit", "-qm", "begin")
    pass_until(int(time.time()) + 1.2)  # git's log counts in seconds
    return tmp_path


def pass_until(moment: float) -> None:
    """Times of files are what tells: what is there already has to be older than what follows."""
    while time.time() < moment:
        os.sched_yield()


def git(project: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b", *words], cwd=project, check=True)


async def told(project: Path, command: str, *slashes: str) -> list[str]:
    """What the user hears of taking back a turn with this command."""
    ears = Ears()
    call = ToolCall("1", "bash", {"command": command})
    async with play([call], "Done.", plugins=[files, shell, commands, undo, ears], directory=project) as session:
        await _say(session, "work", *slashes)
        assert session.host.options["complaints"] == []
    return [line for text in ears.heard for line in text.splitlines()]


async def _say(session: Session, *words: str) -> None:
    for text in words:
        await session.submit(Say(text))
        await session.settled()


async def test_what_git_ignores_comes_back(project: Path) -> None:
    lines = await told(project, "echo x > dist/app.js; echo KEY=2 > .env; echo n > dist/new.js; rm a.txt", "/undo")
    assert lines[1:-1] == ["M .env  +1 -1", "A a.txt  +1 -0", "M dist/app.js  +1 -1", "D dist/new.js  +0 -1"]
    assert (project / "dist/app.js").read_text() == "built\n"
    assert (project / ".env").read_text() == "KEY=1\n"
    assert not (project / "dist/new.js").exists()


async def test_dependencies_and_history_are_named_in_the_preview_and_in_the_answer(project: Path) -> None:
    command = (
        "cd node_*/left; for n in index more; do echo x > $n.js; done; cd ../..; echo b > a.txt; "
        "git -c user.name=A -c user.email=a@b commit -qam two"
    )
    lines = await told(project, command, "/undo preview", "/undo")
    stays = [
        "? node_modules  stays as it is: 2 files: changed since, and its old content is not kept",
        "? .git  stays as it is: commits and branches are not taken back (1 since)",
    ]
    assert [line for line in lines if line.startswith("?")] == stays * 2
    assert (project / "a.txt").read_text() == "a\n"


async def test_what_is_gone_from_dependencies_is_named(project: Path) -> None:
    lines = await told(project, "rm node_modules/left/index.js", "/undo")
    assert [line for line in lines if line.startswith("?")] == []  # named in the command, so it comes back
    assert "A node_modules/left/index.js  +1 -0" in lines
    lines = await told(project, "cd node_*/right; unlink ind*", "/undo preview")
    assert [line.partition("  ")[0] for line in lines if line.startswith("?")] == ["? node_modules"]


async def test_a_large_file_is_named_and_needs_a_word(project: Path) -> None:
    (project / "big.bin").write_bytes(b"\0" * 2_000_001)
    lines = await told(project, "echo x >> big.bin", "/undo preview", "/undo", "/undo keep")
    assert "? big.bin  stays as it is: it was too large to keep, or there was no time" in lines
    assert any(line.startswith("Nothing was done: 1 file would not come back as it was (big.bin)") for line in lines)
    assert (project / "big.bin").stat().st_size == 2_000_003


async def test_in_a_project_with_too_many_files_every_changed_one_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "FILES", 3)
    for n in range(5):
        (project / f"{n}.txt").write_text("old\n")
    pass_until(time.time() + 0.2)
    lines = await told(project, "for n in 1 2; do echo new > $n.txt; done; echo new > 3.txt", "/undo preview", "/undo")
    stays = [line for line in lines if line.startswith("?")]
    assert sorted(stays[: len(stays) // 2]) == [
        f"? {n}.txt  stays as it is: changed since, and its old content is not kept" for n in (1, 2)
    ]
    assert (project / "1.txt").read_text() == "new\n"
    assert (project / "3.txt").read_text() == "old\n"  # the command named it


async def test_where_only_files_were_written_nothing_else_is_spoken_of(project: Path) -> None:
    ears = Ears()
    call = ToolCall("1", "write", {"file_path": "b.txt", "content": "b"})
    async with play([call], "Done.", plugins=[files, commands, undo, ears], directory=project) as session:
        await _say(session, "work")
        (project / "node_modules/left/index.js").write_text("mine\n")
        await _say(session, "/undo")
    assert ears.heard == ['Took back the turn "work":\nD b.txt  +0 -1\n/redo puts it back.']


async def test_very_many_are_counted(project: Path) -> None:
    for n in range(30):
        (project / f"d{n}/target").mkdir(parents=True)
    (project / ".gitignore").write_text("target/\nnode_modules/\ndist/\n.env\n")
    pass_until(time.time() + 0.2)
    lines = await told(project, "for d in d*; do echo x > $d/target/x; done", "/undo preview")
    stays = [line for line in lines if line.startswith("?")]
    assert len(stays) == 21
    assert stays[-1] == "? .  stays as it is: 10 more: changed since, and its old content is not kept"


async def test_work_trees_of_subagents_are_left_alone(project: Path) -> None:
    (project / ".mimocode/worktrees/one").mkdir(parents=True)
    (project / ".git/info/exclude").write_text("/.mimocode/worktrees/\n")
    pass_until(time.time() + 0.2)
    lines = await told(project, "cd .mimo*/work*/one; echo theirs > a.txt", "/undo")
    assert lines[0] == 'Took back the turn "work"; no file changes with it.'
    assert (project / ".mimocode/worktrees/one/a.txt").read_text() == "theirs\n"


def test_on_the_command_line(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    (cli.project / "node_modules").mkdir()
    (cli.project / ".gitignore").write_text("node_modules/\n")
    git(cli.project, "init", "-q")
    command = {"name": "bash", "arguments": {"command": "cd node_modules; echo x > $(echo z); cd ..; echo x > made"}}
    assert cli("run", "--yolo", "-m", cli.scenario([{"calls": [command]}, {"text": "Done."}]), "go").code == 0
    done = cli("undo", "-y")
    assert done.code == 0, done.err
    assert "? node_modules  stays as it is: changed since, and its old content is not kept" in done.out
    assert not (cli.project / "made").exists()
