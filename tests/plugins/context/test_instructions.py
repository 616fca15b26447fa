"""Instruction files are found, read within a budget, and whatever is left out is named."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.events import Notice, Say
from mimocode.hookspecs import hookimpl
from mimocode.testing import play
from mimocode_plugins.context import environment, instructions
from mimocode_plugins.context.instructions.discover import Candidate, Places, candidates, named
from mimocode_plugins.context.instructions.load import BUDGET, LARGEST, gather, imports
from mimocode_plugins.store import workspace


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "home"
    (place / "project/.git").mkdir(parents=True)
    (place / "project/.git/HEAD").write_text("ref: refs/heads/main\n")
    monkeypatch.setenv("HOME", str(place))
    for name in ("MIMOCODE_HOME", "XDG_CONFIG_HOME", "MIMOCODE_CONFIG_DIR", "MIMOCODE_DISABLE_CLAUDE_CODE"):
        monkeypatch.delenv(name, raising=False)
    return place


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def places(home: Path, inside: str = "") -> Places:
    own = (home / ".config/mimocode/AGENTS.md", home / ".claude/CLAUDE.md")
    return Places(home / "project" / inside, home / "project", own, home)


def found(home: Path, inside: str = "", wanted: tuple[str, ...] = ()) -> list[str]:
    return [str(c.path.relative_to(home)) for c in candidates(places(home, inside), wanted)]


class Ears:
    """Keeps what the user is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl
    async def on_event(self, event: object) -> None:
        if isinstance(event, Notice):
            self.heard.append(f"{event.level}: {event.text}")


async def test_a_session_reads_the_users_and_the_projects_files_and_says_so(home: Path) -> None:
    mine = write(home / ".config/mimocode/AGENTS.md", "Be brief.")
    top = write(home / "project/AGENTS.md", "Use tabs.\n")
    near = write(home / "project/web/CLAUDE.md", "Use React.")
    write(home / "project/api/AGENTS.md", "Not on the way.")
    write(home / "project/huge.md", "x" * (LARGEST + 1024))
    more = ["huge.md", "https://example.com/rules.md"]
    write(home / ".config/mimocode/mimocode.json", json.dumps({"instructions": more}))
    ears = Ears()
    plugins = [workspace, environment, instructions, ears]
    async with play("ok", plugins=plugins, directory=home / "project/web") as session:
        await session.submit(Say("hi"))
        await session.settled()
        window = session.state.window
    assert window is not None
    assert [(part.text, part.source) for part in window.system if part.rank == 30] == [
        (f"Instructions from: {mine}\nBe brief.", str(mine)),
        (f"Instructions from: {top}\nUse tabs.", str(top)),
        (f"Instructions from: {near}\nUse React.", str(near)),
    ]
    tokens = sum(len(part.text) for part in window.system if part.rank == 30) // 4
    assert ears.heard == [
        f"info: read ~/.config/mimocode/AGENTS.md, ~/project/AGENTS.md, CLAUDE.md (about {tokens} tokens); "
        "left out ~/project/huge.md (257 KiB, at most 256), https://example.com/rules.md (addresses are not fetched)"
    ]


def test_the_most_general_comes_first_and_each_directory_speaks_once(home: Path) -> None:
    write(home / "project/AGENTS.md", "x" * 500)
    write(home / "project/CLAUDE.md")
    write(home / "project/a/CONTEXT.md")
    write(home / "project/a/b/CLAUDE.md")
    write(home / "project/a/b/CONTEXT.md")
    write(home / "AGENTS.md", "above the project")
    write(home / ".claude/CLAUDE.md")
    assert found(home, "a/b") == [
        ".claude/CLAUDE.md",
        "project/AGENTS.md",
        "project/a/CONTEXT.md",
        "project/a/b/CLAUDE.md",
    ]


def test_what_has_no_end_is_not_read(home: Path) -> None:
    (home / "project/AGENTS.md").symlink_to("/dev/zero")
    (home / "project/CLAUDE.md").write_text("Be kind.")
    assert named(home / "project") == [home / "project/AGENTS.md"]


def test_a_short_agents_file_does_not_hide_the_other(home: Path) -> None:
    write(home / "project/AGENTS.md", "See CLAUDE.md.")
    write(home / "project/.claude/CLAUDE.md", "Long.")
    assert found(home) == ["project/AGENTS.md", "project/.claude/CLAUDE.md"]


