"""What a judge gets to see: what happened since the goal was set, whatever windows it happened in, from the log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from mimocode.events import CallFinished, Entry, MessageAdded, Noted, Rewound, TurnStarted
from mimocode.messages import Text, ToolCall

from ..asking import clipped
from .goals import PLUGIN

FULL, BRIEF = 4000, 200
"""Characters of one item: when it is recent, and when it is not."""
_TAGS = re.compile(r"<(/(?:evidence|condition|checkpoint)>)")
"""What would end the part of the question that a text stands in."""
SHARE = 0.7
"""How much of the room recent items may take."""


@dataclass(frozen=True)
class Item:
    """Something that happened: the number of its fact, who, and what."""

    seq: int
    who: str
    text: str

    def shown(self, most: int) -> str:
        """The item as the judge reads it. Its further lines are indented, so that no text can pose as another item."""
        text = _TAGS.sub(r"<\\\1", clipped(self.text, most))
        return f"[#{self.seq}] {self.who}: {text}".replace("\n", "\n  ")

    @property
    def shows(self) -> bool:
        """Whether it can show that something is so: a reminder or what a judge said before cannot."""
        return not self.who.startswith(("reminder", "earlier verdict"))


def items(log: Iterable[Entry], since: int) -> list[Item]:
    """What happened after fact number `since`, without what was taken back."""
    made: list[Item] = []
    turns: list[int] = []
    names: dict[str, str] = {}
    for entry in log:
        if isinstance(entry.event, TurnStarted):
            turns.append(entry.seq)
        elif isinstance(entry.event, Rewound):
            to = entry.event.to
            cut = next((turn for turn in turns if turn > to), entry.seq)
            made = [item for item in made if item.seq < cut]
            turns = [turn for turn in turns if turn < cut]
        elif entry.seq > since:
            made += _items(entry, names)
    return made


def _items(entry: Entry, names: dict[str, str]) -> list[Item]:
    match entry.event:
        case MessageAdded(message=message) if message.role == "user":
            who = "user" if not message.origin else f"reminder ({message.origin})"
            return [Item(entry.seq, who, message.text)]
        case MessageAdded(message=message):
            said = [Item(entry.seq, "agent says", message.text)] if message.text.strip() else []
            names.update((call.id, call.name) for call in message.calls)
            return said + [Item(entry.seq, f"agent calls {call.name}", _arguments(call)) for call in message.calls]
        case CallFinished(call_id=call_id, content=content, error=error):
            text = "".join(block.text for block in content if isinstance(block, Text))
            return [Item(entry.seq, f"{names.get(call_id, 'tool')} {'failed' if error else 'answered'}", text)]
        case Noted(plugin=plugin, data=data) if plugin == PLUGIN and data.get("op") == "verdict":
            return [Item(entry.seq, f"earlier verdict by the {data['by']}", data["error"] or data["reason"])]
    return []


def _arguments(call: ToolCall) -> str:
    if set(call.arguments) <= {"command", "description", "timeout"} and "command" in call.arguments:
        return str(call.arguments["command"])
    return call.malformed or json.dumps(call.arguments, ensure_ascii=False, default=str)


def told(happened: list[Item], room: int) -> tuple[str, set[int]]:
    """The evidence within `room` characters, oldest first, and the numbers of what can show something.

    The latest come whole, those before them in brief, and what does not fit is counted.
    """
    lines: list[str] = []
    numbers: set[int] = set()
    left = room
    for place, item in enumerate(reversed(happened)):
        recent = left > room * (1 - SHARE)
        line = item.shown(FULL if recent or item.who == "user" else BRIEF)
        if len(line) > left:
            lines.append(f"[{len(happened) - place} older items left out]")
            break
        left -= len(line) + 1
        lines.append(line)
        numbers |= {item.seq} if item.shows else set()
    return "\n".join(reversed(lines)), numbers
