"""`mimo skill list`, `new`, `validate`, `show`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import SettingsError, UsageError
from mimocode_plugins.crew.assets import say
from mimocode_plugins.crew.authoring import checked, near, place, quoted, write

from .loading import words
from .reading import Skill, problems, read
from .shelf import Shelf, shelf
from .urls import first_time, refresh, urls

if TYPE_CHECKING:
    from mimocode.host import Host

BODY = """\
# {title}

Say here what to do, in the order in which it is done, for somebody who knows the trade but not this matter.

## When it is done

Say how one sees that it worked: a command and what it prints, a file and what is in it.
"""


async def list_(chosen: argparse.Namespace, host: Host) -> int:
    """Print the skills; what was left out goes to stderr."""
    if chosen.refresh:
        for url in urls(host):
            sys.stderr.write("".join(f"{line} ({url})\n" for line in await refresh(host, url)))
    await first_time(host)
    found = shelf(host)
    skills = [skill for _, skill in sorted(found.skills.items())]
    if chosen.format == "json":
        say(json.dumps([_plain(skill) for skill in skills], indent=2, ensure_ascii=False) + "\n")
    else:
        say("".join(_lines(skill) for skill in skills) or "There are no skills.\n")
    sys.stderr.write("".join(f"mimo: {line}\n" for line in found.unsaid()))
    return 0


def _lines(skill: Skill) -> str:
    notes = [] if skill.for_agents else ["only started by you"]
    notes += [] if skill.for_users else ["only started by the agent"]
    lines = [skill.name + (f" ({', '.join(notes)})" if notes else ""), f"  {skill.description}"]
    lines.append(f"  {skill.source}: {near(str(skill.path))}")
    return "\n".join([*lines, *(f"  in place of {near(other)}" for other in skill.replaces)]) + "\n"


def _plain(skill: Skill) -> dict[str, object]:
    return {
        "name": skill.name,
        "description": skill.description,
        "source": skill.source,
        "path": str(skill.path),
        "replaces": list(skill.replaces),
        "aliases": list(skill.aliases),
        "problems": list(problems(skill)),
    }


async def new(chosen: argparse.Namespace, host: Host) -> int:
    """Write a new skill."""
    name = checked(chosen.name)
    description = chosen.description or f"Say what {name} is for and when to use it."
    head = ["---", f"name: {name}", f"description: {quoted(description)}", "---"]
    body = BODY.format(title=name.replace("-", " ").capitalize())
    file = place(host, "skills", everywhere=chosen.everywhere) / name / "SKILL.md"
    write(file, "\n".join([*head, body]), force=chosen.force)
    if not chosen.everywhere and not host.trusted:
        sys.stderr.write("mimo: skills of a project are used once you trust it: mimo trust\n")
    return 0


async def validate(chosen: argparse.Namespace, host: Host) -> int:
    """Say where skills leave the standard or cannot be read; 1 if any do."""
    found = shelf(host)
    lines: list[str] = []
    for what in chosen.what or [*sorted(found.skills), *map(str, found.waiting)]:
        lines += [f"{what}: {line}" for line in wrong(what, found)]
    lines += [] if chosen.what else found.problems
    say("".join(f"{line}\n" for line in lines) or "nothing to complain about\n")
    return 1 if lines else 0


def wrong(what: str, found: Shelf) -> list[str]:
    """What is wrong with a skill, by name or folder.

    Raises:
        UsageError: there is none.
    """
    path = Path(what) if what.endswith("SKILL.md") else Path(what, "SKILL.md")
    waiting = next((each for each in found.waiting if each.parent.name == what), None)
    if (skill := found.find(what)) is not None:
        return list(problems(skill))
    if not (path.is_file() or waiting):
        broken = [line for line in found.problems if f"/{what}/SKILL.md" in line]
        if not broken:
            raise UsageError(f"{what} is neither a skill nor a folder with a SKILL.md")
        return broken
    try:
        return list(problems(read((waiting or path).resolve(), "")))
    except SettingsError as error:
        return [str(error)]


async def show(chosen: argparse.Namespace, host: Host) -> int:
    """Print a skill."""
    await first_time(host)
    skill = shelf(host).find(chosen.name)
    if skill is None:
        raise UsageError(f"there is no skill {chosen.name!r}; `mimo skill list` shows those there are")
    say(f"{_lines(skill)}\n{words(skill)}\n")
    return 0
