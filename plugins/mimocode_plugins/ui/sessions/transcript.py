"""A session, and a list of sessions, as people read them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mimocode.events import (
    AgentChosen,
    ApprovalGiven,
    CallFinished,
    Entry,
    MessageAdded,
    ModelChosen,
    Rewound,
    TurnEnded,
    WindowOpened,
)
from mimocode.messages import Media, Message, Reasoning, Text, ToolCall
from mimocode.ports import SessionInfo

from .output import columns, fill, line, plain

UNTITLED = "(untitled)"
TITLE_WIDTH = 60
ARGUMENT_WIDTH = 70


def table(infos: Sequence[SessionInfo], names: Mapping[str, str]) -> list[str]:
    """Session ID, Title, Updated."""
    rows = [(info.id, line(names[info.id], TITLE_WIDTH) or UNTITLED, _when(info.updated)) for info in infos]
    first = max(20, *(columns(row[0]) for row in rows))
    second = max(25, *(columns(row[1]) for row in rows))
    head = f"{fill('Session ID', first)}  {fill('Title', second)}  Updated"
    return [
        head,
        "─" * (first + second + 4 + len(_when(0))),
        *(f"{fill(id_, first)}  {fill(title, second)}  {when}" for id_, title, when in rows),
    ]


def seen(window: WindowOpened, messages: Iterable[Message]) -> Iterator[str]:
    """A request as the model sees it, word for word but for signs that a terminal would act on."""
    for part in window.system:
        yield f"--- prompt: {part.source or 'other'}"
        yield from map(plain, part.text.split("\n"))
    for tool in window.tools:
        yield f"--- tool: {tool.name}"
        yield from map(plain, tool.description.split("\n"))
        yield plain(json.dumps(tool.schema, ensure_ascii=False))
    for message in messages:
        yield f"--- {message.role}{f' ({message.origin})' if message.origin else ''}"
        for block in message.content:
            match block:
                case Text(text=text) | Reasoning(text=text):
                    yield from map(plain, text.split("\n"))
                case ToolCall(name=name, arguments=arguments, malformed=malformed):
                    yield plain(f"calls {name} {malformed or json.dumps(dict(arguments), ensure_ascii=False)}")
                case Media():
                    yield f"[{block.mime}]"


def _when(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))


def transcript(info: SessionInfo, entries: Iterable[Entry]) -> Iterator[str]:
    """What the user and the model said, one line for each tool call, and what else changed the course."""
    yield line(info.title, 200) or UNTITLED
    yield f"{info.id} · {plain(info.directory)} · {_when(info.created)}"
    calls: dict[str, ToolCall] = {}
    windows = 0
    for entry in entries:
        match entry.event:
            case MessageAdded(message=message):
                calls.update((call.id, call) for call in message.calls)
                yield from _said(message)
            case CallFinished(call_id=call_id):
                yield _done(calls.pop(call_id, None), entry.event)
            case TurnEnded(reason=reason, detail=detail) if reason != "done":
                yield f"— {reason}{f': {line(detail, 200)}' if detail else ''}"
            case AgentChosen(agent=agent):
                yield f"— agent {plain(agent)}"
            case ModelChosen(model=model):
                yield f"— model {plain(model)}"
            case ApprovalGiven(allow=False, message=why):
                yield f"— not allowed{f': {line(why, 200)}' if why else ''}"
            case Rewound(to=to):
                yield f"— back to fact {to}: what was said after it no longer counts"
            case WindowOpened(reason=reason):
                windows += 1
                if windows > 1:
                    yield f"— new context window{f': {line(reason, 200)}' if reason else ''}"
    yield from (f"  … {_call(call)} (no answer)" for call in calls.values())


def _said(message: Message) -> Iterator[str]:
    text = plain("".join(block.text for block in message.content if isinstance(block, Text))).strip()
    media = [f"[{block.mime}]" for block in message.content if isinstance(block, Media)]
    text = "\n".join([text] * bool(text) + media)
    if not text:
        return
    yield ""
    if message.role == "user":
        who = f"({message.origin}) " if message.origin else ""
        text = f"> {who}{text}".replace("\n", "\n> ")
    yield text


def _done(call: ToolCall | None, fact: CallFinished) -> str:
    what = _call(call) if call else fact.call_id
    if not fact.error:
        return f"  ✓ {what}"
    why = line("\n".join(block.text for block in fact.content if isinstance(block, Text)), 100)
    return f"  ✗ {what}: {why}" if why else f"  ✗ {what}"


def _call(call: ToolCall) -> str:
    """The name of a tool and the first thing it was given, which is the path or the command."""
    given = next((str(value) for value in call.arguments.values()), call.malformed)
    return f"{plain(call.name)} {line(given, ARGUMENT_WIDTH)}".rstrip()
