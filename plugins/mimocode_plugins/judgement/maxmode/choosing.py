"""Choose among proposals: a majority needs no judge; a judge sees the conversation's end and a shuffled list."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mimocode.messages import Message, Usage

from ..asking import Garbage, clipped, consult
from .proposals import Candidate, Group, fallback, grouped, majority

if TYPE_CHECKING:
    from mimocode.ports import Prompt
    from mimocode.session import Session

TAIL = 24
"""Messages of the conversation that the judge sees."""
LONG = 1500
"""Characters of one of them, and of one argument of a proposal."""


@dataclass(frozen=True)
class Choice:
    """The proposal that is carried out, who chose it ("survivor", "majority", "judge", "chance") and why."""

    candidate: Candidate
    by: str
    reason: str = ""
    usage: Usage = Usage()


async def choose(session: Session, prompt: Prompt, candidates: Sequence[Candidate], model: str) -> Choice:
    """The best of those that answered; there is at least one."""
    groups = grouped(candidates)
    survivors = sum(len(group.members) for group in groups)
    if survivors == 1:
        return Choice(groups[0].first, "survivor", "the only one that answered")
    if (group := majority(groups)) is not None:
        return Choice(group.first, "majority", f"{len(group.members)} of {survivors} propose the same")
    chance = random.Random(f"{session.id} {session.state.seq}")  # a replay shuffles alike
    shown = list(groups)
    chance.shuffle(shown)
    rules = files(__package__).joinpath("judge.md").read_text("utf-8")
    opinion = await consult(
        session, rules, _question(prompt, shown, survivors), _reader(len(shown)), purpose="max-judge", model=model
    )
    if opinion.value is None:
        chosen = fallback(groups, chance)
        return Choice(chosen.first, "chance", f"no judgement: {opinion.trouble}", opinion.usage)
    number, reason = opinion.value
    return Choice(shown[number - 1].first, "judge", reason, opinion.usage)


def _reader(last: int) -> Any:
    def read(answer: Mapping[str, Any]) -> tuple[int, str]:
        choice = answer.get("choice")
        if not isinstance(choice, int) or isinstance(choice, bool) or not 1 <= choice <= last:
            raise Garbage(f'"choice" must be a number from 1 to {last}')
        return choice, str(answer.get("reason") or "").strip()

    return read


def _question(prompt: Prompt, groups: Sequence[Group], survivors: int) -> str:
    tail = "\n".join(_line(message) for message in prompt.messages[-TAIL:])
    parts = [f"<conversation>\n{tail}\n</conversation>"]
    for number, group in enumerate(groups, 1):
        assert group.first.answer is not None
        told = proposal(group.first.answer.message)
        parts.append(f'<proposal number="{number}" made_by="{len(group.members)} of {survivors}">\n{told}\n</proposal>')
    return "\n\n".join([*parts, "Which proposal should be carried out?"])


def _line(message: Message) -> str:
    who = {"user": "user", "assistant": "agent", "tool": "result"}[message.role] + (" (failed)" * message.error)
    return f"{who}: {clipped(proposal(message), LONG)}"


def proposal(message: Message) -> str:
    """What a message says and would do."""
    lines = [message.text.strip()] if message.text.strip() else []
    for call in message.calls:
        arguments = {name: _short(value) for name, value in call.arguments.items()}
        lines.append(f"calls {call.name} {call.malformed or json.dumps(arguments, ensure_ascii=False, default=str)}")
    return "\n".join(lines) or "(nothing)"


def _short(value: Any) -> Any:
    return clipped(value, LONG) if isinstance(value, str) else value
