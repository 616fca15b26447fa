"""Two or more skills that a message mentions come along with it, and a word on their order (surface.md 8.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING

from .loading import words
from .permit import permitted
from .shelf import shelf

if TYPE_CHECKING:
    from mimocode.session import Session

    from .reading import Skill

MOST = 3
"""Skills that are brought in; the others are only named."""
_NAME = re.compile(r"(?<![\w/.:@-])/?\w+(?:[:-]\w+)*(?![\w/-]|[.:]\w)")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


async def mentioned(text: str, session: Session) -> str | None:
    """The text with the skills behind it; None unless it mentions two that this agent may load by itself."""
    known = {skill.name: skill for skill in _named(text, session)}
    skills = await permitted((skill for skill in known.values() if skill.for_agents), session) if len(known) > 1 else []
    if len(skills) < 2:
        return None
    said = "\n".join(message.text for message in session.state.messages)
    fresh = [skill for skill in skills[:MOST] if f'<skill name="{skill.name}"' not in said]
    if not fresh:
        return None
    await session.notice("skills", f"brought along: {', '.join(skill.name for skill in fresh)}")
    lines = [f"{number}. {skill.name}: {skill.description[:200]}" for number, skill in enumerate(skills, 1)]
    head = files(__package__).joinpath("mentions.md").read_text("utf-8").strip()
    plan = "\n".join(["<skills>", head, *lines, *map(words, fresh), "</skills>"])
    return f"{text}\n\n{plan}"


def _named(text: str, session: Session) -> Iterator[Skill]:
    """In the order of the text: `/name` anywhere, and names of several words, which nobody writes by chance."""
    found = shelf(session.host)
    for match in _NAME.finditer(_CODE.sub(" ", text)):
        name = match[0]
        if (name[0] == "/" or "-" in name or ":" in name) and (skill := found.find(name)) is not None:
            yield skill
