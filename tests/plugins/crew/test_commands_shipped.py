"""The eight commands that ship, as anybody gives them: in `mimo run`, and at the terminal."""

from __future__ import annotations

import re

import pytest

from support.cli import Cli
from support.tty import terminal

ECHO = [{"text": "heard: ${prompt}"}]
SHIPPED = {
    "init": "heard: Write an AGENTS.md in the root of this project",
    "review": 'heard: Hand the following to a subagent of type "reviewer"',
    "dream": "looked through: nothing to do",
    "distill": "nothing was done often enough to write it down",
    "goal the tests pass :: true": "heard: the tests pass",
    "commit": "heard: Commit the current work.",
    "explain the login": "heard: Explain: the login",
    "test": "heard: Run the tests:",
}
"""What is typed, and what shows that it was understood: the agent heard it, or a plugin did it."""


@pytest.mark.parametrize("typed", SHIPPED)
def test_given_to_mimo_run(cli: Cli, typed: str) -> None:
    done = cli("run", "-m", cli.scenario(ECHO), f"/{typed}")
    assert done.code == 0, done.err
    assert SHIPPED[typed] in done.out + done.err
    assert done.out.startswith("heard: ") == SHIPPED[typed].startswith("heard: "), "an answer is a result"


def test_typed_at_the_terminal(cli: Cli) -> None:
    model = cli.scenario([], turns=[ECHO] * len(SHIPPED))
    with terminal(cli, "-m", model, columns=120, rows=50) as tty:
        for typed, wanted in SHIPPED.items():
            tty.wait(
                lambda tty: (
                    "Say what to do" in "".join(tty.lines[-2:])
                    and "esc interrupts" not in tty.text
                    and re.search(r"^  (build|plan|max|compose) · ", tty.lines[-1])
                )
            )
            tty.send(f"/{typed} ")
            tty.wait(lambda tty, typed=typed: f"❯ /{typed}" in "\n".join(tty.lines))
            tty.send("\r")
            tty.wait(re.escape(wanted))
