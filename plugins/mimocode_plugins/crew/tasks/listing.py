"""`mimo tasks`: the tasks of a session, for people and for programs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from mimocode.errors import UsageError
from mimocode.events import Noted
from mimocode.state import replay
from mimocode_plugins.crew.assets import say

from .book import PLUGIN
from .tree import OVER, chosen, lines, tree

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host


async def run(args: argparse.Namespace, host: Host) -> int:
    """Print the tasks of a session, the latest with tasks in this directory when none is named."""
    store = await host.store()
    ids = (
        [args.session] if args.session else [info.id for info in store.sessions(str(host.directory)) if not info.parent]
    )
    for id in ids:
        log = list(store.read(id))
        if args.session and not log:
            raise UsageError(f"there is no session {id!r}; `mimo session list` shows those of this project")
        if any(isinstance(entry.event, Noted) and entry.event.plugin == PLUGIN for entry in log):
            found = tree(replay(log).notes.get(PLUGIN, ()))
            wanted = chosen(found, {"include_terminal": args.all})
            if args.json:
                say(json.dumps([asdict(task) for task in wanted], ensure_ascii=False, indent=1) + "\n")
            elif wanted:
                say(lines(wanted) + "\n")
            over = sum(task.status in OVER for task in found.values())
            if not args.json and not args.all and over:
                sys.stderr.write(f"{over} finished or abandoned; --all shows them\n")
            return 0
    if args.json:
        say("[]\n")
    else:
        sys.stderr.write("No tasks here.\n")
    return 0
