"""Children that edit in a git worktree of their own: merged, discarded, cleaned up, and kept inside of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mimocode import Agent, Ruling, Say, Verdict, hookimpl
from mimocode.events import CallFinished, ChooseModel
from mimocode.session import Session
from mimocode.testing import play
from mimocode_plugins.crew import actors
from mimocode_plugins.crew.children.team import team
from mimocode_plugins.crew.children.worktree import make
from mimocode_plugins.guard import sandbox
from mimocode_plugins.tools import files, shell
from support import cast
from support.canary import VERDICT

DONE = {"text": "Status: done\nSummary: changed\nok"}


class Crew:
    """One subagent, and nobody who minds."""

    @hookimpl
    def register_agents(self) -> list[Agent]:
        return [Agent("general", mode="subagent", prompt="General.")]

    @hookimpl
    def rule_on_call(self) -> Ruling:
        return Ruling(Verdict.ALLOW)


def git(project: Path, *words: str) -> str:
    name = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    return subprocess.run(["git", *name, *words], cwd=project, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with one commit."""
    place = tmp_path / "project"
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    (place / "a.txt").write_text("one\n")
    git(place, "add", "-A")
    git(place, "commit", "-qm", "begin")
    return place


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def actor(action: str, **arguments: Any) -> dict[str, Any]:
    return {"calls": [call("actor", action=action, **arguments)]}


@asynccontextmanager
async def played(project: Path, *more: Any, **parts: list[dict[str, Any]]) -> AsyncIterator[Session]:
    """A session whose model plays these parts."""
    script = project.parent / "parts.json"
    script.write_text(json.dumps(parts))
    plugins = [cast, Crew(), actors, files, shell, *more]
    async with play(plugins=plugins, directory=project, agent=Agent("build", mode="primary"), headless=True) as session:
        await session.submit(ChooseModel(f"cast/{script}"))
        await session.submit(Say("go"))
        await session.settled()
        yield session


def results(session: Session) -> list[str]:
    return [message.text for message in session.state.messages if message.role == "tool"]


def worktrees(project: Path) -> int:
    return len(git(project, "worktree", "list").splitlines()) - 1


EDIT = {
    "calls": [call("bash", command="printf 'two\\n' > a.txt; printf 'new\\n' > b.txt; git rev-parse --show-prefix")]
}


async def test_what_it_changed_is_merged_uncommitted_and_the_worktree_goes(project: Path) -> None:
    steps = [actor("run", prompt="edit", worktree=True), actor("merge", actor_id="general-1"), {"text": "ok"}]
    async with played(project, go=steps, edit=[EDIT, DONE]) as session:
        told, merged = results(session)
    assert "\nIt worked in " in told
    assert merged.startswith("Merged into the working tree, not committed; the worktree is gone.\n")
    assert ((project / "a.txt").read_text(), (project / "b.txt").read_text()) == ("two\n", "new\n")
    assert git(project, "status", "--short") == " M a.txt\n?? b.txt\n"
    assert (worktrees(project), git(project, "for-each-ref", "refs/heads/mimo", "refs/mimo")) == (0, "")


async def test_nothing_is_merged_over_what_changed_meanwhile(project: Path) -> None:
    mine = {"calls": [call("bash", command="printf 'three\\n' > a.txt")]}
    steps = [
        actor("run", prompt="edit", worktree=True),
        mine,
        actor("merge", actor_id="general-1"),
        actor("discard", actor_id="general-1"),
        actor("merge", actor_id="general-1"),
        {"text": "ok"},
    ]
    async with played(project, go=steps, edit=[EDIT, DONE]) as session:
        said = results(session)
    assert said[2].startswith("What changed does not fit the tree any more; it stays in ")
    assert said[3:] == ["The worktree is gone with all that was in it.", "general-1 has no worktree."]
    assert git(project, "status", "--short") == " M a.txt\n"
    assert (project / "a.txt").read_text() == "three\n"
    assert worktrees(project) == 0


async def test_a_worktree_without_changes_cleans_itself_up(project: Path) -> None:
    async with played(project, go=[actor("run", prompt="look", worktree=True), {"text": "ok"}], look=[DONE]) as session:
        [one] = team(session).actors.values()
    assert (one.place, one.state, worktrees(project)) == ("", "done", 0)


