"""`mimo command list`, `new`, `show`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.errors import UsageError
from mimocode_plugins.crew.assets import say
from mimocode_plugins.crew.authoring import checked, declare, near, place, quoted, write

from .sources import Template, templates, unsaid

if TYPE_CHECKING:
    from mimocode.host import Host

BODY = """\
Say here what the agent is to do.

$ARGUMENTS stands for what follows the command.
"""


async def list_(chosen: argparse.Namespace, host: Host) -> int:
    """Print the commands; what was left out goes to stderr."""
    files = templates(host).found
    rows: list[dict[str, Any]] = []
    for name, command in sorted((await host.commands()).items()):
        file = files.get(name)
        ours = file is not None and command.summary == file.description and _is_file(command)
        rows.append(
            {
                "name": name,
                "summary": command.summary,
                "arguments": command.arguments,
                "source": file.source if ours and file else "plugin or skill",
                "replaces": list(file.replaces) if ours and file else [file.source] if file else [],
            }
        )
    if chosen.format == "json":
        say(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    else:
        say("".join(map(_lines, rows)))
    sys.stderr.write("".join(f"mimo: {line}\n" for line in unsaid(host)))
    return 0


def _is_file(command: Any) -> bool:
    return str(command.run.__module__) == f"{__package__}.running"


def _lines(row: dict[str, Any]) -> str:
    lines = [f"/{row['name']} {row['arguments']}".rstrip(), f"  {row['summary']}", f"  from {near(row['source'])}"]
    return "\n".join([*lines, *(f"  in place of {near(other)}" for other in row["replaces"])]) + "\n"


def declare_new(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `new`."""
    declare(parser)
    parser.add_argument("--agent", default="", metavar="NAME", help="who carries it out")
    parser.add_argument("--subtask", action="store_true", help="in a subagent, with a context of its own")


async def new(chosen: argparse.Namespace, host: Host) -> int:
    """Write a new command."""
    name = checked(chosen.name)
    lines = [f"description: {quoted(chosen.description or 'Say what it does.')}"]
    lines += [f"agent: {chosen.agent}"] * bool(chosen.agent) + ["subtask: true"] * chosen.subtask
    file = place(host, "commands", everywhere=chosen.everywhere) / f"{name}.md"
    write(file, "\n".join(["---", *lines, "---", BODY]), force=chosen.force)
    return 0


async def show(chosen: argparse.Namespace, host: Host) -> int:
    """Print a command's file."""
    name = chosen.name.removeprefix("/")
    template = templates(host).found.get(name)
    if template is None:
        known = "it comes from a plugin or is a skill" if name in await host.commands() else "there is no such command"
        raise UsageError(f"/{name} is no file: {known}; `mimo command list` shows all")
    say(f"{near(template.source)}\n\n")
    say(f"{_file(template)}\n")
    return 0


def _file(template: Template) -> str:
    return template.text if template.source == "settings" else Path(template.source).read_text("utf-8").strip()