def test_what_was_written_for_another_agent_can_be_switched_off(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / "project/CLAUDE.md")
    write(home / ".claude/CLAUDE.md")
    monkeypatch.setenv("MIMOCODE_DISABLE_CLAUDE_CODE", "1")
    assert list(candidates(Places.of(home / "project", home / "project", home / ".config/mimocode", os.environ))) == []
    assert named(home / "project", claude=False) == []


def test_the_setting_names_paths_and_globs(home: Path) -> None:
    write(home / "project/docs/a.md")
    write(home / "project/docs/b.md")
    write(home / "rules/c.md")
    write(home / "project/sub/x.md")
    wanted = ("docs/*.md", "~/rules/*.md", str(home / "rules/c.md"))
    assert found(home, "sub", wanted) == ["project/docs/a.md", "project/docs/b.md", "rules/c.md", "rules/c.md"]
    [missing] = candidates(places(home), ["nothing/*.md"])
    assert missing.refusal == "no such file"


def test_a_link_out_of_the_project_is_not_followed(home: Path) -> None:
    secret = write(home / ".ssh/id_ed25519", "secret")
    (home / "project/AGENTS.md").symlink_to(secret)
    result = gather(candidates(places(home)))
    assert result.texts == []
    assert result.left_out == [(str(home / "project/AGENTS.md"), "leads out of the project")]


def test_two_names_of_one_file_are_read_once(home: Path) -> None:
    write(home / "project/CLAUDE.md", "Be kind.")
    (home / "project/AGENTS.md").symlink_to("CLAUDE.md")
    result = gather(candidates(places(home)))
    path = home / "project/AGENTS.md"
    assert result.texts == [(str(path), f"Instructions from: {path}\nBe kind.")]
    assert result.left_out == []


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"a\0b", "binary"), (b"\xff\xfe\xfd", "not UTF-8"), (b"x" * (LARGEST + 2048), "258 KiB, at most 256")],
)
def test_what_is_not_text_is_named_and_left_out(home: Path, content: bytes, why: str) -> None:
    path = home / "project/AGENTS.md"
    path.write_bytes(content)
    assert gather([Candidate(path)]).left_out == [(str(path), why)]


def test_a_pipe_does_not_stop_the_start(home: Path) -> None:
    os.mkfifo(home / "project/AGENTS.md")
    assert gather([Candidate(home / "project/AGENTS.md")]).left_out == [
        (str(home / "project/AGENTS.md"), "not a regular file")
    ]


def test_the_budget_cuts_at_a_line_and_then_leaves_out(home: Path) -> None:
    first = write(home / "project/first.md", "a" * (BUDGET - 1100))
    big = write(home / "project/big.md", "y" * 999 + "\n" + "z" * 500)
    late = write(home / "project/late.md", "late")
    result = gather([Candidate(first), Candidate(big), Candidate(late)])
    assert [text.splitlines()[-2:] for _, text in result.texts] == [
        [f"Instructions from: {first}", "a" * (BUDGET - 1100)],
        ["y" * 999, "[Cut here. Read the file for the rest.]"],
    ]
    assert result.left_out == [(str(big), "its last 501 characters, no room left"), (str(late), "no room left")]


def test_imports_go_one_level_deep_and_stay_inside(home: Path) -> None:
    outside = write(home / "private.md", "no")
    claude = write(
        home / "project/CLAUDE.md",
        "See @docs/style.md, and @../private.md and @~/private.md.\nMail me@example.com, ask @someone.\n"
        "`@docs/inline.md`\n```\n@docs/fenced.md\n```\n",
    )
    style = write(home / "project/docs/style.md", "Style. @deeper.md")
    for name in ("deeper", "inline", "fenced"):
        write(home / f"project/docs/{name}.md", "not read")
    result = gather(candidates(places(home)))
    assert [path for path, _ in result.texts] == [str(claude), str(style)]
    assert result.texts[1][1] == f"Instructions from: {style} (imported by CLAUDE.md)\nStyle. @deeper.md"
    assert result.left_out == [
        (str(home / "project/../private.md"), "leads out of the project"),
        (str(outside), "leads out of the project"),
    ]


@given(st.text())
def test_looking_for_imports_never_fails(text: str) -> None:
    assert all((target and not target.startswith("@")) or "@" in text for target in imports(text))
