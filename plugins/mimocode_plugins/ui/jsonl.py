"""`--format json`: one JSON object a line, in the words of surface.md 1.3, flushed as things happen.

    step_start   the model begins to answer
    reasoning    what it thought (with --thinking)
    text         what it said
    tool_use     a tool call has its answer
    step_finish  the answer and its calls are over: reason, tokens, cost
    error        the turn did not end well

Every line has `type`, `timestamp` (ms), `sessionID`. Message ids are made from the number of the last fact before
the step, part ids from that and the part's place, so both are stable and sort in order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mimocode.events import (
    CallDelta,
    CallFinished,
    CallStarted,
    Entry,
    MessageAdded,
    ReasoningDelta,
    TextDelta,
    TurnEnded,
)
from mimocode.messages import Block, Media, Reasoning, Text, ToolCall, Usage

from .streams import Results, safe_json

REASONS = {"calls": "tool-calls", "filtered": "content-filter"}
ERRORS = {"failed": "UnknownError", "interrupted": "MessageAbortedError", "limited": "LimitReachedError"}


class JsonLines:
    """Writes the events of one session as JSON lines."""

    def __init__(self, results: Results, *, thinking: bool = False) -> None:
        self.results, self._thinking = results, thinking
        self._session = ""
        self._seq = 0
        self._message = ""
        self._part = 0
        self._calls: dict[str, ToolCall] = {}
        self._times: dict[str, int] = {}
        self._began = 0
        self._ending: dict[str, Any] | None = None

    def begin(self, session: str, agent: str, model: str) -> None:
        """The session that the lines are about; its name is in every line."""
        self._session = session

    def show(self, entry: Entry) -> None:
        """Write what an event gives rise to."""
        now = int(entry.time * 1000)
        match entry.event:
            case TextDelta() | ReasoningDelta() | CallDelta():
                self._step(now)
            case MessageAdded(message=message) if message.role == "assistant":
                self._step(now)
                self._answered(entry.event, now)
            case CallStarted(call_id=call_id):
                self._times[call_id] = now
            case CallFinished():
                self._called(entry.event, now)
            case TurnEnded(reason=reason, detail=detail):
                self._close(now)
                if reason != "done":
                    self.error(detail or reason, ERRORS[reason], now)
        self._seq = entry.seq or self._seq

    def refused(self, call: ToolCall, why: str, advice: str) -> None:
        """A refusal shows as the failed `tool_use` that follows it."""

    def error(self, message: str, name: str, now: int) -> None:
        """Write an error line; `now` is in milliseconds."""
        self._line("error", now, error={"name": name, "data": {"message": message}})

    def finish(self, words: str, done: bool) -> None:
        """Nothing is left to say: the last words were a `text` line."""

    def _step(self, now: int) -> None:
        if not self._message:
            self._message, self._part, self._began = f"msg_{self._seq:08x}{self._session[-12:]}", 0, now
            self._emit("step_start", "step-start", now)

    def _answered(self, event: MessageAdded, now: int) -> None:
        time = {"start": self._began, "end": now}
        for block in event.message.content:
            if isinstance(block, Text):
                self._emit("text", "text", now, text=block.text, time=time)
            elif isinstance(block, Reasoning) and self._thinking and block.text:
                self._emit("reasoning", "reasoning", now, text=block.text, time=time)
        self._calls = {call.id: call for call in event.message.calls}
        self._times = dict.fromkeys(self._calls, now)
        reason = REASONS.get(event.finish, event.finish or "stop")
        self._ending = {"reason": reason, **_tokens(event.usage or Usage())}
        if not self._calls:
            self._close(now)

    def _called(self, event: CallFinished, now: int) -> None:
        call = self._calls.pop(event.call_id, None)
        if call is None:
            return
        self._emit("tool_use", "tool", now, callID=call.id, tool=call.name, state=self._state(call, event, now))
        if not self._calls:
            self._close(now)

    def _state(self, call: ToolCall, event: CallFinished, now: int) -> dict[str, Any]:
        given: Mapping[str, Any] = {"raw": call.malformed} if call.malformed else call.arguments
        output = "".join(block.text for block in event.content if isinstance(block, Text))
        metadata = dict(event.display or {})
        time = {"start": self._times.get(call.id, now), "end": now}
        if event.error:
            return {"status": "error", "input": given, "error": output, "metadata": metadata, "time": time}
        state = {"status": "completed", "input": given, "output": output, "title": _title(metadata, call)}
        attachments = [_attachment(block) for block in event.content if isinstance(block, Media)]
        return state | {"metadata": metadata, "time": time} | ({"attachments": attachments} if attachments else {})

    def _close(self, now: int) -> None:
        if self._ending is not None:
            self._emit("step_finish", "step-finish", now, **self._ending)
        self._ending, self._message, self._calls = None, "", {}

    def _emit(self, kind: str, part: str, now: int, **fields: Any) -> None:
        self._part += 1
        base = {"id": f"prt_{self._message[4:]}{self._part:03d}", "messageID": self._message}
        self._line(kind, now, part=base | {"sessionID": self._session, "type": part} | fields)

    def _line(self, kind: str, now: int, **fields: Any) -> None:
        line = {"type": kind, "timestamp": now, "sessionID": self._session, **fields}
        self.results.write(safe_json(json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str)) + "\n")


def _tokens(usage: Usage) -> dict[str, Any]:
    """The original's way to count: parts that add up to `total`, none inside another."""
    fresh = max(0, usage.input - usage.cache_read - usage.cache_write)
    cache = {"read": usage.cache_read, "write": usage.cache_write}
    spoken = max(0, usage.output - usage.reasoning)
    total = usage.input + usage.output
    counts = {"total": total, "input": fresh, "output": spoken, "reasoning": usage.reasoning, "cache": cache}
    return {"cost": usage.cost, "tokens": counts}


def _title(metadata: Mapping[str, Any], call: ToolCall) -> str:
    from .toolline import subject

    return str(metadata.get("title") or subject(call))


def _attachment(block: Block) -> dict[str, str]:
    assert isinstance(block, Media)
    return {"type": "file", "mime": block.mime, "url": f"data:{block.mime};base64,{block.data}"}
