"""A project keeps its memory when it is cloned, moved or renamed, and never shares it with another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mimocode_plugins.memory.project import directories, git_folder, project_id, remote_url

from .conftest import git, repository

URL = "https://ada:s3cret@Example.org:8443/acme/widget.git"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "data/memory"


def test_a_clone_elsewhere_is_the_same_project(tmp_path: Path, base: Path, home: Path) -> None:
    first = repository(tmp_path / "one", URL)
    git(tmp_path, "clone", "-q", str(first), "two")
    git(tmp_path / "two", "remote", "set-url", "origin", "git@example.org:acme/widget")
    assert project_id(tmp_path / "two", base, home) == project_id(first, base, home)


def test_without_a_remote_a_clone_of_the_folder_is_the_same_project(tmp_path: Path, base: Path, home: Path) -> None:
    first = repository(tmp_path / "one")
    mine = project_id(first, base, home)
    git(tmp_path, "clone", "-q", str(first), "two")
    assert project_id(tmp_path / "two", base, home) == mine
    shutil.move(first, tmp_path / "moved")
    assert project_id(tmp_path / "moved", base, home) == mine


def test_where_nothing_can_be_written_the_project_is_known_all_the_same(tmp_path: Path, base: Path, home: Path) -> None:
    first = repository(tmp_path / "one", URL)
    mine = project_id(first, base, home)
    shutil.rmtree(base)
    base.write_text("no folder")
    assert project_id(first, base, home) == mine
    assert list(directories([str(first)], base, mine)) == []


def test_a_folder_within_another_project_without_git_is_its_own(tmp_path: Path, base: Path, home: Path) -> None:
    outer, inner = tmp_path / "work", tmp_path / "work/inner"
    (inner / "sub").mkdir(parents=True)
    (outer / "docs").mkdir()
    ids = [project_id(folder, base, home) for folder in (outer, inner)]
    all = [str(folder) for folder in (outer, outer / "docs", inner, inner / "sub")]
    assert [list(directories(all, base, id)) for id in ids] == [all[:2], all[2:]]


def test_the_same_id_comes_from_a_lost_table(tmp_path: Path, base: Path, home: Path) -> None:
    first = repository(tmp_path / "one", URL)
    mine = project_id(first, base, home)
    assert mine.startswith("widget-")
    assert "s3cret" not in (base / "projects.json").read_text()
    (base / "projects.json").write_text("{ damaged")
    assert project_id(first, base, home) == mine


def test_folders_without_git_never_share(tmp_path: Path, base: Path, home: Path) -> None:
    one, two = tmp_path / "a/notes", tmp_path / "b/notes"
    one.mkdir(parents=True)
    two.mkdir(parents=True)
    (tmp_path / "link").symlink_to(one)
    ids = [project_id(folder, base, home) for folder in (one, two, tmp_path / "link", home)]
    assert ids[0] == ids[2]
    assert len(set(ids)) == 3


def test_a_folder_that_becomes_a_repository_and_gets_a_remote_stays_itself(
    tmp_path: Path, base: Path, home: Path
) -> None:
    folder = tmp_path / "thing"
    folder.mkdir()
    mine = [project_id(folder, base, home)]
    git(folder, "init", "-q")
    mine.append(project_id(folder, base, home))
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    mine.append(project_id(folder, base, home))
    git(folder, "remote", "add", "origin", URL)
    mine.append(project_id(folder, base, home))
    assert len(set(mine)) == 1
    git(tmp_path, "clone", "-q", str(folder), "copy")
    git(tmp_path / "copy", "remote", "set-url", "origin", URL)
    assert project_id(tmp_path / "copy", base, home) == mine[0]


def test_forks_of_one_template_are_different_projects(tmp_path: Path, base: Path, home: Path) -> None:
    one = repository(tmp_path / "one", "https://example.org/acme/one")
    git(tmp_path, "clone", "-q", str(one), "two")
    git(tmp_path / "two", "remote", "set-url", "origin", "https://example.org/acme/two")
    assert project_id(one, base, home) != project_id(tmp_path / "two", base, home)


def test_a_stranger_that_names_our_remote_does_not_get_our_memory(tmp_path: Path, base: Path, home: Path) -> None:
    ours = repository(tmp_path / "ours", URL)
    theirs = repository(tmp_path / "theirs", URL, first="another")
    assert project_id(ours, base, home) != project_id(theirs, base, home)


def test_another_repository_in_the_same_place_is_another_project(tmp_path: Path, base: Path, home: Path) -> None:
    place = repository(tmp_path / "one")
    before = project_id(place, base, home)
    shutil.move(place, tmp_path / "old")
    repository(place, first="another")
    assert project_id(place, base, home) != before


def test_worktrees_share_and_a_shallow_clone_is_known_by_its_remote(tmp_path: Path, base: Path, home: Path) -> None:
    main = repository(tmp_path / "one", URL)
    git(main, "commit", "-q", "--allow-empty", "-m", "second")
    mine = project_id(main, base, home)
    git(main, "worktree", "add", "-q", "-b", "topic", str(tmp_path / "topic"))
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{main}", "shallow")
    git(tmp_path / "shallow", "remote", "set-url", "origin", URL)
    assert project_id(tmp_path / "topic", base, home) == mine
    assert project_id(tmp_path / "shallow", base, home) == mine


def test_the_id_that_older_versions_wrote_is_kept(tmp_path: Path, base: Path, home: Path) -> None:
    place = repository(tmp_path / "one", URL)
    uuid = "0f8fad5b-d9cb-469f-a165-70867728950e"
    (place / ".git/mimocode-project-id").write_text(f"{uuid}\n")
    assert project_id(place, base, home) == uuid
    other = repository(tmp_path / "two")
    (other / ".git/mimocode-project-id").write_text("../../../etc")
    assert "/" not in project_id(other, base, home)


def test_a_hostile_configuration_runs_nothing(tmp_path: Path, base: Path, home: Path) -> None:
    place = repository(tmp_path / "one")
    canary = tmp_path / "canary"
    (place / ".git/config").write_text(
        f"[core]\n\tfsmonitor = touch {canary}\n\thooksPath = {tmp_path}\n\tpager = touch {canary}\n"
        f'\tsshCommand = touch {canary}\n[remote "origin"]\n\turl = ext::touch {canary}\n[alias]\n\trev-list = !touch\n'
    )
    assert project_id(place, base, home)
    assert not canary.exists()


def test_git_s_files_are_read_as_they_are(tmp_path: Path) -> None:
    common = tmp_path / "git"
    common.mkdir()
    (common / "config").write_text('[core]\n\tbare = false\n[remote "up"]\n\turl = u\n[Remote "origin"]\n URL = "o"\n')
    assert (remote_url(common), git_folder(tmp_path)) == ("o", None)


def test_the_table_tells_what_is_known(tmp_path: Path, base: Path, home: Path) -> None:
    place = repository(tmp_path / "one", URL)
    id = project_id(place, base, home)
    root = git(place, "rev-list", "--max-parents=0", "HEAD")
    stamp = (place / ".git").stat().st_ino
    assert json.loads((base / "projects.json").read_text()) == {
        id: {
            "name": "widget",
            "places": {f"git:{place}/.git": stamp},
            "remotes": ["example.org/acme/widget"],
            "roots": [root],
        }
    }