async def test_it_edits_nothing_outside_of_its_worktree(project: Path) -> None:
    out = {"calls": [call("write", file_path=str(project / "c.txt"), content="c")]}
    inside = {"calls": [call("write", file_path="c.txt", content="c")]}
    steps = [actor("run", prompt="edit", worktree=True), {"text": "ok"}]
    async with played(project, go=steps, edit=[out, inside, DONE]) as session:
        [one] = team(session).actors.values()
        store = await session.host.store()
        finished = [e.event for e in store.read(one.session) if isinstance(e.event, CallFinished)]
    assert [event.error for event in finished] == [True, False]
    assert "lies outside of the worktree" in finished[0].content[0].text
    assert (project / "c.txt").exists() is False
    assert (Path(one.place) / "c.txt").read_text() == "c"


async def test_without_a_repository_there_is_no_worktree(tmp_path: Path) -> None:
    place = tmp_path / "plain"
    place.mkdir()
    async with played(place, go=[actor("run", prompt="look", worktree=True), {"text": "ok"}], look=[DONE]) as session:
        [said] = results(session)
    assert 'state="failed"' in said
    assert "A worktree needs a git repository with a commit" in said


ESCAPES = [
    "echo x > {project}/a.txt",
    "echo x > {project}/new.txt",
    "cd {project} && git -c user.name=A -c user.email=a@b commit -q --allow-empty -m stolen",
    "rm -f {project}/.git/index",
    "git update-ref refs/heads/main HEAD~0 && git branch -f main HEAD && git tag stolen",
    "git update-ref refs/heads/main $(git -c user.name=A -c user.email=a@b commit-tree -m x HEAD^{{tree}})",
    "git config core.fsmonitor 'touch {project}/ran'",
    "rm -f .git && git init -q . && git config core.fsmonitor 'touch {project}/ran'",
    "mv .git away && mkdir .git",
    "echo x > $(git rev-parse --git-common-dir)/hooks/pre-commit",
    "git update-ref refs/mimo/$(basename $PWD) HEAD",
    "git worktree add -q {project}/other",
    "cat {project}/a.txt && rm -r {project}/.mimocode/worktrees/../../a.txt",
]


