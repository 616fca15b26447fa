"""`mimo trust`: see what a folder would load or run, accept it, take that back."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mimocode.errors import UsageError

from .trust import Trust, Trusted

if TYPE_CHECKING:
    from mimocode.host import Host


def arguments(parser: argparse.ArgumentParser) -> None:
    """`[DIR] [--yes | --revoke | --show]`."""
    parser.add_argument("dir", nargs="?", metavar="DIR", help="another folder than this one")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--yes", action="store_true", help="trust the folder as it is now, without a question")
    choice.add_argument("--revoke", action="store_true", help="trust it no longer")
    choice.add_argument("--show", action="store_true", help="only say what it would load or run (exit code 1: asks)")


async def trust(args: argparse.Namespace, host: Host) -> int:
    """Show, and ask where a person sits.

    Raises:
        UsageError: nobody is there to be asked, or the folder is never trusted.
    """
    workspace = host.workspace
    assert isinstance(workspace, Trusted)
    here = workspace.trust
    if args.revoke:
        gone = here.revoke()
        _say(f"{here.root} is {'no longer' if gone else 'not'} trusted")
        return 0
    for line in here.lines():
        _out(line)
    if args.show or (here.given and not args.yes):
        waits = f"; {len(here.pending())} of it new or changed since" if here.known and not here.given else ""
        _say(f"{here.root} is {'trusted' if here.given else 'not trusted'}{waits}")
        return 0 if here.given else 1
    if not args.yes and not _agreed(here):
        _say("nothing was trusted")
        return 1
    here.accept()
    _say(f"{here.root} is trusted as it is now")
    return 0


def _agreed(here: Trust) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nobody is there to be asked: look at it with `mimo trust --show`, accept with --yes")
    what = "all of this" if here.acting else "this folder; nothing in it would act now"
    _err(f"Trust {what} in {here.root}? [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _out(line: str) -> None:
    sys.stdout.write(line + "\n")


def _err(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _say(line: str) -> None:
    _err(line + "\n")
