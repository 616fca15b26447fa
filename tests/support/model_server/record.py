"""What was asked: recorded requests, and how much of each one a prompt cache would find again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import chat, messages, responses

WIRES: dict[str, Any] = {"/v1/chat/completions": chat, "/v1/responses": responses, "/v1/messages": messages}


@dataclass
class Request:
    """One request as it came, and what became of it."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    raw: bytes
    time: float
    step: int = -1
    status: int = 0
    refused: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def canonical(self) -> bytes:
        """Tools, system and messages as a prompt cache sees them: cache_control stripped, one block a line."""
        wire = WIRES.get(self.path)
        blocks = wire.canonical(self.body) if wire else []
        return b"".join(json.dumps(stripped(b), ensure_ascii=False).encode() + b"\n" for b in blocks)

    def line(self) -> str:
        """As a line of the log file."""
        return json.dumps(asdict(self) | {"raw": self.raw.decode("utf-8", "replace")})


def stripped(value: Any) -> Any:
    """A value without cache_control, key order kept: the order is part of the bytes."""
    if isinstance(value, dict):
        return {k: stripped(v) for k, v in value.items() if k != "cache_control"}
    return [stripped(v) for v in value] if isinstance(value, list) else value


def prefix_kept(requests: list[Request]) -> list[float]:
    """For every request the share of the previous one's canonical bytes that it begins with; 1.0 for the first."""
    kept: list[float] = []
    before = b""
    for request in requests:
        now = request.canonical
        low, high = 0, min(len(before), len(now))
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if before[:middle] == now[:middle] else (low, middle - 1)
        kept.append(low / len(before) if before else 1.0)
        before = now
    return kept


def read_log(path: Path | str) -> list[Request]:
    """The requests of a log file; a line that is still being written is left out."""
    made = []
    for line in Path(path).read_text().splitlines():
        try:
            raw = json.loads(line)
        except ValueError:
            break
        made.append(Request(**raw | {"raw": raw["raw"].encode()}))
    return made
