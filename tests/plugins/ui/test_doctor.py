"""`mimo doctor` finds what is wrong, says what to do, and shows no secret."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from support.canary import SANDBOX_ONLY
from support.cli import Cli
from support.model_server import ModelServer
from support.ring import give_keyring, no_keyring

TESTS = Path(__file__).parents[2]
SECRET = "sk-canary-gggggggggggggggggggg"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    made = Cli(tmp_path)
    no_keyring(made)
    return made


def findings(cli: Cli, *words: str, **env: str) -> dict[str, list[dict[str, Any]]]:
    done = cli(*words, "doctor", "--json", **env)
    said = json.loads(done.out)
    assert said["version"] == 1
    assert said["ok"] == (done.code == 0) == all(each["level"] != "fail" for each in said["checks"])
    assert SECRET not in done.out + done.err
    found: dict[str, list[dict[str, Any]]] = {}
    for each in said["checks"]:
        found.setdefault(each["what"], []).append(each)
    return found


def test_a_machine_where_all_is_well(cli: Cli) -> None:
    give_keyring(cli)
    with ModelServer([]) as server:
        options = {"baseURL": f"{server.url}/v1"}
        odd = {"type": "local", "command": [sys.executable, str(TESTS / "support/odd_server.py")]}
        servers = {"odd": {**odd, "environment": {"PYTHONPATH": str(TESTS)}}, "off": {**odd, "enabled": False}}
        cli.settings(model="acme/m", provider={"acme": {"options": options, "models": {"m": {}}}}, mcp=servers)
        cli("auth", "login", "acme", stdin=SECRET.encode())
        found = findings(cli)
        levels = {each["level"] for name in found if name not in ("sandbox", "rg", "git") for each in found[name]}
        assert levels == {"ok"}
        assert found["keyring"][0]["finding"] == "the test keyring"
        assert found["network"][0]["finding"].startswith(server.url)
        assert [(each["finding"].partition(" ")[0], each["fix"]) for each in found["mcp"]] == [
            ("odd:", ""),
            ("off:", ""),
        ]
        shown = cli("doctor")
        assert shown.out.startswith("✓ python ")
        assert shown.code == 0
        assert ", 0 fail" in shown.out.splitlines()[-1]


def test_everything_that_can_be_wrong_is_found_with_its_fix(cli: Cli) -> None:
    cli.settings(
        model="acme/m",
        provider={"acme": {"options": {"baseURL": "http://127.0.0.1:9/v1"}, "models": {"m": {}}}},
        mcp={
            "gone": {"type": "local", "command": ["no-such-program"]},
            "far": {"type": "remote", "url": "http://127.0.0.1:9/mcp"},
        },
        snapshot="perhaps",
    )
    auth = cli.home / ".local/share/mimocode/auth.json"
    auth.parent.mkdir(parents=True)
    auth.write_text(json.dumps({"acme": {"type": "api", "key": SECRET}}))
    auth.chmod(0o644)
    cli.plugin("broken", "raise RuntimeError('no')")
    found = findings(cli, MIMOCODE_TYPO="1", MIMOCODE_CODEX_MODE="1", PATH="/nonexistent", LANG="POSIX", PYTHONUTF8="0",
                     PYTHONCOERCECLOCALE="0")  # fmt: skip
    wrong = {what: {each["level"] for each in rows} - {"ok"} for what, rows in found.items()}
    assert {what for what, levels in wrong.items() if "fail" in levels} == {
        "auth.json", "mcp", "network", "plugin", "settings",
    }  # fmt: skip
    assert {what for what, levels in wrong.items() if "warn" in levels} >= {"git", "keyring", "rg", "variable"}
    assert [each["finding"] for each in found["variable"]] == [
        "MIMOCODE_TYPO is unknown",
        "MIMOCODE_CODEX_MODE has no effect here: there is no such thing here",
    ]
    assert [(each["level"], each["fix"]) for each in found["mcp"]] == [
        ("fail", "`mimo mcp debug gone`"),
        ("fail", "`mimo mcp debug far`"),
    ]
    assert all(each["fix"] for rows in found.values() for each in rows if each["level"] == "fail")
    shown = cli("doctor")
    assert shown.code == 1
    assert f"→ chmod 600 {auth}" in shown.out


def test_a_sandbox_is_tried_and_one_that_is_required_must_be_there(cli: Cli) -> None:
    [tried] = findings(cli)["sandbox"]
    assert tried["finding"].split(",")[0] in cli("sandbox").out.splitlines()[0]
    cli.settings(sandbox={"enabled": False})
    [off] = findings(cli)["sandbox"]
    assert (off["level"], off["finding"]) == ("warn", "no sandbox (the settings switch it off)")
    cli.settings(sandbox={"enabled": False, "required": True})
    [off] = findings(cli)["sandbox"]
    assert (off["level"], off["fix"]) == ("fail", "sandbox.required is set: no command runs")


@SANDBOX_ONLY
def test_a_sandbox_from_which_our_own_code_can_be_changed_is_none(cli: Cli) -> None:
    cli.project = TESTS.parent
    [_, warned] = findings(cli)["sandbox"]
    assert warned["level"] == "warn"
    assert warned["finding"].startswith(f"mimo itself runs from {TESTS.parent}")


def test_a_log_that_was_edited_is_found(cli: Cli) -> None:
    assert cli("run", "-m", cli.scenario([{"text": "Hi."}]), "Hi").code == 0
    assert findings(cli)["log"][0]["finding"] == "1 session; the latest is as written"
    import sqlite3

    with sqlite3.connect(cli.home / ".local/share/mimocode/mimocode.db") as database:
        [(table,)] = database.execute(
            "select name from sqlite_schema where type='table' and name like '%fact%' limit 1"
        )
        columns = [row[1] for row in database.execute(f"pragma table_info({table})")]
        column = next(name for name in columns if name in ("data", "body", "json", "fact"))
        database.execute(f"update {table} set {column} = replace({column}, 'Hi', 'Ho') where {column} like '%Hi%'")
    database.close()
    [log] = findings(cli)["log"]
    assert log["level"] == "fail"


def test_a_place_that_cannot_be_written_and_settings_that_are_broken(cli: Cli) -> None:
    (cli.home / ".cache").write_text("in the way")
    found = findings(cli)
    assert [each["level"] for each in found["cache"]] == ["fail"]
    assert found["model"][0]["fix"] == "`mimo setup` leads to one"
    cli.settings(modle="x")
    assert any(
        each["level"] == "fail" and "modle" in each["finding"] for rows in findings(cli).values() for each in rows
    )
