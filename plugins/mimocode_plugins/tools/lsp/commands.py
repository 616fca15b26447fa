"""`mimo lsp status`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from .known import configured, program

if TYPE_CHECKING:
    from mimocode.host import Host


async def status(args: argparse.Namespace, host: Host) -> int:
    """A line per language server and formatter that would be used here; the others by name."""
    from .formatting import formatters

    setting = host.settings["lsp"]
    if setting is False:
        _say('language servers are off (setting "lsp")')
    servers = configured(setting)
    found = [(known, where) for known in servers if (where := program(known, host.root))]
    for known, where in found:
        _say(f"server     {known.id}  {where}  {' '.join(known.extensions)}")
    for formatter in formatters(host.settings["formatter"], host.root):
        _say(f"formatter  {formatter.name}  {' '.join(formatter.command)}  {' '.join(formatter.extensions)}")
    there = {known.id for known, _ in found}
    if missing := [known.id for known in servers if known.id not in there]:
        _say(f"not found  {', '.join(missing)}")
    if not host.trusted and (found or host.settings["formatter"]):
        sys.stderr.write("mimo: this folder is not trusted: none of them runs in it\n")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
