"""What logins with an account have in common: the questions, what is kept, and whose it is."""

from __future__ import annotations

import json
from typing import Any

from support.cli import Cli
from support.tty import terminal

READY = {"text": "Hello there, friend.", "calls": [{"name": "echo", "arguments": {"text": "ready"}}]}
"""Passes the trial of a model."""


def log_in(cli: Cli, way: str, how: str, issuer: Any, code: str, **kept: str) -> None:
    """Walk a way of `mimo setup`, with a browser or a code, until its model works; one provider then has a login."""
    with terminal(cli, "setup", way, columns=120, rows=40) as tty:
        tty.wait("How do you log in")
        tty.send("\x1b[B\r" if how == "code" else "\r")
        if how == "code":
            tty.wait(code)
        tty.wait("Begin with")
        assert tty.end() == 0
        assert issuer.access not in tty.text
    [(provider, whose)] = kept.items()
    record = json.loads((cli.home / ".local/share/mimocode/auth.json").read_text())[provider]
    assert (record["type"], record["access"], record["accountId"]) == ("oauth", issuer.access, whose)
    assert cli("auth", "whoami").out == f"{provider}  {whose}\n"
