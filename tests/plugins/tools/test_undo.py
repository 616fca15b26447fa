"""Files and conversation go back together, and forth again; what somebody else did meanwhile is never lost."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from mimocode.errors import ToolFailed, UsageError
from mimocode.events import Notice, Pulse, Say
from mimocode.hookspecs import hookimpl
from mimocode.messages import ToolCall
from mimocode.ports import Agent
from mimocode.session import Session
from mimocode.testing import MemoryStore, play, talk
from mimocode_plugins.crew import commands
from mimocode_plugins.tools import files, patch, shell, undo
from mimocode_plugins.tools.undo import record
from mimocode_plugins.tools.undo import tree as looking
from mimocode_plugins.tools.undo.blobs import Blobs
from mimocode_plugins.tools.undo.plan import Step
from mimocode_plugins.tools.undo.putting import put_all
from mimocode_plugins.tools.undo.shape import shape
from mimocode_plugins.tools.undo.tree import only_looks
from mimocode_plugins.ui.terminal.seat import standing
from mimocode_plugins.ui.terminal.slash_session import turns_of
from support.cli import Cli

AGENT = Agent("agent")
PLUGINS = [files, patch, shell, commands, undo]


class Ears:
    """Collects what the user is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl
    async def on_event(self, event: Pulse) -> None:
        if isinstance(event, Notice):
            self.heard.append(event.text)


async def say(session: Session, *words: str) -> None:
    for text in words:
        await session.submit(Say(text))
        await session.settled()


def tree(root: Path) -> dict[str, str]:
    """The project's files, without our own."""
    return {
        str(path.relative_to(root)): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.relative_to(root).parts[0] not in ("undo", "tool-output", ".git")
    }


def writes(number: int, path: str, content: str) -> list[ToolCall]:
    return [ToolCall(str(number), "write", {"file_path": path, "content": content})]


def runs(number: int, command: str) -> list[ToolCall]:
    return [ToolCall(str(number), "bash", {"command": command})]


# -- the story ----------------------------------------------------------------


async def test_a_turn_goes_back_and_forth_with_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    ears = Ears()
    script = [
        writes(1, "a.txt", "two\n"),
        writes(2, "new/b.txt", "b\n"),
        "Done.",
        writes(3, "a.txt", "three\n"),
        "Yes.",
    ]
    async with play(*script, plugins=[*PLUGINS, ears], directory=tmp_path) as session:
        await say(session, "change it", "again")
        after, said = tree(tmp_path), talk(session)

        await say(session, "/undo")
        assert tree(tmp_path) == {"a.txt": "two\n", "new/b.txt": "b\n"}
        assert talk(session)[-1] == "assistant: Done."
        await say(session, "/undo")
        assert tree(tmp_path) == {"a.txt": "one\n"}
        assert not (tmp_path / "new").exists()
        assert talk(session) == []
        assert ears.heard == [
            'Took back the turn "again":\nM a.txt  +1 -1\n/redo puts it back.',
            'Took back the turn "change it":\nM a.txt  +1 -1\nD new/b.txt  +0 -1\n/redo puts it back.',
        ]

        await say(session, "/redo", "/redo")
        assert (tree(tmp_path), talk(session)) == (after, said)
        await say(session, "/redo")
        assert ears.heard[-1].startswith("There is nothing to put back")
        assert session.host.options["complaints"] == []


async def test_going_back_to_a_message_takes_everything_after_it(tmp_path: Path) -> None:
    ears = Ears()
    script = [part for n in (1, 2, 3) for part in (writes(n, f"{n}.txt", str(n)), f"Wrote {n}.")]
    async with play(*script, plugins=[*PLUGINS, ears], directory=tmp_path) as session:
        await say(session, "first", "second", "third", "/revert")
        assert [line.split('"')[1] for line in ears.heard[0].splitlines()[:3]] == ["first", "second", "third"]
        await say(session, "/revert 2")
        assert tree(tmp_path) == {"1.txt": "1"}
        assert talk(session)[-1] == "assistant: Wrote 1."
        await say(session, "/redo")
        assert tree(tmp_path) == {"1.txt": "1", "2.txt": "2", "3.txt": "3"}
        await say(session, "/revert 9")
        assert ears.heard[-1] == "There are 3 turns, numbered from 1: 9 is not among them."
        await say(session, "/undo 2")
        assert tree(tmp_path) == {"1.txt": "1"}


