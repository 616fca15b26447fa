"""Runs `/name arguments` in what the user says, if a plugin registered a command of that name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.session import Session


@hookimpl
async def take_input(text: str, session: Session) -> str | bool | None:
    """Put in the command's words, or nothing if the command was all; other text, like a path, stays as it is."""
    if not text.startswith("/"):
        return None
    name, arguments = [*text[1:].split(maxsplit=1), "", ""][:2]
    command = (await session.host.commands()).get(name) if text[1:].startswith(name) else None
    if command is None:
        return None
    said = await command.run(arguments.rstrip(), session)
    return True if said is None else said
