"""A keyring that is a file: a real backend of the keyring package, for processes of their own."""

from __future__ import annotations

from pathlib import Path

from support.cli import Cli

BACKEND = '''"""Keeps secrets in one JSON file; LOCKED=1 makes it refuse."""

import json, os, pathlib

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class Keyring(KeyringBackend):
    priority = 9
    name = "the test keyring"
    path = pathlib.Path(os.environ.get("BOXRING", "/nonexistent/box"))

    def _table(self):
        if os.environ.get("LOCKED"):
            raise KeyringLocked("locked")
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def get_password(self, service, username):
        return self._table().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        self.path.write_text(json.dumps(self._table() | {f"{service}/{username}": password}))

    def delete_password(self, service, username):
        table = self._table()
        if table.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("not found")
        self.path.write_text(json.dumps(table))
'''


def give_keyring(cli: Cli) -> str:
    """Let a command line have a keyring; returns the path of the file that it keeps."""
    (cli.site / "boxring.py").write_text(BACKEND, "utf-8")
    path = str(cli.home / "box.json")
    cli.env |= {"PYTHON_KEYRING_BACKEND": "boxring.Keyring", "BOXRING": path}
    return path


def no_keyring(cli: Cli) -> None:
    """A machine without one, whatever machine the tests run on."""
    cli.env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"


def newcomer(folder: Path) -> Cli:
    """`mimo` as somebody runs it who has nothing yet, nor a keyring."""
    made = Cli(folder)
    no_keyring(made)
    made.env["PROMPT_TOOLKIT_NO_CPR"] = "1"
    return made