class Failing:
    """A slash command that fails, which the kernel ends as a turn."""

    @hookimpl
    async def take_input(self, text: str) -> None:
        if text == "/fail":
            raise UsageError("not like this")


async def test_a_command_that_failed_is_no_turn(tmp_path: Path) -> None:
    ears = Ears()
    script = [part for n in (1, 2) for part in (writes(n, f"{n}.txt", str(n)), f"Wrote {n}.")]
    async with play(*script, plugins=[*PLUGINS, ears, Failing()], directory=tmp_path) as session:
        await say(session, "first", "second", "/fail", "/undo")
        assert (tree(tmp_path), ears.heard[-1].splitlines()[0]) == ({"1.txt": "1"}, 'Took back the turn "second":')
        await say(session, "/fail", "/redo")
        assert tree(tmp_path) == {"1.txt": "1", "2.txt": "2"}
        entries = list((await session.host.store()).read(session.id))
        counted = [(turn.number, turn.seq, turn.said) for turn in record.turns(record.standing(entries))]
        assert [said for _, _, said in counted] == ["first", "second"]
        assert [(turn.number, turn.seq, turn.text) for turn in turns_of(standing(entries))] == counted


async def test_a_word_that_is_misspelt_changes_nothing(tmp_path: Path) -> None:
    ears = Ears()
    async with play(writes(1, "a.txt", "a"), "Done.", plugins=[*PLUGINS, ears], directory=tmp_path) as session:
        await say(session, "go", "/undo previw")
        assert ears.heard == ["Say /undo alone, or with preview, diff, force or keep; 'previw' is none of these."]
        await say(session, "/redo 2")
        assert ears.heard[-1].startswith("Say /redo alone") and tree(tmp_path) == {"a.txt": "a"}


async def test_a_preview_says_what_would_change_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    ears = Ears()
    async with play(writes(1, "a.txt", "two\n"), "Done.", plugins=[*PLUGINS, ears], directory=tmp_path) as session:
        await say(session, "change it", "/undo diff")
        assert ears.heard == [
            'Takes back the turn "change it":\nM a.txt  +1 -1\n--- a/a.txt\n+++ b/a.txt\n@@ -1,1 +1,1 @@\n-two\n+one\n'
            "Nothing was changed yet: /undo does it."
        ]
        assert tree(tmp_path) == {"a.txt": "two\n"}


async def test_the_bill_is_paid_once(tmp_path: Path) -> None:
    async with play(writes(1, "a", "x"), "Done.", plugins=PLUGINS, directory=tmp_path) as session:
        await say(session, "go")
        paid = session.state.usage
        await say(session, "/undo", "/redo")
        assert session.state.usage == paid


async def test_what_a_child_session_did_goes_back_with_the_turn_that_began_it(tmp_path: Path) -> None:
    script = ["Somebody else does it.", writes(1, "a", "1"), runs(2, "echo 2 > b"), "Did it."]
    async with play(*script, plugins=PLUGINS, directory=tmp_path) as session:
        await say(session, "go")
        async with session.host.open(parent=session, model=session.state.model) as child:
            await say(child, "work")
            assert "undo" not in child.state.notes
        assert tree(tmp_path) == {"a": "1", "b": "2\n"}
        await say(session, "/undo")
        assert tree(tmp_path) == {}


# -- somebody else ------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "left", "turns"),
    [
        ("", {"a": "mine", "b": "2"}, 1),
        ("keep", {"a": "mine"}, 0),
        ("force", {"a": "before"}, 0),
    ],
)
async def test_what_somebody_else_changed_since_is_named_and_not_lost(
    tmp_path: Path, word: str, left: dict[str, str], turns: int
) -> None:
    (tmp_path / "a").write_text("before")
    ears = Ears()
    script = [[*writes(1, "a", "1"), *writes(2, "b", "2")], "Done."]
    async with play(*script, plugins=[*PLUGINS, ears], directory=tmp_path) as session:
        await say(session, "go")
        (tmp_path / "a").write_text("mine")
        await say(session, f"/undo {word}")
        assert (tree(tmp_path), len(session.state.turns)) == (left, turns)
        if not word:
            assert ears.heard == [
                "Nothing was done: 1 file would not come back as it was (a); choose keep to leave such files alone or "
                "force to put them back all the same."
            ]
        else:
            assert "! a  was changed by somebody else since" in ears.heard[0]
            await say(session, "/redo")
            assert tree(tmp_path) == {"a": "mine", "b": "2"}


