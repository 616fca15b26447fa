"""What the three wires share: refusals, steps, hashes, splitting into deltas."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

PICTURE = re.compile(r"^data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+$")


class Refused(Exception):
    """The request is answered with an error."""

    def __init__(self, status: int, message: str, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param


@dataclass(frozen=True)
class Step:
    """One scripted answer."""

    text: str = ""
    reasoning: str = ""
    redacted: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    usage: dict[str, int] = field(default_factory=dict)
    finish: str = ""
    delay: float = 0.0
    pace: float = 0.0
    chunk: int = 0
    fault: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: dict[str, Any]) -> Step:
        """A step from a script; unknown keys are the test author's mistake."""
        made = dict(raw)
        made["calls"] = tuple(made.get("calls", ()))
        return cls(**made)

    def pieces(self, text: str) -> list[str]:
        """A text as deltas."""
        if self.chunk:
            return [text[i : i + self.chunk] for i in range(0, len(text), self.chunk)]
        return re.findall(r"\s*\S+\s*$|\s*\S+|\s+$", text)


@dataclass(frozen=True)
class Play:
    """A step about to be answered: everything that the wire needs to word it."""

    step: Step
    model: str
    mark: str
    """A short hash of the request, for ids."""
    asked: int
    """Characters of the request."""
    body: dict[str, Any]

    def call_id(self, index: int, prefix: str) -> str:
        """The same id for the same request; the ending says whether reasoning was sent with it."""
        given = self.step.calls[index].get("id")
        thought = "r" if self.step.reasoning or self.step.redacted else "n"
        return str(given) if given else f"{prefix}{self.mark}_{index}{thought}"

    def arguments(self, index: int) -> str:
        """Raw JSON text of a call's arguments."""
        call = self.step.calls[index]
        return str(call["raw"]) if "raw" in call else json.dumps(call.get("arguments", {}))

    @property
    def tokens(self) -> dict[str, int]:
        """The scripted usage, or an estimate."""
        said = self.step.text + self.step.reasoning + "".join(self.arguments(i) for i in range(len(self.step.calls)))
        estimate = {"input": self.asked // 4 + 1, "output": len(said) // 4 + 1}
        return (
            {"cache_read": 0, "cache_write": 0, "reasoning": len(self.step.reasoning) // 4} | estimate | self.step.usage
        )

    @property
    def finish(self) -> str:
        """How the answer ends, in our words."""
        return self.step.finish or ("calls" if self.step.calls else "stop")


def digest(value: str, length: int = 12) -> str:
    """A short hash."""
    return hashlib.sha256(value.encode()).hexdigest()[:length]


def sse(data: Any, event: str = "") -> bytes:
    """One server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return (f"event: {event}\n" if event else "").encode() + f"data: {text}\n\n".encode()


def refuse_unknown(got: dict[str, Any], known: set[str], where: str, wording: str) -> None:
    """Refuse fields that the provider does not know. `wording` has a {} for the field."""
    for key in got:
        if key not in known:
            raise Refused(400, wording.format(f"{where}{key}"), param=f"{where}{key}")


def need(condition: bool, message: str, **more: Any) -> None:
    """Refuse with 400 unless."""
    if not condition:
        raise Refused(400, message, **more)


def json_object(text: Any) -> bool:
    """Whether this is the text of a JSON object."""
    try:
        return isinstance(json.loads(text), dict)
    except (TypeError, ValueError):
        return False
