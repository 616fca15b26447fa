"""What the user typed, across sessions: `<state>/prompt-history.jsonl`, one JSON object per line."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from prompt_toolkit.history import History

LONGEST = 20_000
"""Characters of an entry that is kept with what was pasted into it; of a longer one the markers are kept."""
KEPT, MOST = 1000, 2000
"""Entries that are kept when the file has grown beyond the most."""


class PromptHistory(History):
    """Reads the file once, appends to it, and is silent when it cannot: history is a comfort.

    Args:
        expand: gives a text without markers: another session does not know what stands behind them.
    """

    def __init__(self, path: Path, expand: Callable[[str], str] = str) -> None:
        super().__init__()
        self._path, self._expand = path, expand

    def load_history_strings(self) -> Iterable[str]:
        """Newest first."""
        try:
            rows = self._path.read_text("utf-8", errors="replace").splitlines()
        except OSError:
            return
        if len(rows) > MOST:
            rows = rows[-KEPT:]
            with contextlib.suppress(OSError):
                fresh = self._path.with_suffix(".new")
                fresh.write_text("\n".join(rows) + "\n", "utf-8")
                fresh.chmod(0o600)
                fresh.replace(self._path)
        for row in reversed(rows):
            with contextlib.suppress(ValueError, TypeError, KeyError):
                yield str(json.loads(row)["input"])

    def store_string(self, string: str) -> None:
        """Append one entry; a repetition of the last one is left out."""
        if self.get_strings()[-2:-1] == [string]:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            whole = self._expand(string)
            line = (
                json.dumps({"input": whole if len(whole) <= LONGEST else string}, ensure_ascii=False).encode(
                    "utf-8", "surrogatepass"
                )
                + b"\n"
            )
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, line)
            finally:
                os.close(handle)
