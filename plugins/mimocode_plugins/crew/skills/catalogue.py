"""The catalogue of skills in the prompt: what there is, within a budget."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from .reading import Skill

BUDGET = 8_000
"""Characters, about 2,000 tokens."""
WIDTHS = (400, 200, 100, 60)
"""Characters of a description, tried from the left until all fits."""


def catalogue(skills: Sequence[Skill]) -> str:
    """Names and descriptions. When room is short descriptions are shortened first, then skills are left out."""
    if not skills:
        return ""
    head = files(__package__).joinpath("catalogue.md").read_text("utf-8").strip()
    for width in WIDTHS:
        lines = [_line(skill, width) for skill in skills]
        if sum(map(len, lines)) + len(lines) <= BUDGET:
            return "\n".join([head, *lines])
    kept, room = list[str](), BUDGET - 80
    for line in lines:
        if len(line) >= room:
            break
        kept.append(line)
        room -= len(line) + 1
    return "\n".join([head, *kept, f"{len(lines) - len(kept)} more are not listed; skill_search finds them."])


def _line(skill: Skill, width: int) -> str:
    text = skill.description
    return f"- {skill.name}: {text if len(text) <= width else text[: width - 1].rstrip() + '…'}"
