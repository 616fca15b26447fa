"""Skills from an address: fetched once, kept, refreshed on request, never from where they should not come."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.errors import SettingsError
from mimocode.host import Host
from mimocode_plugins.crew import skills
from mimocode_plugins.crew.skills import urls
from mimocode_plugins.crew.skills.shelf import shelf
from mimocode_plugins.store import workspace
from mimocode_plugins.tools import web
from support.cli import Cli
from support.site import Answer, Site, site

SKILL = "---\nname: greet\ndescription: Greets people.\n---\nSay {word}.\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MIMOCODE_HOME", str(tmp_path / "mimo"))
    monkeypatch.setenv("MIMOCODE_DISABLE_BUILTIN_SKILLS", "1")
    (tmp_path / "project").mkdir()
    with site() as running:
        yield running


def offer(site: Site, word: str = "hello", **index: Any) -> None:
    """Put a skill on the site."""
    rows = index or {"skills": [{"name": "greet", "files": ["SKILL.md", "forms/long.md"]}]}
    site.pages["/s/index.json"] = Answer(json.dumps(rows).encode())
    site.pages["/s/greet/SKILL.md"] = Answer(SKILL.format(word=word).encode())
    site.pages["/s/greet/forms/long.md"] = Answer(b"a long greeting")


def settings(folder: Path, here: Site, *, private: bool = True) -> None:
    values: dict[str, Any] = {"skills": {"urls": [f"{here.url}/s/"]}}
    if private:
        values["webfetch"] = {"private": [f"127.0.0.1:{here.port}"]}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mimocode.json").write_text(json.dumps(values))


def host(tmp_path: Path, *, trusted: bool = True) -> Host:
    return Host([workspace, skills, web], directory=tmp_path / "project", external=False, trusted=trusted)


def asked(here: Site) -> list[str]:
    return sorted(path for _, path, *_ in here.asked)


async def test_they_are_fetched_once_and_kept(tmp_path: Path, here: Site) -> None:
    offer(here)
    settings(tmp_path / "mimo/config", here)
    mine = host(tmp_path)
    await urls.first_time(mine)
    skill = shelf(mine).skills["greet"]
    assert (skill.body, skill.source, skill.files()) == ("Say hello.", f"{here.url}/s", ["forms/long.md"])
    assert all(path.stat().st_mode & 0o111 == 0 for path in skill.folder.rglob("*") if path.is_file())
    assert asked(here) == ["/s/greet/SKILL.md", "/s/greet/forms/long.md", "/s/index.json"]
    offer(here, "goodbye")
    await urls.first_time(host(tmp_path))
    assert (len(here.asked), shelf(host(tmp_path)).skills["greet"].body) == (3, "Say hello.")
    assert await urls.refresh(mine, urls.urls(mine)[0]) == ["greet: changed"]
    assert shelf(mine).skills["greet"].body == "Say goodbye."
    offer(here, skills=[])
    assert await urls.refresh(mine, urls.urls(mine)[0]) == ["greet: gone"]
    assert shelf(mine).skills == {}


async def test_without_a_network_the_copy_is_used_and_it_is_said(tmp_path: Path, here: Site) -> None:
    offer(here)
    settings(tmp_path / "mimo/config", here)
    mine = host(tmp_path)
    await urls.first_time(mine)
    here.pages.clear()
    assert await urls.refresh(mine, urls.urls(mine)[0]) == []
    [said] = shelf(mine).unsaid()
    assert said.startswith(f"skills.urls: {here.url}/s/index.json answered with status 404 (the copy of 20")
    assert shelf(mine).skills["greet"].body == "Say hello."


async def test_only_the_public_web_is_asked_unless_the_user_names_a_host(tmp_path: Path, here: Site) -> None:
    offer(here)
    settings(tmp_path / "mimo/config", here, private=False)
    mine = host(tmp_path)
    await urls.first_time(mine)
    [said] = shelf(mine).problems
    assert "127.0.0.1, which is not on the public internet" in said and said.endswith("(left out)")
    await urls.first_time(mine)  # not again before an hour is over
    assert (here.asked, shelf(mine).skills) == ([], {})
    assert await urls.refresh(mine, "http://example.org/s") == []
    state = json.loads((urls.place(mine, "http://example.org/s") / "source.json").read_text())
    assert state["problem"] == "'http://example.org/s' must begin with https://"


async def test_an_index_elsewhere_or_too_large_changes_nothing(tmp_path: Path, here: Site) -> None:
    settings(tmp_path / "mimo/config", here)
    mine = host(tmp_path)
    elsewhere = {"Location": "http://169.254.169.254/s"}
    for why, answer in {
        "lies at http://169.254.169.254/s now": Answer(b"", status=302, headers=elsewhere),
        "has more than 1,000,000 bytes": Answer(b"[" + b" " * urls.INDEX + b"]"),
        "is not JSON": Answer(b"no"),
    }.items():
        here.pages["/s/index.json"] = answer
        await urls.refresh(mine, urls.urls(mine)[0])
        [said] = shelf(mine).problems
        assert f"{here.url}/s/index.json {why}" in said
    offer(here)
    here.pages["/s/greet/SKILL.md"] = Answer(b"---\nname: greet\n---\nno description")
    await urls.refresh(mine, urls.urls(mine)[0])
    assert "a skill needs a description" in shelf(mine).problems[0]
    assert shelf(mine).skills == {}


async def test_a_project_that_is_not_trusted_names_no_addresses(tmp_path: Path, here: Site) -> None:
    offer(here)
    settings(tmp_path / "project/.mimocode", here)
    await urls.first_time(host(tmp_path, trusted=False))
    assert here.asked == []
    await urls.first_time(host(tmp_path, trusted=True))
    assert len(here.asked) == 3


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({"skills": {}}, "must be a list of at most 200"),
        ([1], "entry 1: it is no table"),
        ([{"name": "../up", "files": ["SKILL.md"]}], "entry 1: name is '../up'"),
        ([{"name": "a", "files": ["SKILL.md"]}, {"name": "a", "files": ["SKILL.md"]}], "entry 2: name is 'a'"),
        ([{"name": "a", "files": []}], "files of a must be a list"),
        ([{"name": "a", "files": ["b.md"]}], "files of a lacks SKILL.md"),
        ([{"name": "a", "files": ["SKILL.md", "../../x"]}], "'../../x' is no path inside"),
        ([{"name": "a", "files": ["SKILL.md", "/etc/x"]}], "'/etc/x' is no path inside"),
        ([{"name": "a", "files": ["SKILL.md", "a\\b"]}], "is no path inside"),
        ([{"name": "a", "files": ["SKILL.md", "http://x/y"]}], "is no path inside"),
        ([{"name": "a", "files": ["SKILL.md", ".git/config"]}], "is no path inside"),
    ],
)
def test_what_an_index_may_not_say(rows: Any, why: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        urls.index(json.dumps(rows).encode(), "https://x/index.json")
    assert why in str(wrong.value) and str(wrong.value).startswith("https://x/index.json")


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_nothing_that_an_index_says_breaks_it(data: bytes) -> None:
    with contextlib.suppress(SettingsError):
        urls.index(data, "x")


def test_from_the_command_line(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    with site() as here:
        offer(here)
        settings(cli.home / ".config/mimocode", here)
        first = cli("skill", "show", "greet")
        assert (first.code, "Say hello." in first.out, first.err) == (0, True, "")
        offer(here, "goodbye")
        again = cli("skill", "list", "--refresh")
        assert (again.code, again.err) == (0, f"greet: changed ({here.url}/s)\n")
        asked_for = cli("run", "-m", cli.scenario([{"text": "Hello."}]), "/greet Ada")
        assert (asked_for.code, asked_for.out) == (0, "Hello.\n"), asked_for.err
    offline = cli("skill", "list", "--refresh")
    assert (offline.code, "cannot be fetched" in offline.err, "greet" in offline.out) == (0, True, True)
