"""Keys are kept where only the user finds them, and reach nothing but the request they are for."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimocode.errors import ModelError, SettingsError, UsageError
from mimocode.host import Host
from mimocode_plugins.auth import records, ring
from mimocode_plugins.auth.vault import Vault
from support.cli import Cli
from support.model_server import ModelServer
from support.ring import give_keyring
from support.tty import terminal

SECRET = "sk-canary-1234567890abcdef"


def auth_file(cli: Cli) -> Path:
    return cli.home / ".local/share/mimocode/auth.json"


def acme(cli: Cli, url: str) -> None:
    models = {"test-model": {"limit": {"context": 100_000}}}
    cli.settings(
        model="acme/test-model",
        provider={"acme": {"env": ["ACME_API_KEY"], "options": {"baseURL": f"{url}/v1"}, "models": models}},
    )


def everything_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# -- without a keyring ----------------------------------------------------------


def test_a_key_from_stdin_is_kept_used_listed_and_forgotten(cli: Cli) -> None:
    with ModelServer([{"text": "Hello."}]) as server:
        acme(cli, server.url)
        kept = cli("auth", "login", "acme", stdin=f"{SECRET}\n".encode())
        assert (kept.code, kept.out) == (0, "")
        assert kept.err == "mimo: the key of acme is kept in ~/.local/share/mimocode/auth.json\n"
        assert json.loads(auth_file(cli).read_text()) == {"acme": {"type": "api", "key": SECRET}}
        assert auth_file(cli).stat().st_mode & 0o777 == 0o600

        listed = cli("auth", "ls")
        assert "acme  key  ~/.local/share/mimocode/auth.json\n" in listed.out

        done = cli("run", "Hi")
        assert (done.code, done.out) == (0, "Hello.\n")
        assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"

        assert cli("auth", "logout", "acme").code == 0
        assert json.loads(auth_file(cli).read_text()) == {}
        refused = cli("run", "Hi")
        assert refused.code == 1
        assert "ACME_API_KEY" in refused.err
        for said in (kept, listed, done, refused):
            assert SECRET not in said.out + said.err


def test_no_secret_reaches_the_log_the_database_a_child_or_an_export(cli: Cli) -> None:
    look = {"command": "env; cat ~/.local/share/mimocode/log/* 2>/dev/null; true", "description": "look"}
    with ModelServer([{"calls": [{"name": "bash", "arguments": look}]}, {"text": "Seen."}]) as server:
        acme(cli, server.url)
        content = json.dumps({"acme": {"type": "api", "key": SECRET}})
        done = cli("--print-logs", "--log-level", "DEBUG", "run", "--yolo", "Look", MIMOCODE_AUTH_CONTENT=content)
        assert (done.code, done.out) == (0, "Seen.\n")
        assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"
        assert SECRET not in json.dumps([request.body for request in server.requests])
    session = cli("session", "list", "--format", "json")
    exported = cli("session", "export", json.loads(session.out)[0]["id"])
    shown = cli("config", "show", MIMOCODE_AUTH_CONTENT=content)
    for said in (done, exported, shown):
        assert SECRET not in said.out + said.err
    leaks = [name for name, data in everything_below(cli.home).items() if SECRET.encode() in data]
    assert leaks == []


def test_credentials_in_a_variable_are_all_there_is_and_are_not_changed(cli: Cli) -> None:
    cli("auth", "login", "acme", stdin=b"from-the-file-1")
    content = json.dumps({"other": {"type": "api", "key": SECRET}, "broken": {"type": "api"}})
    listed = cli("auth", "list", MIMOCODE_AUTH_CONTENT=content)
    assert "other  key  MIMOCODE_AUTH_CONTENT\n" in listed.out
    assert "acme" not in listed.out
    assert "broken" not in listed.out
    for words in (("login", "acme"), ("logout", "other")):
        done = cli("auth", *words, stdin=b"new", MIMOCODE_AUTH_CONTENT=content)
        assert done.code == 2
        assert done.err == "mimo: credentials come from MIMOCODE_AUTH_CONTENT: unset it to change them\n"
    broken = cli("auth", "list", MIMOCODE_AUTH_CONTENT=f'{{"{SECRET}')
    assert (broken.code, broken.err) == (1, "mimo: MIMOCODE_AUTH_CONTENT: this is not a JSON object of credentials\n")


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (b"", "no key was given"),
        (b" \n", "no key was given"),
        (b"two words", "no key"),
        ("k\u201ck".encode(), "no key"),
    ],
)
def test_what_cannot_be_a_key_is_not_kept(cli: Cli, typed: bytes, why: str) -> None:
    done = cli("auth", "login", "acme", stdin=typed)
    assert done.code == 2
    assert why in done.err
    assert not auth_file(cli).exists()


def test_a_provider_has_a_name(cli: Cli) -> None:
    for words in ((), ("../x",), ("a b",)):
        assert cli("auth", "login", *words, stdin=b"key").code == 2
    assert "there is acme" in [cli("auth", "login", "acme", stdin=b"key"), cli("auth", "logout", "acne")][1].err


def test_a_broken_file_is_named_and_left_as_it_is(cli: Cli) -> None:
    auth_file(cli).parent.mkdir(parents=True)
    auth_file(cli).write_text(f'{{"acme": {{"type": "api", "key": "{SECRET}"')
    for words in (("list",), ("login", "acme"), ("logout", "acme")):
        done = cli("auth", *words, stdin=b"key")
        assert done.code == 1
        assert done.err == f"mimo: {auth_file(cli)}: is not JSON; mend it or move it away\n"
    assert SECRET in auth_file(cli).read_text()


def test_who_one_is(cli: Cli) -> None:
    vault = Vault(auth_file(cli).parent, cli.env | {"MIMOCODE_AUTH_STORE": "file"})
    assert cli("auth", "whoami").code == 1
    vault.put("xiaomi", records.key(SECRET, uid="4711"))
    vault.put("openai", {"type": "oauth", "refresh": "r", "access": "a", "expires": 0, "accountId": "acc_1"})
    assert cli("auth", "whoami").out == "openai  acc_1\nxiaomi  4711\n"


# -- with a keyring -------------------------------------------------------------


def test_where_there_is_a_keyring_no_file_holds_the_key(cli: Cli) -> None:
    box = Path(give_keyring(cli))
    with ModelServer([{"text": "Hello."}]) as server:
        acme(cli, server.url)
        done = cli("auth", "login", "acme", stdin=SECRET.encode())
        assert done.err == "mimo: the key of acme is kept in keyring\n"
        assert json.loads(json.loads(box.read_text())["mimocode/acme"]) == {"type": "api", "key": SECRET}
        leaks = [name for name, data in everything_below(cli.home).items() if SECRET.encode() in data]
        assert leaks == ["box.json"]
        assert cli("run", "Hi").out == "Hello.\n"
        assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"
        assert "acme  key  keyring\n" in cli("auth", "list").out
        locked = cli("auth", "list", LOCKED="1")
        assert "acme  unreadable: log in again  keyring\n" in locked.out
        cli("auth", "logout", "acme")
        assert json.loads(box.read_text()) == {}
        assert cli("run", "Hi").code == 1


def test_a_keyring_that_refuses_leaves_the_file(cli: Cli) -> None:
    give_keyring(cli)
    done = cli("auth", "login", "acme", stdin=b"key-1", LOCKED="1")
    assert done.err.startswith("mimo: the key of acme is kept in ~/.local/share/mimocode/auth.json\n")
    again = cli("auth", "login", "acme", stdin=b"key-2")
    assert again.err.startswith("mimo: the key of acme is kept in keyring\n")
    assert json.loads(auth_file(cli).read_text()) == {}
    own = cli("auth", "login", "acme", stdin=b"key-3", MIMOCODE_AUTH_STORE="file")
    assert "auth.json" in own.err
    assert json.loads(Path(cli.env["BOXRING"]).read_text()) == {}


def test_a_start_without_a_key_in_it_does_not_load_the_keyring(cli: Cli) -> None:
    give_keyring(cli)
    (cli.site / "boxring.py").write_text("raise SystemExit('the keyring was loaded')")
    assert cli("run", "-m", cli.scenario([{"text": "Hi."}]), "Hi").out == "Hi.\n"


# -- logins that end ------------------------------------------------------------


def host(home: Path, **table: Any) -> Host:
    environ = {"MIMOCODE_HOME": str(home), "MIMOCODE_AUTH_CONTENT": json.dumps(table)}
    names = ["mimocode_plugins.store.workspace", "mimocode_plugins.auth.credentials"]
    return Host(names, directory=home, external=False, environ=environ, complain=print)


async def test_an_access_token_is_used_until_it_ends(tmp_path: Path) -> None:
    good = {"type": "oauth", "refresh": "r", "access": "a-1", "expires": (time.time() + 3600) * 1000}
    over = {**good, "expires": (time.time() - 1) * 1000}
    asked = host(tmp_path, good=good, over=over, address={"type": "wellknown", "key": "X", "token": "t"})
    assert await asked.credential("good") == "a-1"
    assert await asked.credential("address") is None
    assert await asked.credential("nobody") is None
    with pytest.raises(ModelError, match="the login at over has expired: log in again"):
        await asked.credential("over")


# -- the file -------------------------------------------------------------------

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
RECORDS = st.one_of(
    st.builds(records.key, st.text(max_size=20)),
    st.fixed_dictionaries(
        {"type": st.just("oauth"), "refresh": st.text(), "access": st.text(), "expires": st.integers(0, 10**15)}
    ),
)


@settings(max_examples=25)  # each writes to the disk
@given(st.lists(st.tuples(NAMES, st.none() | RECORDS), max_size=8))
def test_the_file_holds_what_was_put_last(tmp_path_factory: pytest.TempPathFactory, steps: list[Any]) -> None:
    vault = Vault(tmp_path_factory.mktemp("vault"), {"MIMOCODE_AUTH_STORE": "file"})
    expected: dict[str, Any] = {}
    for name, record in steps:
        if record is None:
            assert vault.remove(name) == (expected.pop(name, None) is not None)
        else:
            vault.put(name, record)
            expected[name] = record
    assert {name: vault.get(name) for name in vault.names()} == expected


@settings(max_examples=25)
@given(st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.dictionaries(st.text(), inner)))
def test_entries_that_make_no_sense_are_passed_over_and_kept(
    tmp_path_factory: pytest.TempPathFactory, odd: Any
) -> None:
    folder = tmp_path_factory.mktemp("vault")
    (folder / "auth.json").write_text(json.dumps({"odd": odd, "https://x.example/": records.key("k")}))
    vault = Vault(folder, {"MIMOCODE_AUTH_STORE": "file"})
    assert vault.get("https://x.example") == records.key("k")
    assert vault.get("odd") is None
    vault.put("new", records.key("n"))
    assert json.loads(vault.file.read_text())["odd"] == odd


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(SettingsError, match="cannot be written"):
        Vault(tmp_path / "data", {"MIMOCODE_AUTH_STORE": "file"}).put("acme", records.key("k"))
    with pytest.raises(UsageError):
        Vault(tmp_path, {"MIMOCODE_AUTH_CONTENT": "{}"}).put("acme", records.key("k"))


def test_two_processes_that_log_in_at_once_both_keep_their_keys(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from mimocode_plugins.auth import records, ring
from mimocode_plugins.auth.vault import Vault
vault = Vault(Path(sys.argv[1]), {"MIMOCODE_AUTH_STORE": "file"})
for number in range(20):
    vault.put(f"{sys.argv[2]}-{number}", records.key("k"))
"""
    path = ":".join(part for part in sys.path if part)
    words = [[sys.executable, "-c", code, str(tmp_path), name] for name in ("one", "two")]
    processes = [subprocess.Popen(each, env={"PYTHONPATH": path}) for each in words]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert len(Vault(tmp_path, {}).names()) == 40


def test_a_keyring_that_never_answers_does_not_hold_up_a_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Waits:
        priority = 9
        left = threading.Event()

        def set_password(self, *_: str) -> None:
            self.left.wait()

    stuck = Waits()
    monkeypatch.setattr(ring, "PATIENCE", 0.2)
    monkeypatch.setattr(ring, "backend", lambda: stuck)
    place = Vault(tmp_path, {}).put("acme", records.key("k-1"))
    stuck.left.set()
    assert place == str(tmp_path / "auth.json")
    assert json.loads((tmp_path / "auth.json").read_text()) == {"acme": {"type": "api", "key": "k-1"}}


def test_without_a_provider_all_ways_are_shown_to_who_sits_there(cli: Cli) -> None:
    with terminal(cli, "auth", "login", columns=110, rows=40) as tty:
        tty.wait("How do you want to get a model")
        tty.send("\x03")
        assert tty.end() == 130
    assert "name a provider" in cli("auth", "login").err