async def test_a_change_between_two_turns_is_somebody_elses_too(tmp_path: Path) -> None:
    ears = Ears()
    script = [writes(1, "a", "1"), "One.", writes(2, "a", "2"), "Two."]
    async with play(*script, plugins=[*PLUGINS, ears], directory=tmp_path) as session:
        await say(session, "go")
        (tmp_path / "a").write_text("mine")
        await say(session, "on", "/revert 1")
        assert tree(tmp_path) == {"a": "2"}
        assert ears.heard[-1].startswith("Nothing was done: 1 file would not come back")
        await say(session, "/undo")
        assert tree(tmp_path) == {"a": "mine"}


async def test_links_are_not_followed_out(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    (project / "sub").mkdir(parents=True)
    outside.mkdir()
    (outside / "a").write_text("precious")
    ears = Ears()
    async with play(writes(1, "sub/a", "1"), "Done.", plugins=[*PLUGINS, ears], directory=project) as session:
        await say(session, "go")
        (project / "sub/a").unlink()
        (project / "sub").rmdir()
        (project / "sub").symlink_to(outside)
        await say(session, "/undo preview", "/undo")
        assert "? sub/a  stays as it is: a link is in its way" in ears.heard[0]
        (project / "sub").unlink()
        (project / "sub").mkdir()
        (project / "sub/a").symlink_to(outside / "a")
        await say(session, "/undo preview", "/undo")
        assert "? sub/a  stays as it is: it is now a link" in ears.heard[-2]
        assert ears.heard[-1].startswith("Nothing was done: 1 file would not come back")
        await say(session, "/undo force")
        assert (outside / "a").read_text() == "precious"
        assert (project / "sub/a").is_symlink()


# -- commands -----------------------------------------------------------------


@pytest.mark.parametrize("git", [True, False])
async def test_what_a_command_did_goes_back_too(tmp_path: Path, git: bool) -> None:
    if git:
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)  # noqa: ASYNC221
        (tmp_path / ".gitignore").write_text("*.log\nundo\ntool-output\nbuild\n")
    (tmp_path / "keep").write_text("k")
    (tmp_path / "gone.py").write_text("g")
    (tmp_path / "gone.py").chmod(0o755)
    (tmp_path / "x.log").write_text("ignored by git")
    (tmp_path / "build").mkdir()
    (tmp_path / "build/out").write_text("built")
    before = tree(tmp_path)
    command = "rm gone.py x.log; echo more >> keep; mkdir -p d; touch d/new; mv keep kept; rm -rf build"
    async with play(runs(1, command), "Done.", plugins=PLUGINS, directory=tmp_path) as session:
        await say(session, "go")
        after = tree(tmp_path)
        assert after.keys() - {".gitignore"} == {"d/new", "kept"}
        await say(session, "/undo")
        assert tree(tmp_path) == before
        assert os.access(tmp_path / "gone.py", os.X_OK)
        await say(session, "/redo")
        assert tree(tmp_path) == after
        assert session.host.options["complaints"] == []


async def test_a_command_that_only_looks_costs_no_note(tmp_path: Path) -> None:
    script = [runs(1, "ls -la | head -3"), runs(2, "ls > list"), "Done."]
    async with play(*script, plugins=PLUGINS, directory=tmp_path) as session:
        await say(session, "go")
        assert [(note["op"], note["call"]) for note in session.state.notes["undo"]] == [("before", "2"), ("after", "2")]


@pytest.mark.parametrize(
    ("command", "looks"),
    [
        ("ls", True),
        ("git status --short && git diff", True),
        ("cat a | grep b || true", True),
        ("cat a > b", False),
        ("ls; rm a", False),
        ("ls $(rm a)", False),
        ("ls `rm a`", False),
        ("git diff --output=a", False),
        ("git checkout .", False),
        ("lsof", False),
        ("ls &\nrm a", False),
        ("find . -delete", False),
        ("cat <(rm a)", False),
    ],
)
def test_which_commands_surely_change_nothing(command: str, looks: bool) -> None:
    assert only_looks(command) is looks


async def test_a_file_too_large_to_keep_is_named(tmp_path: Path) -> None:
    (tmp_path / "big.bin").write_bytes(b"x" * 3_000_000)
    ears = Ears()
    async with play(runs(1, "echo y >> big.bin"), "Done.", plugins=[*PLUGINS, ears], directory=tmp_path) as session:
        await say(session, "go", "/undo preview", "/undo")
        assert "? big.bin  stays as it is: it was too large to keep, or there was no time" in ears.heard[0]
        assert ears.heard[1].startswith("Nothing was done: 1 file")
        await say(session, "/undo keep")
        assert len(session.state.turns) == 0
        assert (tmp_path / "big.bin").stat().st_size == 3_000_002


