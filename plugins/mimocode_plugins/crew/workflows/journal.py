"""The journal of a run: one JSON value a line in `<data>/workflow/<id>.jsonl`, written as things happen."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.errors import UsageError

if TYPE_CHECKING:
    from mimocode.host import Host


def folder(host: Host) -> Path:
    """Where the journals are."""
    return host.paths.data / "workflow"


class Journal:
    """One run's journal, open for more. A line that a death cut short is passed over."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[dict[str, Any]] = []
        if path.exists():
            for raw in path.read_text("utf-8", "replace").splitlines():
                try:
                    line = json.loads(raw)
                except ValueError:
                    continue
                self.lines.append(line)
        self._known: dict[str, list[Any]] = defaultdict(list)
        for line in self.lines:
            if "key" in line:
                self._known[line["key"]].append(line["value"])
        self._asked: Counter[str] = Counter()

    @property
    def head(self) -> dict[str, Any]:
        """How the run began.

        Raises:
            UsageError: this is no journal.
        """
        if not self.lines or "name" not in self.lines[0]:
            raise UsageError(f"{self.path} is not the journal of a run")
        return self.lines[0]

    @property
    def end(self) -> dict[str, Any]:
        """How it ended last; empty while it runs, or when it was cut off."""
        last = self.lines[-1] if self.lines else {}
        return last if "ended" in last else {}

    def write(self, **line: Any) -> None:
        """Add a line."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**line, "at": time.time()}, ensure_ascii=False) + "\n")
        self.lines.append(line)

    def occurrence(self, key: str) -> tuple[bool, Any]:
        """Whether this very thing succeeded in an earlier process, and its result; the n-th question gets the n-th."""
        number = self._asked[key]
        self._asked[key] += 1
        known = self._known.get(key, [])
        return (True, known[number]) if number < len(known) else (False, None)


def key(prompt: str, opts: Mapping[str, Any], script: str, tools: Any) -> str:
    """What makes two orders the same: what was asked of whom, with which tools, by which script (runtime.md 10.3)."""
    parts = [prompt, *(opts.get(name) for name in ("agent", "model", "schema", "phase", "context")), script, tools]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def shown(value: Any) -> str:
    """A result as text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def find(host: Host, id: str) -> Journal:
    """A run's journal by its id; without one the latest that has not ended well.

    Raises:
        UsageError: there is none.
    """
    if id:
        path = folder(host) / f"{id}.jsonl"
        if "/" in id or not path.exists():
            raise UsageError(f"there is no run {id!r}; `mimo workflow list` shows the latest")
        return Journal(path)
    for each in latest(host):
        if each.end.get("ended") != "done":
            return each
    raise UsageError("there is no run to go on with")


def latest(host: Host) -> list[Journal]:
    """The journals of this project, the latest first."""
    here = str(host.root)
    paths = sorted(folder(host).glob("wf_*.jsonl"), reverse=True)[:200]
    return [each for each in map(Journal, paths) if each.lines and each.lines[0].get("root") == here]
