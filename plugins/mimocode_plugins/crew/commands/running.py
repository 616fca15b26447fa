"""Turns a command file and its arguments into what the agent is told."""

from __future__ import annotations

import asyncio
import secrets
from importlib.resources import files
from typing import TYPE_CHECKING

from mimocode import turn
from mimocode.errors import ToolFailed
from mimocode.events import Noted
from mimocode.messages import ToolCall
from mimocode.ports import Command, Verdict

from .borrowed import borrow
from .sources import Template
from .template import File, Shell, Words, commands, pieces

if TYPE_CHECKING:
    from mimocode.session import Session

NOTES = "commands"
PATIENCE = 110.0
"""Seconds for everything that a command fetches, questions to the user included."""
SUBAGENT = "general"
"""Who carries out a subtask when the command names nobody."""
ACTOR = "actor"
"""The tool that starts subagents."""


def command(template: Template) -> Command:
    """A file as a slash command."""

    async def run(arguments: str, session: Session) -> str | None:
        try:
            async with asyncio.timeout(PATIENCE):
                return await _said(template, arguments, session)
        except TimeoutError:
            text = f"/{template.name} took longer than {PATIENCE:g} s to fetch what it needs; nothing was sent."
            await session.notice("commands", text, "error")
            return None

    return Command(template.name, template.description, run, template.hint)


async def _said(template: Template, arguments: str, session: Session) -> str | None:
    if not template.trusted and commands(template.text):
        text = f"/{template.name} runs commands, and it comes with a project that you have not trusted. Nothing ran."
        await session.notice("commands", text, "error")
        return None
    text = await _fetched(template, arguments, session)
    if template.trusted:
        text = await _assigned(template, text, session)
    return text


async def _fetched(template: Template, arguments: str, session: Session) -> str:
    said = list[str]()
    attached = dict[str, str]()
    for piece in pieces(template.text, arguments):
        match piece:
            case Words(text=text):
                said.append(text)
            case Shell(command=line):
                said.append(await _output(template.name, line, session))
            case File(path=path, text=text):
                said.append(text)
                if path not in attached and (content := await _content(path, session)):
                    attached[path] = f'<file path="{path}">\n{content}\n</file>'
    return "\n\n".join(["".join(said).strip(), *attached.values()])


async def _output(name: str, line: str, session: Session) -> str:
    """What a command prints, run by the shell tool if the guards let it."""
    tool = _tool("bash", "command", session)
    if not tool:
        return f"(not run, there is no shell: {line})"
    call = ToolCall(f"cmd_{secrets.token_hex(6)}", tool, {"command": line, "description": f"for /{name}"})
    ran, text, code = await _called(call, session)
    await session.emit(Noted(NOTES, {"command": name, "shell": line, "ran": ran, "exit": code}))
    return text.strip() if ran else f"(not run: {text})"


async def _content(path: str, session: Session) -> str:
    place = (session.directory / path).expanduser()
    tool = _tool("read", "file_path", session)
    if not tool or not place.exists():
        return ""
    call = ToolCall(f"cmd_{secrets.token_hex(6)}", tool, {"file_path": str(place)})
    ran, text, _ = await _called(call, session)
    return text.strip() if ran else f"(not read: {text})"


async def _called(call: ToolCall, session: Session) -> tuple[bool, str, int | None]:
    """Whether the guards let it run, what came of it, and the exit code if it has one."""
    try:
        ruling = await turn.rule(session, call)
        if ruling.verdict is not Verdict.ALLOW:
            return False, ruling.reason, None
        result = await session.toolbox.call(call, _silent, session.meta(call))
    except ToolFailed as error:
        return False, str(error), None
    code = (result.display or {}).get("exit")
    return True, result.text, code if isinstance(code, int) else None


async def _silent(text: str) -> None:
    """Progress is not shown: the whole output comes in a moment."""


def _tool(permission: str, argument: str, session: Session) -> str:
    """The tool with this permission key that takes this argument; others of the key do something else."""
    for spec in session.toolbox.specs.values():
        takes = spec.schema.get("properties") or {}
        if (spec.meta.get("mimocode") or {}).get("permission") == permission and argument in takes:
            return spec.name
    return ""


async def _assigned(template: Template, text: str, session: Session) -> str:
    """Whoever is to do it: another agent for this turn, a subagent, or the one that is there."""
    agents = await session.host.agents()
    agent = agents.get(template.agent)
    if template.agent and agent is None:
        await session.notice(
            "commands", f"/{template.name} wants the agent {template.agent}, which is not there.", "warning"
        )
    sub = template.subtask or (template.subtask is None and agent is not None and agent.mode == "subagent")
    if sub and ACTOR in session.toolbox.specs:
        words = files(__package__).joinpath("subtask.md").read_text("utf-8").strip()
        return words.format(agent=template.agent or SUBAGENT, prompt=text)
    if sub:
        text_ = f"/{template.name} is meant for a subagent; there are none here, so it is done in this conversation."
        await session.notice("commands", text_)
    chosen = template.agent if agent is not None and agent.mode != "subagent" else ""
    if (chosen or template.model) and session.state.busy:
        await session.notice(
            "commands", f"/{template.name}: agent and model stay as they are during a turn.", "warning"
        )
    else:
        await borrow(session, chosen, template.model)
    return text
