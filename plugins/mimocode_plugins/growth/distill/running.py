"""`/distill`, `mimo distill`, and a word by itself when there is something to propose."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING

from mimocode.errors import MimoError, UsageError

from .. import keeping
from ..idling import is_due
from ..ports import Past
from . import hookspecs
from .mining import workflows
from .proposing import Proposal, place, problems, proposals, there
from .settings import Distill
from .steps import steps

if TYPE_CHECKING:
    from pathlib import Path

    from mimocode.host import Host
    from mimocode.session import Session

PLUGIN = "distill"


def wishes(host: Host) -> Distill:
    """The settings."""
    said = host.settings["distill"]
    return said if isinstance(said, Distill) else Distill(**said)


async def past_of(host: Host) -> Past:
    """The project's past.

    Raises:
        UsageError: nobody does.
    """
    if (past := await host.hooks.first(hookspecs.open_past, host=host)) is None:
        raise UsageError("no plugin knows the past of this project")
    return past


async def found(host: Host, form: str = "skill") -> tuple[list[Proposal], int]:
    """What could be written and is not there yet, and how many sessions were looked through."""
    past, store = await past_of(host), await host.store()
    infos = [info for info in await past.sessions() if not info.parent]

    def work() -> list[Proposal]:
        done = workflows({info.id: steps(store.read(info.id)) for info in infos})
        return [each for each in proposals(done, past.redact, form) if not there(host.root, each)]

    return await asyncio.to_thread(work), len(infos)


def told(proposal: Proposal) -> str:
    """A proposal with its evidence and what is wrong with it."""
    lines = [f"{proposal.form} {proposal.name}: {proposal.evidence}"]
    lines += [f"  {number}. {step}" for number, step in enumerate(proposal.steps, 1)]
    wrong = problems(proposal)
    return "\n".join(
        lines + [f"  ! {each}" for each in wrong] + ([] if wrong else ["  parses; its commands were not run"])
    )


def write(root: Path, proposal: Proposal) -> Path:
    """Write the file.

    Raises:
        UsageError: something is wrong with it, or there is a file of that name.
    """
    path = place(root, proposal)
    if wrong := problems(proposal):
        raise UsageError(f"{proposal.name} is not written: {'; '.join(wrong)}")
    if path.exists():
        raise UsageError(f"{path} is there already")
    keeping.write(path, proposal.text())
    return path


async def slash(arguments: str, session: Session) -> None:
    """`/distill`: what could be written; `/distill keep NAME`: write it, in this project."""
    proposed, count = await found(session.host)
    word, _, name = arguments.strip().partition(" ")
    if word == "keep":
        chosen = next((each for each in proposed if each.name == name.strip()), None)
        if chosen is None:
            names = ", ".join(each.name for each in proposed) or "nothing"
            raise UsageError(f"there is no {name.strip()!r} to keep; there is {names}")
        await session.notice(PLUGIN, f"wrote {write(session.host.root, chosen)}")
        return
    if word:
        raise UsageError("/distill, or /distill keep NAME")
    lines = [told(each) for each in proposed] or ["nothing was done often enough to write it down"]
    lines += ["/distill keep NAME writes one"] * bool(proposed)
    await session.notice(PLUGIN, "\n".join([f"{count} sessions looked through", *lines]))


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mimo distill`."""
    parser.add_argument("--dry-run", action="store_true", help="only show what could be written")
    parser.add_argument("--form", choices=("skill", "command"), default="skill", help="what to write (skill)")
    parser.add_argument("-y", "--yes", action="store_true", help="write all of them without asking")


async def run(args: argparse.Namespace, host: Host) -> int:
    """`mimo distill`: proposals to stdout; each is asked about before it is written."""
    proposed, count = await found(host, args.form)
    sys.stderr.write(f"{count} sessions looked through, {len(proposed)} to propose\n")
    failed = 0
    for each in proposed:
        sys.stdout.write(told(each) + "\n")
        if args.dry_run or not (args.yes or _agreed(each)):
            continue
        try:
            sys.stderr.write(f"wrote {write(host.root, each)}\n")
        except MimoError as error:
            failed = 1
            sys.stderr.write(f"mimo: {error}\n")
    if proposed and not (args.dry_run or args.yes or sys.stdin.isatty()):
        sys.stderr.write("nothing was written: nobody is there to ask; --yes writes them\n")
    return failed


def _agreed(proposal: Proposal) -> bool:
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"Write the {proposal.form} {proposal.name}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


async def due(session: Session) -> bool:
    """Whether nobody looked for so many days."""
    state = keeping.load(_place(session.host))
    oldest = min((info.created for info in await (await past_of(session.host)).sessions()), default=0.0)
    return is_due(float(state.get("ran", 0)), oldest, wishes(session.host).interval_days)


def _place(host: Host) -> Path:
    return keeping.folder(host, PLUGIN, host.root)


async def by_itself(session: Session) -> None:
    """Look, and say what there is; nothing is written."""
    with keeping.alone(_place(session.host)) as mine:
        if not mine or not await due(session):
            return
        proposed, _ = await found(session.host)
        keeping.save(_place(session.host), {"ran": time.time()})
        if proposed:
            names = ", ".join(f"{each.name} ({len(each.sessions)} times)" for each in proposed)
            say = f"this was done again and again and could become a skill: {names}; /distill shows how"
            await session.notice(PLUGIN, say)