async def test_its_commands_write_in_its_worktree_and_on_its_branch_only(project: Path) -> None:
    need_sandbox()
    before = _tree(project)
    heads = git(project, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/main", "refs/tags")
    tries = "\n".join(f"({each.format(project=project)}) && echo ESCAPED" for each in ESCAPES)
    work = (
        "echo two > a.txt && git add -A && git -c user.name=A -c user.email=a@b commit -qm two && git status --short && "
        "echo three >> a.txt && echo temp > $TMPDIR/mine && git log --format=%s && git stash list && git diff --stat"
    )
    steps = [actor("run", prompt="edit", worktree=True), {"text": "ok"}]
    edit = [{"calls": [call("bash", command=tries)]}, {"calls": [call("bash", command=work)]}, DONE]
    async with played(project, sandbox, go=steps, edit=edit) as session:
        [one] = team(session).actors.values()
        store = await session.host.store()
        done = [e.event for e in store.read(one.session) if isinstance(e.event, CallFinished)]
        place = Path(one.place)
    assert done[0].content[0].text.count("Read-only file system") == 11 and "ESCAPED" not in done[0].content[0].text
    assert (done[1].error, done[1].content[0].text.splitlines()[:2]) == (False, ["two", "begin"])
    assert (place / "a.txt").read_text() == "two\nthree\n"
    assert git(place, "log", "--format=%s") == "two\nbegin\n"
    assert git(place, "status", "--short") == " M a.txt\n"
    assert _tree(project) == before
    assert git(project, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/main", "refs/tags") == heads
    assert git(project, "status", "--short", "--untracked-files=no") == ""


SIBLING = "refs/heads/mimo/sibling/work"
ATTACKS_ON_BRANCHES = [
    f"git update-ref {SIBLING} HEAD",
    "git branch -f mimo/sibling/work HEAD",
    "git branch -D feature/x",
    f"git rev-parse HEAD > $COMMON/{SIBLING}",
    f"rm $COMMON/{SIBLING}",
    "mv $COMMON/refs/heads/mimo/sibling $COMMON/refs/heads/mimo/gone",
    f"ln -f $COMMON/refs/heads/mimo/*/work $COMMON/{SIBLING}",
    "ln -s ../sibling $COMMON/refs/heads/mimo/$(basename $PWD)/on && echo x > $COMMON/refs/heads/mimo/$(basename $PWD)/on/work",
    "git pack-refs --all",
    "echo x > $COMMON/packed-refs",
    "echo x > $COMMON/worktrees/sibling/HEAD",
    "git worktree remove --force ../sibling",
    "echo x > ../sibling/a.txt",
    f"git symbolic-ref HEAD {SIBLING}; git commit -q --allow-empty -m stolen",
    "git symbolic-ref HEAD refs/heads/feature/x; git commit -q --allow-empty -m stolen",
]


async def test_its_commands_move_no_branch_of_a_sibling_and_none_of_the_user(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does HEAD of its worktree, which it writes, say what else is writable for its next command."""
    need_sandbox()
    monkeypatch.setattr("mimocode_plugins.guard.sandbox.box.FRESH", -1.0)
    git(project, "branch", "feature/x")
    await make(project, project, "sibling")
    tries = "\n".join(
        f"COMMON=$(git rev-parse --git-common-dir); ({each}) && echo ESCAPED {number}"
        for number, each in enumerate(ATTACKS_ON_BRANCHES)
    )
    names = "export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@b\n"
    again = "git symbolic-ref HEAD\ngit commit -q --allow-empty -m stolen && echo ESCAPED"
    back = 'git symbolic-ref HEAD refs/heads/mimo/$(basename "$PWD")/work && git commit -q --allow-empty -m mine'
    own = "git checkout -q -b mimo/$(basename $PWD)/more && git commit -q --allow-empty -m more && git log --format=%s"
    calls = [[call("bash", command=names + each)] for each in (tries, again, back, own)]
    steps = [actor("run", prompt="edit", worktree=True), {"text": "ok"}]
    before = _branches(project)
    async with played(project, sandbox, go=steps, edit=[*({"calls": each} for each in calls), DONE]) as session:
        [one] = team(session).actors.values()
        store = await session.host.store()
        done = [e.event for e in store.read(one.session) if isinstance(e.event, CallFinished)]
    said = [event.content[0].text for event in done]
    assert "ESCAPED" not in said[0] + said[1]
    assert said[1].startswith("refs/heads/feature/x\n"), "the attack on HEAD itself takes place, and gains nothing"
    assert said[3] == "more\nmine\nbegin"
    assert (one.place, _branches(project)) == ("", before), "nothing changed: its branches go, also by way of a link"
    assert git(project, "-C", ".mimocode/worktrees/sibling", "status", "--short") == ""


def _branches(project: Path) -> dict[str, str]:
    lines = git(project, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads").splitlines()
    return dict(line.split(" ") for line in lines)


async def test_without_a_worktree_of_its_own_it_works_in_the_project(project: Path) -> None:
    need_sandbox()
    steps = [actor("run", prompt="edit"), {"text": "ok"}]
    edit = [{"calls": [call("bash", command="echo two > a.txt")]}, DONE]
    async with played(project, sandbox, go=steps, edit=edit):
        assert (project / "a.txt").read_text() == "two\n"


def need_sandbox() -> None:
    """Pass the test over where nothing holds commands."""
    if not VERDICT.rung:
        pytest.skip("; ".join(VERDICT.why))


def _tree(project: Path) -> dict[str, bytes]:
    """Every file of the project but those of worktrees, and what commits of others may add."""
    passed = ("objects", "worktrees", "mimo", "logs")
    files = (
        path for path in project.rglob("*") if path.is_file() and not set(path.relative_to(project).parts) & {*passed}
    )
    return {str(path): path.read_bytes() for path in files if path.name not in ("exclude", "index", "sandbox.json")}
