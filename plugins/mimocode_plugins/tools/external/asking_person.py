"""Ask at the terminal what `mimo mcp add` was not told."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from mimocode.errors import UsageError

from .hookspecs import Person, find_person

if TYPE_CHECKING:
    from mimocode.host import Host

_USAGE = "say `mimo mcp add NAME URL` or `mimo mcp add NAME -- COMMAND`; at a terminal `mimo mcp add` alone asks"


async def complete(args: argparse.Namespace, host: Host) -> None:
    """Fill in the name, what it is, its variables or headers, and where to keep it.

    Raises:
        UsageError: nobody can be asked, or an answer makes no sense.
    """
    person: Person | None = await host.hooks.first(find_person, host=host)
    if person is None:
        raise UsageError(_USAGE)
    args.name = args.name or (await person.text("A name for the server:")).strip()
    kinds = [("local", "a program on this machine"), ("remote", "a server at an address")]
    if await person.choose("What is it?", kinds) == "local":
        args.what = _words(await person.text("The command, with its arguments:"))
        args.env += _words(await person.text("Variables for it, as NAME=VALUE (empty for none):"))
    else:
        args.what = [(await person.text("Its address:", "https://")).strip()]
        if not args.what[0].startswith(("http://", "https://")):
            raise UsageError("an address begins with http:// or https://")
        args.header += _words(await person.text("Headers for it, as NAME=VALUE (empty for none; logins need none):"))
    if not args.what:
        raise UsageError(_USAGE)
    places = [("user", "for all projects"), ("project", "for this project: in its settings, which others may get, too")]
    args.project = args.project or await person.choose("For what?", places) == "project"


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"this is no command line: {error}") from None
