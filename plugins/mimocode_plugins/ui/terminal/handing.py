"""Hand the terminal over to a command that only a person can deal with: a login, a password, an editor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.application.current import set_app

if TYPE_CHECKING:
    from prompt_toolkit.application import Application


AGAIN = 0.05
"""Seconds until a command that was stopped goes on."""


async def hand_over(app: Application[Any], command: Sequence[str], directory: Path, env: Mapping[str, str]) -> int:
    """Leave the terminal to a command until it ends, and return its exit code (negative for a signal).

    A tool finds this as `host.options["hand_over"]`, without the first argument.
    """
    with set_app(app):
        return await run_in_terminal(lambda: _foreground(command, directory, env), in_executor=True)


def _foreground(command: Sequence[str], directory: Path, env: Mapping[str, str]) -> int:
    """Run it as the terminal's foreground group, so that Ctrl-C and Ctrl-\\ reach the command and not us."""
    terminal = sys.__stdin__.fileno() if sys.__stdin__ else 0
    output = sys.__stdout__.fileno() if sys.__stdout__ else 1
    # Taking the terminal back is done from the background, where SIGTTOU would stop us.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        os.write(output, f"$ {command[-1]}\n".encode("utf-8", "replace"))
        process = subprocess.Popen(
            command, cwd=directory, env=dict(env), process_group=0, stdin=terminal, stdout=output, stderr=output
        )
        while process.returncode is None:
            with suppress(OSError):
                os.tcsetpgrp(terminal, process.pid)
                os.killpg(process.pid, signal.SIGCONT)  # it may have been stopped for reading too early
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            if os.WIFSTOPPED(status):  # nobody could wake it up: Ctrl-Z means nothing here
                time.sleep(AGAIN)
            else:
                process.returncode = os.waitstatus_to_exitcode(status)
        return process.returncode
    finally:
        with suppress(OSError):
            os.tcsetpgrp(terminal, os.getpgrp())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTTOU})
