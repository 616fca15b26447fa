"""`mimo setup`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mimocode.errors import UsageError

from ..wizard import menu
from ..wizard.asking import Asking, Left
from ..wizard.trial import attempt

if TYPE_CHECKING:
    from mimocode.host import Host


async def run(args: argparse.Namespace, host: Host) -> int:
    """Lead to a model; 0 when one works in the end.

    Raises:
        UsageError: nobody is there to be asked.
    """
    if args.list:
        for way in await menu.ways(host):
            print(f"{way.name:10} {way.title}{f'  ({way.hint})' if way.hint else ''}")
        return 0
    ask = Asking()
    if args.check:
        verdict = await attempt(await host.default_model(), host)
        print("\n".join(verdict.lines()))
        return 0 if verdict.works else 1
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "`mimo setup` asks questions and needs a terminal; `mimo auth login PROVIDER` takes a key from stdin"
        )
    try:
        found = await menu.walk(host, args.way, ask)
    except Left as left:
        ask.say(str(left))
        return left.exit_code
    if found is None:
        return await menu.demo()
    if found.works:
        ask.say("Begin with `mimo` in a project.")
    return 0 if found.works else 1
