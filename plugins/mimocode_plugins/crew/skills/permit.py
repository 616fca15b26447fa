"""Who may use which skill, and what of an untrusted project must not run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode import hookspecs as on
from mimocode.messages import ToolCall
from mimocode.ports import Ruling, Verdict

from .reading import Skill
from .shelf import PROJECT_FOLDERS

if TYPE_CHECKING:
    from mimocode.session import Session

TOOL = "skill"
_SCRIPT = re.compile(
    rf"(?:^|[\s\"'=:(/])(?:{'|'.join(map(re.escape, PROJECT_FOLDERS))})(?=[/\s\"';&|)]|$).*\bskills?\b", re.DOTALL
)


async def permitted(skills: Iterable[Skill], session: Session) -> list[Skill]:
    """Those that no guard denies to this session's agent."""
    return [skill for skill in skills if not await denied(skill.name, session)]


async def denied(name: str, session: Session) -> str:
    """Why a skill must not be used; "" if it may. The guards are asked as if the agent called the tool."""
    call = ToolCall(f"skill {name}", TOOL, {"name": name})
    rulings = await session.hooks.collect(on.rule_on_call, call=call, session=session)
    return next((ruling.reason for ruling in rulings if ruling.verdict is Verdict.DENY), "")


def untrusted_script(call: ToolCall, session: Session) -> Ruling | None:
    """Deny a command that reaches into the skill folders of a project that is not trusted."""
    spec = session.toolbox.specs.get(call.name)
    said = (spec.meta.get("mimocode") or {}) if spec else {}
    if session.host.trusted or not (name := said.get("command")):
        return None
    words = [str(value) for value in call.arguments.values() if isinstance(value, str)]
    text = re.sub(r"[\"'\\]", "", f"{os.path.relpath(session.directory, session.host.root)}/ " + " ".join(words))
    if not _SCRIPT.search(text):
        return None
    return Ruling(
        Verdict.DENY,
        f"{str(call.arguments.get(name, ''))[:80]!r} reaches into the skills of a project that the user has not "
        "trusted; nothing there runs",
    )
