"""Which folders the user trusts, and for which content.

Kept in `<data>/trusted-workspaces.json`, never in the folder: the real path of a project's root, and the hash of every
file of it that would act (`acting`). A file that is new or has changed since makes the folder untrusted until the user
has looked again. A nested repository, a submodule and a linked worktree are roots of their own; a symbolic link is the
folder it leads to. The home directory and what holds it are never remembered.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mimocode.errors import UsageError
from mimocode.ports import Workspace

from .acting import Acting, acting
from .editing import SettingsFile


@dataclass(frozen=True)
class Trust:
    """The trust in one workspace: its real root, where one works in it, and the file that remembers."""

    root: Path
    directory: Path
    ledger: Path
    home: Path

    @cached_property
    def acting(self) -> list[Acting]:
        """Everything here that would act."""
        return acting(self.directory, self.root)

    @property
    def dangerous(self) -> bool:
        """Whether trust here would be trust in everything: the home directory, or what holds it."""
        return self.home == self.root or self.root in self.home.parents

    @property
    def known(self) -> bool:
        """Whether the user has said yes to this root before, whatever has changed since."""
        return str(self.root) in self._read() and not self.dangerous

    def pending(self) -> list[Acting]:
        """What would act and was not accepted as it is now. Nothing pending and `known` is trust."""
        entry = self._read().get(str(self.root), {})
        accepted = entry.get("files", {}) if isinstance(entry, dict) and not self.dangerous else {}
        return [each for each in self.acting if accepted.get(each.path) != each.digest or each.digest == "never"]

    @property
    def given(self) -> bool:
        """Whether everything here is as the user accepted it."""
        return self.known and not self.pending()

    def lines(self, of: Iterable[Acting] | None = None) -> list[str]:
        """What would act, one line each, for people."""
        shown = self.acting if of is None else list(of)
        return [f"{self._short(each.path)}: {_visible(each.says)}" for each in shown]

    def accept(self) -> None:
        """Trust the folder as it is now.

        Raises:
            UsageError: this folder is never remembered.
        """
        if self.dangerous:
            raise UsageError(f"{self.root} holds your home directory: it is never trusted as a whole")
        if any(each.digest == "never" for each in self.acting):
            raise UsageError(f"{self.root} has too much in it that would act to be looked at; nothing was trusted")
        table = self._read()
        before = table.get(str(self.root))
        files = before.get("files", {}) if isinstance(before, dict) else {}
        now = {each.path: each.digest for each in self.acting}
        table[str(self.root)] = {"files": {**files, **now}, "time": int(time.time())}
        self._write(table)

    def revoke(self) -> bool:
        """Forget the trust; False if there was none."""
        table = self._read()
        if table.pop(str(self.root), None) is None:
            return False
        self._write(table)
        return True

    def _short(self, path: str) -> str:
        return _visible(os.path.relpath(path, self.root))

    def _read(self) -> dict[str, Any]:
        try:
            table = json.loads(self.ledger.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        trusted = table.get("trusted") if isinstance(table, dict) else None
        return trusted if isinstance(trusted, dict) else {}

    def _write(self, trusted: dict[str, Any]) -> None:
        self.ledger.parent.mkdir(parents=True, exist_ok=True)
        draft = self.ledger.with_name(f".{self.ledger.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump({"version": 2, "trusted": trusted}, file, indent=1)
        draft.replace(self.ledger)


@dataclass(frozen=True, kw_only=True)
class Trusted(Workspace):
    """A workspace that knows whether the user trusts it (front ends ask with `trust`), and the user's settings file."""

    trust: Trust

    @property
    def own_settings(self) -> SettingsFile:
        """The settings file that changes of the user's own settings go to."""
        return SettingsFile.of(self.places.config)


def _visible(text: str, limit: int = 300) -> str:
    """One line that cannot command the terminal or hide what it says."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if len(shown) <= limit else f"{shown[: limit - 20]}...{shown[-17:]}"
