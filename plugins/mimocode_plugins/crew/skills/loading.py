"""A skill as the agent gets it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.errors import ToolFailed
from mimocode_plugins.crew.assets import LARGEST

from .permit import denied, permitted
from .reading import Skill
from .shelf import shelf

if TYPE_CHECKING:
    from mimocode.session import Session

LISTED = 20
"""Files of a skill that are named."""


def words(skill: Skill, arguments: str = "") -> str:
    """The body, with what it needs to know about its place; `$ARGUMENTS` is filled in, or said at the end."""
    body = skill.body
    if "$ARGUMENTS" in body:
        body = body.replace("$ARGUMENTS", arguments)
    elif arguments:
        body += f"\n\nArguments: {arguments}"
    names = skill.files()
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    beside = f"\n\nFiles (read with the tool skill and `file`): {', '.join(names[:LISTED])}{more}" if names else ""
    return f'<skill name="{skill.name}" folder="{skill.folder}">\n{body}{beside}\n</skill>'


async def load(names: Iterable[str], file: str, session: Session) -> str:
    """Skills for the agent, several at once, or one file of a skill.

    Raises:
        ToolFailed: there is no such skill, it is not for agents, or the file is not part of it.
    """
    said = []
    for name in dict.fromkeys(names):
        skill = await _one(name, session)
        said.append(part(skill, file) if file else words(skill))
    if not said:
        raise ToolFailed("Give the name of a skill.")
    return "\n\n".join(said)


async def _one(name: str, session: Session) -> Skill:
    found = shelf(session.host)
    skill = found.find(name)
    if skill is None:
        there = [s.name for s in await permitted(found.offered(), session)]
        close = difflib.get_close_matches(name, there, 3, 0.4) or there[:20]
        raise ToolFailed(f"There is no skill {name!r}; there are: {', '.join(close) or 'none'}.")
    if not skill.for_agents:
        raise ToolFailed(f"The skill {skill.name} is only started by the user, with /{skill.name}.")
    if why := await denied(skill.name, session):
        raise ToolFailed(f"The skill {skill.name} may not be used: {why}.")
    return skill


def part(skill: Skill, file: str) -> str:
    """The text of a file that belongs to a skill.

    Raises:
        ToolFailed: it is not one of its files, or not text.
    """
    place = (skill.folder / file).resolve()
    inside = place.is_relative_to(skill.folder.resolve()) and place.is_file()
    if not inside:
        raise ToolFailed(f"{skill.name} has no file {file!r}; it has: {', '.join(skill.files()) or 'none'}.")
    if place.stat().st_size > LARGEST:
        raise ToolFailed(f"{file} has more than {LARGEST // 1024} KB; read parts of {place} with the tool read.")
    try:
        return place.read_text("utf-8")
    except UnicodeDecodeError:
        raise ToolFailed(f"{file} is not text; its path is {place}.") from None