# -- what is kept -------------------------------------------------------------


async def test_what_is_kept_is_private_and_goes_when_it_is_old(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "undo")
    names = [blobs.keep(text.encode()) for text in ("a", "b", "c")]
    assert names[0] == blobs.keep(b"a")
    assert [blobs.load(name) for name in names] == [b"a", b"b", b"c"]
    large = bytes(range(256)) * 1000
    assert blobs.load(blobs.keep(large)) == large
    assert blobs.load("0" * 32) is None
    kept = list((tmp_path / "undo").glob("??/*"))
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    assert (tmp_path / "undo").stat().st_mode & 0o777 == 0o700
    old = tmp_path / "undo" / names[0][:2] / names[0][2:]
    os.utime(old, (1, 1))
    assert blobs.collect() == 1
    assert [blobs.has(name) for name in names] == [False, True, True]
    os.utime(tmp_path / "undo" / "collected", (1, 1))
    assert blobs.collect(total=0) == 3


async def test_files_that_there_was_no_time_to_read_are_only_named_when_they_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "SECONDS", -1.0)
    for name in ("a", "b"):
        (tmp_path / name).write_text("one")
    ears = Ears()
    async with play(
        runs(1, "echo two > a; echo c > c"), "Done.", plugins=[*PLUGINS, ears], directory=tmp_path
    ) as session:
        await say(session, "go", "/undo preview")
        assert [line for line in ears.heard[0].splitlines() if line[1] == " "] == [
            "D c  +0 -1",
            "? a  stays as it is: it was too large to keep, or there was no time",
        ]


async def test_calls_with_the_same_id_in_two_turns_are_two_calls(tmp_path: Path) -> None:
    store = MemoryStore()
    script = [writes(1, "a", "1"), "One.", writes(1, "b", "2"), "Two."]
    async with play(*script, plugins=PLUGINS, directory=tmp_path, store=store) as session:
        await say(session, "go", "on")
    cut(store, session.id, "before")
    assert (await opened_again(store, session.id, tmp_path, "/undo"))[0] == {"a": "1"}


async def test_damage_is_noticed_and_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    ears = Ears()
    async with play(writes(1, "a", "two"), "Done.", plugins=[*PLUGINS, ears], directory=tmp_path) as session:
        await say(session, "go")
        for kept in (tmp_path / "undo").glob("??/*"):
            kept.unlink()
        await say(session, "/undo preview")
        assert "? a  stays as it is: its old content is not kept any more" in ears.heard[0]
        await say(session, "/undo")
        assert tree(tmp_path) == {"a": "two"}


def test_a_failure_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "undo")
    for name in ("a", "b"):
        (tmp_path / name).write_text("two")
    one, two = f"{blobs.keep(b'one')}:644", shape(tmp_path / "a", blobs)
    steps = [Step(str(tmp_path / "a"), two, one), Step(str(tmp_path / "b"), "stale", one)]
    with pytest.raises(ToolFailed, match="b was changed at this very moment; nothing was taken back"):
        put_all(steps, blobs)
    assert tree(tmp_path) == {"a": "two", "b": "two"}


async def test_the_setting_switches_it_off(tmp_path: Path) -> None:
    async with play(writes(1, "a", "1"), "Done.", plugins=PLUGINS, directory=tmp_path) as session:
        session.host.settings["snapshot"] = False  # type: ignore[index]
        await say(session, "go", "/undo")
        assert tree(tmp_path) == {"a": "1"}
        assert talk(session) == []


# -- the process dies ---------------------------------------------------------


def cut(store: MemoryStore, session: str, op: str, more: int = 0) -> None:
    """Forget the log after the last note of a kind, and `more` facts, as if the process had died there."""
    log = store.facts[session]
    last = max(n for n, entry in enumerate(log) if getattr(entry.event, "data", {}).get("op") == op)
    del log[last + 1 + more :]


async def opened_again(store: MemoryStore, id: str, tmp_path: Path, *words: str) -> tuple[dict[str, str], list[str]]:
    async with play(plugins=PLUGINS, directory=tmp_path, store=store, session_id=id, agent=AGENT) as session:
        await say(session, *words)
        assert session.host.options["complaints"] == []
        return tree(tmp_path), talk(session)


