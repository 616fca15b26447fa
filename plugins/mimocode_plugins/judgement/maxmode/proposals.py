"""Which of several proposals say the same, and whether most of them do. Pure."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mimocode.messages import Message, Usage
from mimocode.ports import Answer


@dataclass(frozen=True)
class Candidate:
    """One proposal for the next step: how it was asked for, and what came of it."""

    number: int
    angle: str = ""
    temperature: float | None = None
    answer: Answer | None = None
    error: str = ""

    @property
    def usage(self) -> Usage:
        """What it used, as far as that is known."""
        return self.answer.usage if self.answer else Usage()


@dataclass(frozen=True)
class Group:
    """Candidates that propose the same; `first` speaks for them."""

    members: tuple[Candidate, ...]

    @property
    def first(self) -> Candidate:
        """The earliest of them."""
        return self.members[0]


def same(message: Message) -> str:
    """Equal for proposals that would do the same: the calls by tool and normalised arguments, else the words."""
    if message.calls:
        return json.dumps([[call.name, _normal(call.arguments), call.malformed] for call in message.calls])
    return " ".join(message.text.split())


def _normal(value: Any) -> Any:
    """Arguments without differences that make none: order of names, nothing given, blanks at the end."""
    if isinstance(value, Mapping):
        return {name: _normal(value[name]) for name in sorted(value) if value[name] is not None}
    if isinstance(value, list | tuple):
        return [_normal(each) for each in value]
    if isinstance(value, str):
        return value.rstrip()
    return int(value) if isinstance(value, float) and value.is_integer() else value


def grouped(candidates: Sequence[Candidate]) -> list[Group]:
    """Those that answered, by what they propose, the largest group first."""
    found: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        if candidate.answer is not None:
            found.setdefault(same(candidate.answer.message), []).append(candidate)
    return sorted((Group(tuple(members)) for members in found.values()), key=lambda group: -len(group.members))


def majority(groups: Sequence[Group]) -> Group | None:
    """The group that more than half of all survivors are in."""
    survivors = sum(len(group.members) for group in groups)
    return groups[0] if groups and len(groups[0].members) * 2 > survivors else None


def fallback(groups: Sequence[Group], chance: random.Random) -> Group:
    """When nobody can judge: what most propose; between equals chance decides, so that no place is favoured."""
    most = len(groups[0].members)
    return chance.choice([group for group in groups if len(group.members) == most])
