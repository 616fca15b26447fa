"""Standard input without ever hanging.

Programs that start us (editors, CI, other agents) often leave a pipe open that nobody will ever write to; reading
it to its end would hang for ever (demands.md 45). The rule, which `mimo run --help` repeats:

- a terminal, /dev/null or a closed stdin is not read;
- a file (`< notes.txt`) is read to its end;
- a pipe is read if something arrives (or it ends) within half a second, and then until it ends or falls silent;
- the message word `-` says: this pipe is meant, wait for its end as long as it takes.
"""

from __future__ import annotations

import os
import select
import stat
from dataclasses import dataclass
from time import monotonic

from mimocode.errors import UsageError

FIRST = 0.5
"""Seconds in which a pipe must show its first byte."""
ALONE = 5.0
"""The same when there is no other message, so that stdin is all there is to wait for."""
SILENCE = 2.0
"""Seconds without a byte after which a pipe that began to speak is taken to have finished."""
LIMIT = 4 * 1024 * 1024
"""Bytes. More than this is no message, and `yes | mimo run` has to end."""


@dataclass(frozen=True)
class Piped:
    """What standard input held, and a sentence for the user where it was not read to its end."""

    text: str = ""
    remark: str = ""


def piped(*, wait: bool = False, alone: bool = False, descriptor: int = 0) -> Piped:
    """Read standard input by the rule above.

    Args:
        wait: the user named `-`: wait for the end.
        alone: there is no other message.
        descriptor: the file descriptor to read.

    Raises:
        UsageError: there is more than 4 MiB of it.
    """
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return Piped()
    if stat.S_ISREG(mode) or (wait and not os.isatty(descriptor)):
        return Piped(_decoded(_read(descriptor, None)[0]))
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return Piped()
    first = ALONE if alone else FIRST
    if not _ready(descriptor, first):
        return Piped("", f"Standard input is an open pipe and nothing came within {first:g} s: not read (`-` waits).")
    data, ended = _read(descriptor, SILENCE)
    remark = f"Standard input fell silent for {SILENCE:g} s: what came so far is used (`-` waits for its end)."
    return Piped(_decoded(data), "" if ended else remark)


def _ready(descriptor: int, seconds: float | None) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])


def _read(descriptor: int, silence: float | None) -> tuple[bytes, bool]:
    """Everything up to the end (True) or up to `silence` seconds without a byte (False)."""
    chunks: list[bytes] = []
    size, began = 0, monotonic()
    while silence is None or (_ready(descriptor, silence) and monotonic() - began < 60):
        try:
            chunk = os.read(descriptor, 65536)
        except ConnectionError:
            return b"".join(chunks), True
        if not chunk:
            return b"".join(chunks), True
        chunks.append(chunk)
        if (size := size + len(chunk)) > LIMIT:
            raise UsageError("Standard input is longer than 4 MiB: save it to a file and name the file in the message.")
    return b"".join(chunks), False


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", errors="replace").removeprefix("\ufeff")
