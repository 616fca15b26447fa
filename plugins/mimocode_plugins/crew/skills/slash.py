"""`/skill-name`: the user brings in a skill, or several: `/a /b do this with both`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mimocode.errors import UsageError
from mimocode.ports import Command

from .loading import words
from .permit import denied
from .shelf import shelf

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

    from .reading import Skill

_LEADING = re.compile(r"/(\S+)\s*(.*)", re.DOTALL)
MOST = 5
"""Skills in one message."""


def commands(host: Host) -> list[Command]:
    """A command for each skill that users may start, also by its other names, and `/skills`."""
    off = host.environ.get("MIMOCODE_DISABLE_SLASH_SKILLS", "").lower() in ("1", "true")
    offered = {} if off else shelf(host).skills
    called = {alias: skill for skill in offered.values() for alias in skill.aliases} | dict(offered)
    found = [_command(name, skill) for name, skill in sorted(called.items()) if skill.for_users]
    return [Command("skills", "List the skills", _listed), *found]


def _command(name: str, skill: Skill) -> Command:
    async def run(arguments: str, session: Session) -> str | None:
        return await _said(skill.name, arguments, session)

    return Command(name, skill.description, run, skill.hint)


async def _said(name: str, arguments: str, session: Session) -> str | None:
    """The words of this skill and of others that are named right after it, then what the user wants."""
    found = shelf(session.host)
    names = [name]
    while (match := _LEADING.match(arguments)) and (more := found.find(match[1])) and len(names) < MOST:
        names.append(more.name)
        arguments = match[2]
    said = []
    for each in dict.fromkeys(names):
        skill = found.find(each)
        if skill is None:
            raise UsageError(f"the skill {each!r} is gone")
        if why := await denied(each, session):
            await session.notice("skills", f"The skill {each} may not be used: {why}.", "error")
            return None
        said.append(words(skill, arguments if len(names) == 1 else ""))
    if len(names) > 1 and arguments:
        said.append(arguments)
    return "\n\n".join(said)


async def _listed(arguments: str, session: Session) -> None:
    lines = [f"/{name}: {skill.description}" for name, skill in sorted(shelf(session.host).skills.items())]
    await session.notice("skills", "\n".join(lines) or "There are no skills.")
