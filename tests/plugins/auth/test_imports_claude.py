"""What is shown before an import from Claude Code is what is written; a second one changes nothing; it can be undone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.host import Host
from mimocode_plugins.auth.imports import command
from mimocode_plugins.auth.imports.applying import Decided, State, decide
from mimocode_plugins.auth.imports.claude import versioned
from mimocode_plugins.auth.imports.items import Credential, Value
from mimocode_plugins.auth.imports.rules import translated
from mimocode_plugins.auth.vault import vault
from mimocode_plugins.auth.ways import own_settings
from support.cli import Cli
from support.homes import HOMES, KEY, SECRETS, Home, env
from support.model_server import ModelServer
from support.ring import no_keyring

PLUGINS = ("store.workspace", "auth.credentials", "auth.imports", "providers.anthropic", "providers.configured")


def furnish(folder: Path, home: Home, root: Path) -> None:
    """Write the files of a home directory."""
    for name, content in home.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, tuple):
            path.symlink_to(content[1])
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content)
            path.write_text(text.replace("<root>", str(root)), "utf-8")


def open_host(home: Path, root: Path, environ: dict[str, str]) -> Host:
    names = [f"mimocode_plugins.{name}" for name in (*PLUGINS, "ui.config", "guard.permission", "tools.external")]
    filled = {name: value.replace("<home>", str(home)) for name, value in environ.items()}
    environ = {"HOME": str(home), "MIMOCODE_AUTH_STORE": "file", **filled}
    return Host(names, directory=root, external=False, environ=environ, complain=print)


async def preview(host: Host) -> tuple[list[Decided], list[str]]:
    found = command.scan("claude", host)
    await command.declare(found, host)
    made = decide(found.items, vault(host), own_settings(host))
    return made, command.lines("claude", made, found)


def credentials(host: Host) -> dict[str, Any]:
    return {name: vault(host).get(name) for name in vault(host).names()}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def set_at(table: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    for key in keys[:-1]:
        table = table.setdefault(key, {})
    table[keys[-1]] = value


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.name)
async def test_what_is_shown_is_what_is_written(home: Home, tmp_path: Path) -> None:
    folder, root = tmp_path / "home", tmp_path / "project"
    folder.mkdir(), root.mkdir()
    furnish(folder, home, root)
    host = open_host(folder, root, home.environ)
    for name, record in home.kept.items():
        vault(host).put(name, record)
    own = own_settings(host)
    if home.own:
        own.put(list(home.own)[:1], home.own[next(iter(home.own))])
    theirs = contents(folder / ".claude")
    before, journal = credentials(host), host.paths.data / "imports/claude.json"

    made, lines = await preview(host)
    shown = "\n".join(lines)
    for part in home.says:
        assert part in shown
    promised = json.loads(json.dumps(home.own))
    for one in made:
        if one.state is State.NEW and isinstance(one.item.take, Value):
            set_at(promised, one.item.take.keys, one.item.take.value)
    keys = {one.item.take.provider for one in made if one.state is State.NEW and isinstance(one.item.take, Credential)}

    await command.take("claude", made, host)
    own = own_settings(host)
    assert (json.loads(own.text() or "{}"), credentials(host).keys() - before.keys()) == (promised, keys)
    assert (json.loads(own.text() or "{}"), credentials(host)) == (home.settings, home.credentials)
    assert contents(folder / ".claude") == theirs, "what is theirs is only read"
    kept = journal.read_text() if journal.exists() else ""
    assert not [secret for secret in SECRETS if secret in shown + own.text() + kept]
    _ = open_host(folder, root, home.environ).settings["permission"]  # and the file loads

    everything = contents(tmp_path)
    made, _ = await preview(host)
    assert [one for one in made if one.state is State.NEW] == []
    await command.take("claude", made, host)
    assert contents(tmp_path) == everything

    assert await command.undo("claude", host) == 0
    assert credentials(host) == before
    assert json.loads(own.text() or "{}") == home.own
    assert not journal.exists()


def test_there_are_as_many_homes_as_promised() -> None:
    assert len(HOMES) >= 20
    assert len({home.name for home in HOMES}) == len(HOMES)


async def test_what_was_changed_since_the_import_stays(tmp_path: Path) -> None:
    home = Home("one", {".claude/settings.json": {**env(ANTHROPIC_API_KEY=KEY), "model": "claude-sonnet-5"}})
    furnish(tmp_path, home, tmp_path)
    host = open_host(tmp_path, tmp_path, {})
    await command.take("claude", (await preview(host))[0], host)
    own_settings(host).put(["model"], "acme/other")
    vault(host).put("anthropic", {"type": "api", "key": "mine"})
    await command.undo("claude", host)
    assert credentials(host) == {"anthropic": {"type": "api", "key": "mine"}}
    assert json.loads(own_settings(host).text()) == {"model": "acme/other"}


# -- as a user does it ----------------------------------------------------------


def furnished(cli: Cli, **files: Any) -> None:
    no_keyring(cli)
    names = {"settings": ".claude/settings.json", "main": ".claude.json"}
    furnish(cli.home, Home("", {names.get(name, name): content for name, content in files.items()}), cli.project)


def test_from_an_empty_start_to_a_first_answer(cli: Cli) -> None:
    with ModelServer([{"text": "Hello."}]) as server:
        variables = env(ANTHROPIC_AUTH_TOKEN=SECRETS[2], ANTHROPIC_BASE_URL=server.url, ANTHROPIC_MODEL="test-model")
        furnished(cli, settings=variables)
        refused = cli("auth", "import", "claude")
        assert (refused.code, "accept with --yes" in refused.err) == (2, True)
        seen = cli("auth", "import", "claude", "--dry-run")
        assert not (cli.home / ".config").exists()
        done = cli("auth", "import", "claude", "--yes")
        assert (done.code, done.out) == (0, seen.out)
        answer = cli("run", "Hi")
        assert (answer.code, answer.out) == (0, "Hello.\n"), answer.err
        sent = server.requests[-1].headers
        assert (sent.get("authorization"), sent.get("x-api-key")) == (f"Bearer {SECRETS[2]}", None)
        for said in (refused, seen, done, answer, cli("config", "show")):
            assert SECRETS[2] not in said.out + said.err
    leaks = {
        os.path.relpath(name, cli.home) for name, data in contents(cli.home).items() if SECRETS[2].encode() in data
    }
    assert leaks == {".claude/settings.json", ".local/share/mimocode/auth.json"}


def test_a_helper_is_shown_and_only_run_when_that_is_wanted(cli: Cli) -> None:
    mark = cli.home / "it-ran"
    furnished(cli, settings={"apiKeyHelper": f"touch {mark}; echo {KEY}"})
    seen = cli("auth", "import", "claude", "--yes")
    assert f"touch {mark}; echo {KEY}"[:20] in seen.out
    assert not mark.exists()
    assert not (cli.home / ".local/share/mimocode/auth.json").exists()
    done = cli("auth", "import", "claude", "--yes", "--run-helper")
    assert done.code == 0, done.err
    assert "API key printed by apiKeyHelper, ~/.claude/settings.json: is taken" in done.out
    assert json.loads((cli.home / ".local/share/mimocode/auth.json").read_text())["anthropic"]["key"] == KEY


@pytest.mark.parametrize("helper", ["exit 3", "true", "echo two words", f"echo {KEY}; exit 1"])
def test_a_helper_that_fails_writes_nothing(cli: Cli, helper: str) -> None:
    furnished(cli, settings={"apiKeyHelper": helper})
    done = cli("auth", "import", "claude", "--yes", "--run-helper")
    assert done.code == 2
    assert "apiKeyHelper failed or printed no key" in done.err
    assert not (cli.home / ".local/share/mimocode/auth.json").exists()


def test_history_and_memory_come_along_once_and_go_again(cli: Cli) -> None:
    slug = "".join(c if c.isalnum() else "-" for c in os.path.realpath(cli.project))
    lines = [
        {"type": "user", "message": {"role": "user", "content": "Why?"}, "cwd": str(cli.project)},
        {
            "type": "assistant",
            "message": {"id": "a", "role": "assistant", "content": [{"type": "text", "text": "So."}]},
        },
    ]
    many = [json.dumps(line) for _ in range(300) for line in lines]
    furnished(
        cli,
        **{
            f".claude/projects/{slug}/0a1b.jsonl": "\n".join(many) + "\n{broken\n",
            f".claude/projects/{slug}/memory/notes.md": "The build wants make.",
            ".claude/projects/-elsewhere/ffff.jsonl": "\n".join(many),
            ".claude/CLAUDE.md": "Be brief.",
        },
    )
    seen = cli("auth", "import", "claude", "--dry-run")
    assert "1 transcripts of this project" in seen.out
    done = cli("auth", "import", "claude", "--yes")
    assert done.code == 0, done.err
    assert ":601: is no JSON object" in done.err
    assert [each["id"] for each in json.loads(cli("session", "list", "--format", "json").out)] == ["ses_claude_0a1b"]
    memory = {p.name for p in (cli.home / ".local/share/mimocode/memory").rglob("MEMORY-claude*")}
    assert memory == {"MEMORY-claude.md", "MEMORY-claude-notes.md"}
    journal = cli.home / ".local/share/mimocode/imports/claude.json"
    before = journal.read_text()
    assert cli("auth", "import", "claude", "--yes").code == 0
    assert journal.read_text() == before
    undone = cli("auth", "import", "claude", "--undo")
    assert undone.out.count("gone: ") == 3
    assert cli("session", "list", "--format", "json").out == ""
    assert not list((cli.home / ".local/share/mimocode/memory").rglob("MEMORY-claude*"))


# -- the pieces -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://x.example", "https://x.example/v1"),
        ("https://x.example/v1/", "https://x.example/v1"),
        (" https://x.example/anthropic// ", "https://x.example/anthropic/v1"),
        ("http://127.0.0.1:4000/v2", "http://127.0.0.1:4000/v2"),
    ],
)
def test_addresses_get_their_version(given: str, expected: str) -> None:
    assert versioned(given) == expected


@given(st.text(max_size=40), st.sampled_from(["allow", "ask", "deny"]))
def test_any_text_is_a_rule_or_says_why_not(line: str, action: str) -> None:
    made = translated(line, action)
    assert isinstance(made, str) or made[2] in ("allow", "ask", "deny")


@given(st.from_regex(r"(Read|Edit)\([a-z./*?]{1,12}\)", fullmatch=True))
def test_a_path_that_is_allowed_has_no_wildcard_in_its_middle(line: str) -> None:
    made = translated(line, "allow")
    if not isinstance(made, str):
        assert made[1] == "*" or not set(made[1].removesuffix("/*")) & set("*?")
