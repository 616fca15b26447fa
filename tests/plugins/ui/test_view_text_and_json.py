"""The same session as text and as JSON lines: what is written where."""

import io
import json
from typing import Any

import pytest

from mimocode.events import (
    CallFinished,
    CallStarted,
    Entry,
    MessageAdded,
    Notice,
    Retrying,
    TextDelta,
    TurnEnded,
    TurnStarted,
)
from mimocode.messages import Message, Reasoning, Text, ToolCall, Usage, user
from mimocode_plugins.ui.jsonl import JsonLines
from mimocode_plugins.ui.streams import Results, Screen
from mimocode_plugins.ui.transcript import Transcript

CALL = ToolCall("call_1", "edit", {"file_path": "a.py", "old_string": "x = 1\n", "new_string": "x = 2\n"})
THOUGHT = Message("assistant", (Reasoning("Hm."), Text("I edit."), CALL))
EVENTS: list[Any] = [
    TurnStarted(),
    MessageAdded(user("do it")),
    TextDelta("I ed"),
    TextDelta("it."),
    MessageAdded(THOUGHT, Usage(100, 20, 60, 10, 5, 0.25), "calls", "m/x"),
    CallStarted("call_1"),
    CallFinished("call_1", (Text("Replaced."),), display={"title": "a.py"}),
    Retrying(1, 2.0, "busy"),
    Notice("meter", "half of the budget is gone", "warning"),
    MessageAdded(Message("assistant", (Text("Done.\x1b[2J"),)), Usage(130, 2), "stop", "m/x"),
    TurnEnded("done"),
]


def played(view: Any, events: list[Any]) -> Any:
    """Show events as entries of one session, a second apart; facts are numbered from 1."""
    view.begin("ses_0123456789abcdef", "build", "m/x")
    number = 0
    for second, event in enumerate(events):
        fact = not isinstance(event, (TextDelta, Retrying, Notice))
        number += fact
        view.show(Entry("ses_0123456789abcdef", number if fact else 0, 1000.0 + second, event))
    return view


def text(events: list[Any], **options: Any) -> tuple[str, str]:
    err, out = io.StringIO(), io.StringIO()
    view = played(Transcript(Screen(err), Results(out), **options), events)
    view.finish("Done.\x1b[2J", done=events[-1].reason == "done")
    return err.getvalue(), out.getvalue()


def test_progress_goes_to_stderr_and_only_the_last_words_to_stdout() -> None:
    err, out = text(EVENTS)
    assert out == "Done.␛[2J\n"
    assert err == (
        "> build · m/x · ses_0123456789abcdef\n"
        "I edit.\n"
        "← Edit a.py\n"
        "  @@ -1 +1 @@\n"
        "  -x = 1\n"
        "  +x = 2\n"
        "busy.\n"
        "Retrying in 2 s (attempt 1).\n"
        "meter: half of the budget is gone\n"
    )


def test_thinking_is_shown_on_request() -> None:
    assert "Thinking: Hm.\n" in text(EVENTS, thinking=True)[0]


def test_a_turn_that_failed_leaves_stdout_empty_and_says_why() -> None:
    err, out = text([*EVENTS[:7], TurnEnded("failed", "The provider is down.")])
    assert (out, err.splitlines()[-1]) == ("", "✗ The provider is down.")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


async def test_on_a_terminal_words_stream_and_nothing_is_said_twice(monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    both = Terminal()
    view = played(Transcript(Screen(both), Results(both)), EVENTS)
    view.finish("Done.\x1b[2J", done=True)
    shown = both.getvalue()
    assert shown.count("I edit.") == 1 and shown.count("Done.␛[2J") == 1
    assert "\x1b[2J" not in shown
    assert shown.index("I edit.\n") < shown.index("← Edit a.py\n") < shown.index("Done.")


def lines(events: list[Any], **options: Any) -> list[dict[str, Any]]:
    out = io.StringIO()
    played(JsonLines(Results(out), **options), events)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_json_lines_are_those_of_the_original() -> None:
    first, second = "msg_00000002456789abcdef", "msg_00000005456789abcdef"
    session = "ses_0123456789abcdef"

    def line(kind: str, ms: int, message: str, number: int, part: str, **fields: Any) -> dict[str, Any]:
        base = {"id": f"prt_{message[4:]}{number:03d}", "messageID": message, "sessionID": session, "type": part}
        return {"type": kind, "timestamp": ms, "sessionID": session, "part": base | fields}

    spent = {"total": 120, "input": 30, "output": 15, "reasoning": 5, "cache": {"read": 60, "write": 10}}
    last = {"total": 132, "input": 130, "output": 2, "reasoning": 0, "cache": {"read": 0, "write": 0}}
    state = {
        "status": "completed",
        "input": CALL.arguments,
        "output": "Replaced.",
        "title": "a.py",
        "metadata": {"title": "a.py"},
        "time": {"start": 1005000, "end": 1006000},
    }
    said = {"text": "I edit.", "time": {"start": 1002000, "end": 1004000}}
    assert lines(EVENTS) == [
        line("step_start", 1002000, first, 1, "step-start"),
        line("text", 1004000, first, 2, "text", **said),
        line("tool_use", 1006000, first, 3, "tool", callID="call_1", tool="edit", state=state),
        line("step_finish", 1006000, first, 4, "step-finish", reason="tool-calls", cost=0.25, tokens=spent),
        line("step_start", 1009000, second, 1, "step-start"),
        line("text", 1009000, second, 2, "text", text="Done.\x1b[2J", time={"start": 1009000, "end": 1009000}),
        line("step_finish", 1009000, second, 3, "step-finish", reason="stop", cost=0.0, tokens=last),
    ]


def test_reasoning_lines_come_on_request() -> None:
    kinds = [line["type"] for line in lines(EVENTS, thinking=True)]
    assert kinds == ["step_start", "reasoning", "text", "tool_use", "step_finish", "step_start", "text", "step_finish"]


@pytest.mark.parametrize(
    ("reason", "name"),
    [("failed", "UnknownError"), ("limited", "LimitReachedError"), ("interrupted", "MessageAbortedError")],
)
def test_a_bad_end_is_an_error_line_after_the_step_is_closed(reason: Any, name: str) -> None:
    ended = lines([*EVENTS[:5], CallFinished("call_1", (Text("Interrupted"),), True), TurnEnded(reason, "Because.")])
    assert [line["type"] for line in ended] == ["step_start", "text", "tool_use", "step_finish", "error"]
    assert ended[2]["part"]["state"]["status"] == "error"
    assert ended[-1]["error"] == {"name": name, "data": {"message": "Because."}}
