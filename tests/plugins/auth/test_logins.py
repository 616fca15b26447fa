"""Secrets by name: in a keyring when there is one, else in a file that only the user reads."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked

from mimocode.errors import StoreError
from mimocode_plugins.auth import logins as plugin
from mimocode_plugins.auth.logins.vault import Vault


class Ring(KeyringBackend):
    """A keyring in memory, which can be locked."""

    priority = 5

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.locked = False

    def _open(self) -> dict[str, str]:
        if self.locked:
            raise KeyringLocked("locked")
        return self.kept

    def get_password(self, service: str, username: str) -> str | None:
        return self._open().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()[f"{service} {username}"] = password

    def delete_password(self, service: str, username: str) -> None:
        del self._open()[f"{service} {username}"]


@pytest.fixture
def ring() -> Any:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    yield Ring()
    keyring.set_keyring(before)


async def test_a_file_of_mode_0600_when_there_is_no_keyring(tmp_path: Path, ring: Ring) -> None:
    vault = await plugin.open_vault(host=SimpleNamespace(paths=SimpleNamespace(data=tmp_path / "data")))
    assert await vault.read("a") is None and not await vault.delete("a")
    await vault.write("a", "one")
    await vault.write("b", "two")
    file = tmp_path / "data/mcp-auth.json"
    assert json.loads(file.read_text()) == {"a": "one", "b": "two"} and file.stat().st_mode & 0o777 == 0o600
    assert await Vault(file).read("a") == "one"
    assert await vault.delete("a") and await vault.read("a") is None


async def test_a_keyring_is_used_and_takes_over_what_the_file_had(tmp_path: Path, ring: Ring) -> None:
    file = tmp_path / "f.json"
    await Vault(file).write("a", "old")
    keyring.set_keyring(ring)
    vault = Vault(file)
    assert await vault.read("a") == "old"
    await vault.write("a", "new")
    assert (ring.kept, json.loads(file.read_text())) == ({"mimocode a": "new"}, {})
    assert await vault.read("a") == "new" and await vault.delete("a") and ring.kept == {}


async def test_a_keyring_that_fails_or_never_answers_is_not_asked_again(
    tmp_path: Path, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring.locked = True
    keyring.set_keyring(ring)
    vault = Vault(tmp_path / "f.json")
    await vault.write("a", "kept")
    ring.locked = False
    assert await vault.read("a") == "kept" and ring.kept == {}

    gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    monkeypatch.setattr("mimocode_plugins.auth.logins.vault.PATIENCE", 0.05)
    monkeypatch.setattr(ring, "get_password", lambda *_: asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(20))
    assert await Vault(tmp_path / "f.json").read("a") == "kept"
    gate.set()


async def test_a_file_that_makes_no_sense_is_empty_and_one_that_cannot_be_written_is_said(
    tmp_path: Path, ring: Ring
) -> None:
    file = tmp_path / "f.json"
    for text in ("[]", "{", "\0"):
        file.write_text(text)
        assert await Vault(file).read("a") is None
    (tmp_path / "plain").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        await Vault(tmp_path / "plain/f.json").write("a", "b")
