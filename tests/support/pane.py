"""One pane of a real tmux with `mimo` in it: keys are sent, and what the pane shows is read."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from support.cli import Cli

PATIENCE = 120.0
"""Seconds that something may take to appear where the machine is slow."""


class Pane:
    """One tmux pane with `mimo` in it."""

    def __init__(self, cli: Cli, folder: Path) -> None:
        self.cli, self.socket = cli, str(folder / "tmux.sock")

    def tmux(self, *words: str) -> str:
        """Run a tmux command on a server of our own."""
        env = {name: value for name, value in self.cli.env.items() if name != "TMUX"}
        done = subprocess.run(
            ["tmux", "-S", self.socket, "-f", "/dev/null", *words], env=env, capture_output=True, text=True, check=False
        )
        return done.stdout

    def start(self, *words: str, columns: int = 100, rows: int = 40) -> None:
        """Run `mimo` in a pane of its own."""
        self._run([sys.executable, "-m", "mimocode.main", *words], columns, rows)

    def shell(self) -> None:
        """Run a shell, which has jobs."""
        self._run(["bash", "--norc", "--noprofile", "-i"], 100, 40)

    def _run(self, command: list[str], columns: int, rows: int) -> None:
        self.tmux("kill-server")
        stays = ("set-option", "-g", "remain-on-exit", "on", ";")
        place = ("-d", "-x", str(columns), "-y", str(rows), "-c", str(self.cli.project))
        until = time.monotonic() + PATIENCE
        while self.tmux("list-sessions") and time.monotonic() < until:
            time.sleep(0.02)
        while not self.tmux("list-sessions") and time.monotonic() < until:  # a server that is leaving takes nobody in
            self.tmux("start-server", ";", *stays, "new-session", *place, *command)

    @property
    def pid(self) -> int:
        """The process in the pane."""
        return int(self.tmux("display-message", "-p", "#{pane_pid}"))

    @property
    def text(self) -> str:
        """The scrollback and the screen."""
        return self.tmux("capture-pane", "-p", "-S", "-2000")

    def keys(self, *keys: str) -> None:
        """Press keys, by tmux' names."""
        self.tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type letters."""
        self.tmux("send-keys", "-l", text)

    def wait(self, wanted: str | Callable[[str], object]) -> str:
        """Look until a regular expression is found, or a condition on the text holds; all that is shown then."""
        until = time.monotonic() + PATIENCE
        holds = (lambda text: re.search(wanted, text)) if isinstance(wanted, str) else wanted
        while not holds(shown := self.text):
            assert time.monotonic() < until, f"{wanted!r} did not appear:\n{shown}"
            time.sleep(0.05)
        return shown

    def say(self, text: str, wanted: str) -> str:
        """Say something at an idle prompt and wait for something."""
        self.wait(r"❯ Say what to do[^\n]*\n  \w+ · [^\n]*\s*\Z")
        self.type(text)
        self.wait(r"❯ " + re.escape(text[:40]))
        self.keys("Enter")
        return self.wait(wanted)

    def end(self) -> None:
        """Kill the program and wait until it is gone."""
        pid = self.pid
        self.tmux("kill-server")
        until = time.monotonic() + PATIENCE
        while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
            time.sleep(0.02)

    def pick(self, question: str, label: str) -> None:
        """Answer a menu with the option that has this text in it."""
        self.wait(lambda text: any(row.startswith(" » ") for row in _options(text, question)))
        self.wait(lambda text: any(label in row for row in _options(text, question)))
        rows = _options(self.text, question)
        at = next(number for number, row in enumerate(rows) if row.startswith(" » "))
        to = next(number for number, row in enumerate(rows) if label in row)
        for _ in range(abs(to - at)):
            self.keys("Down" if to > at else "Up")
        self.wait(lambda text: any(row.startswith(" » ") and label in row for row in _options(text, question)))
        self.keys("Enter")

    def answer(self, question: str, text: str, *, over: bool = False) -> None:
        """Type an answer to a question, in place of what is suggested, and Enter."""
        self.wait(question)
        if over:
            self.keys("C-u")
        self.type(text)
        self.keys("Enter")


def _options(text: str, question: str) -> list[str]:
    """The options of a menu as they are shown: what comes after the last such question."""
    rows = text.splitlines()
    asked = [number for number, row in enumerate(rows) if question in row and row.startswith("?")]
    return [row for row in rows[asked[-1] + 1 :] if row.startswith((" » ", "   "))] if asked else []
