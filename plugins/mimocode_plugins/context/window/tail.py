"""Which messages go over into a new window as they are. A call and its answer are never parted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mimocode.messages import Message, Text, user

from .measure import estimate, of_message

OWN, HEARD = "window", "heard"
"""Origins of messages that open a window: our words, and the user's own from before it."""


@dataclass
class Tail:
    """The recent steps, and the user's words from before them."""

    messages: list[Message] = field(default_factory=list)
    heard: list[Message] = field(default_factory=list)
    unheard: int = 0
    """Messages of the user that had no room; they are in the history."""


def cut(messages: Sequence[Message], room: int, heard_room: int, each: int, turns: int | None = None) -> Tail:
    """The newest steps within `room` tokens, and the user's earlier messages within `heard_room`, `each` at most.

    With `turns`, the steps reach back to so many messages of the user at most.

    The newest step always comes along; when it is too large its results are shortened in the middle.
    """
    groups = _groups(messages)
    taken: list[list[Message]] = []
    for group in reversed(groups):
        size = sum(map(of_message, group))
        if size > room and not taken:
            group, size = _shortened(group, room), room
        if size > room or group[0].origin in (OWN, HEARD):
            break
        if turns is not None and taken and turns <= 0:
            break
        taken.append(group)
        room -= size
        if turns is not None and group[0].role == "user" and not group[0].origin:
            turns -= 1
    made = Tail([message for group in reversed(taken) for message in group])
    kept = {id(message) for group in groups[len(groups) - len(taken) :] for message in group}
    said = [m for m in messages if m.role == "user" and m.origin in ("", HEARD) and id(m) not in kept]
    made.heard, made.unheard = _heard(said, heard_room, each)
    return made


def _groups(messages: Sequence[Message]) -> list[list[Message]]:
    groups: list[list[Message]] = []
    for message in messages:
        if message.role == "tool" and groups:
            groups[-1].append(message)
        else:
            groups.append([message])
    return groups


def _shortened(group: list[Message], room: int) -> list[Message]:
    answers = sum(message.role == "tool" for message in group)
    each = max(100, (room - of_message(group[0])) // max(answers, 1) - 30)
    if group[0].role == "user":
        return [_short(group[0], room)]
    return [group[0], *(_short(message, each) for message in group[1:])]


def _short(message: Message, room: int) -> Message:
    if of_message(message) <= room:
        return message
    text = clip(message.text, room, "the whole of it is found with the history tool")
    return Message(message.role, (Text(text),), message.call_id, message.error, message.origin)


def clip(text: str, room: int, hint: str) -> str:
    """The first 60 % and the last 30 % of what fits into `room` tokens (runtime.md 4.4), saying what was left out."""
    size = estimate(text)
    if size <= room:
        return text
    characters = int(len(text) * room / size)
    head, end = int(characters * 0.6), int(characters * 0.3)
    gone = len(text) - head - end
    return f"{text[:head]}\n[... {gone} characters left out; {hint} ...]\n{text[len(text) - end :]}"


def _heard(said: list[Message], room: int, each: int) -> tuple[list[Message], int]:
    """The first message, which began it all, and the newest ones."""
    chosen: dict[int, Message] = {}
    order = [*([0] if said else []), *range(len(said) - 1, 0, -1)]
    for at in order:
        text = clip(said[at].text, min(each, room), "found with the history tool")
        size = estimate(text) + 4
        if size > room:
            break
        chosen[at] = said[at] if said[at].origin == HEARD and text == said[at].text else user(text, origin=HEARD)
        room -= size
    return [chosen[at] for at in sorted(chosen)], len(said) - len(chosen)
