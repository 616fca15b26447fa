"""From findings to lines, or to JSON."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from mimocode import __version__
from mimocode.errors import MimoError

from ..streams import visible
from .hookspecs import check_health

if TYPE_CHECKING:
    from mimocode.host import Host

MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}
ORDER = ("ok", "warn", "fail")


async def run(args: argparse.Namespace, host: Host) -> int:
    """Print every finding; 1 when something is broken."""
    try:
        offers = await host.hooks.collect(check_health, host=host)
    except MimoError as error:  # not even the workspace can be opened
        offers = [[("fail", "workspace", str(error), "")]]
    found = [finding for offer in reversed(offers) for finding in offer]
    broken = any(level == "fail" for level, *_ in found)
    if args.json:
        rows = [{"level": level, "what": what, "finding": says, "fix": fix} for level, what, says, fix in found]
        print(json.dumps({"version": 1, "mimocode": __version__, "ok": not broken, "checks": rows}, indent=2))
        return 1 if broken else 0
    width = max((len(what) for _, what, _, _ in found), default=0)
    for level, what, says, fix in found:
        print(visible(f"{MARKS.get(level, '?')} {what:{width}}  {says}"))
        if fix and level != "ok":
            print(f"  {'':{width}}  → {fix}")
    counts = [f"{sum(each[0] == level for each in found)} {level}" for level in ORDER]
    print(", ".join(counts))
    return 1 if broken else 0