@pytest.mark.parametrize("call", ["write", "bash"])
async def test_a_call_that_was_cut_off_goes_back_too(tmp_path: Path, call: str) -> None:
    (tmp_path / "a").write_text("one")
    store = MemoryStore()
    step = writes(1, "a", "two") if call == "write" else runs(1, "echo two > a; touch b")
    async with play(step, "Done.", plugins=PLUGINS, directory=tmp_path, store=store) as session:
        await say(session, "go")
    cut(store, session.id, "before")
    assert await opened_again(store, session.id, tmp_path, "/undo") == ({"a": "one"}, [])


async def test_an_undo_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    store = MemoryStore()
    script = [[*writes(1, "a", "1"), *writes(2, "b", "2")], "Done."]
    async with play(*script, plugins=PLUGINS, directory=tmp_path, store=store) as session:
        await say(session, "go", "/undo")
    cut(store, session.id, "undo")
    (tmp_path / "b").write_text("2")  # a was taken back, b was not reached
    assert await opened_again(store, session.id, tmp_path) == ({}, [])
    files, said = await opened_again(store, session.id, tmp_path, "/redo")
    assert files == {"a": "1", "b": "2"}
    assert said[-1] == "assistant: Done."


@pytest.mark.parametrize("more", range(0, 12, 3))
async def test_a_redo_that_was_cut_off_is_finished(tmp_path: Path, more: int) -> None:
    store = MemoryStore()
    async with play(writes(1, "a", "1"), "Done.", plugins=PLUGINS, directory=tmp_path, store=store) as session:
        await say(session, "go")
        whole = talk(session)
        await say(session, "/undo", "/redo")
        assert talk(session) == whole
    cut(store, session.id, "redo", more)
    (tmp_path / "a").unlink()
    assert await opened_again(store, session.id, tmp_path) == ({"a": "1"}, whole)
    assert await opened_again(store, session.id, tmp_path, "/undo") == ({}, [])


def test_a_killed_process_leaves_nothing_that_cannot_be_taken_back(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    (cli.project / "a.txt").write_text("one\n")
    command = "echo two > a.txt; echo b > b.txt; sleep 100"
    model = cli.scenario([{"calls": [{"name": "bash", "arguments": {"command": command}}]}, {"text": "Done."}])
    with cli.start("run", "--yolo", "-m", model, "change it") as process:
        while not (cli.project / "b.txt").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    done = cli("undo", "last")
    shown = 'Takes back the turn "change it":\nM a.txt  +1 -1\nD b.txt  +0 -1\n'
    assert (done.code, done.out) == (0, shown), done.err
    assert tree(cli.project) == {"a.txt": "one\n"}


# -- the command line ---------------------------------------------------------


def test_undo_redo_and_revert_on_the_command_line(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    (cli.project / "a.txt").write_text("one\n")
    steps: list[dict[str, Any]] = [
        {"calls": [{"name": "write", "arguments": {"file_path": "a.txt", "content": "two\n"}}]},
        {"text": "Done."},
    ]
    ran = cli("run", "--yolo", "-m", cli.scenario(steps), "change it")
    assert (ran.code, ran.out) == (0, "Done.\n"), ran.err

    seen = cli("undo", "last", "--preview", "--diff")
    shown = 'Takes back the turn "change it":\nM a.txt  +1 -1\n--- a/a.txt\n+++ b/a.txt\n@@ -1,1 +1,1 @@\n-two\n+one\n'
    assert (seen.code, seen.out) == (0, shown), seen.err
    assert (cli.project / "a.txt").read_text() == "two\n"

    done = cli("undo")
    assert (done.code, done.out) == (0, 'Takes back the turn "change it":\nM a.txt  +1 -1\n'), done.err
    assert done.err.startswith("Done; `mimo redo ses_")
    assert (cli.project / "a.txt").read_text() == "one\n"

    again = cli("redo", "last")
    assert (again.code, again.out) == (0, 'Puts back the turn "change it":\nM a.txt  +1 -1\n'), again.err
    assert (cli.project / "a.txt").read_text() == "two\n"

    listed = cli("revert", "last")
    assert listed.out.startswith("  1  ")
    assert listed.out.endswith('"change it"\n')
    assert cli("revert", "last", "1").code == 0
    assert (cli.project / "a.txt").read_text() == "one\n"
    none = cli("undo")
    assert (none.code, none.err) == (2, "mimo: there is no turn to take back\n")
