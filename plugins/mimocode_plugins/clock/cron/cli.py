"""`mimo cron list`, `show`, `add`, `rename`, `remove`, `run`, and `mimo serve`."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from mimocode.errors import MimoError, UsageError
from mimocode.events import Say, TurnEnded

from . import off
from .beat import LOOK, ORIGIN, words
from .desk import Desk, desk, details, line
from .jobs import Job, made
from .times import FORMS, once, parsed, span

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.main import Commands

CODES = {"done": 0, "failed": 1, "limited": 3, "interrupted": 130}
EMPTY = 'nothing is scheduled; mimo cron add "every 1h" "look at the build"'
TITLE = 50
"""Characters of a prompt in the title of its session."""


def register(commands: Commands) -> None:
    """Add them."""
    commands.add("cron list", "Show what is scheduled in this project", list_, _declare_list)
    commands.add("cron show", "Show all there is to know about a job", show, _declare_one)
    commands.add("cron add", "Schedule a prompt", add, _declare_add)
    commands.add("cron rename", "Give a job a name", rename, _declare_rename)
    commands.add("cron remove", "Take a job off the schedule", remove, _declare_one, aliases=("cron rm",))
    commands.add("cron run", "Run what is due, each in a session of its own", run, _declare_run)
    commands.add("serve", "Stay and run what is scheduled in this project when it is due", serve, _declare_serve)


def _declare_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON")


def _declare_add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("when", metavar="WHEN", help=FORMS.replace("%", "%%"))
    parser.add_argument("prompt", nargs="+", metavar="PROMPT", help="what to say to the agent")
    parser.add_argument("--expires", default="", metavar="SPAN", help='end after "30d", or "never"')
    parser.add_argument("--once", action="store_true", help="only the first time that WHEN names")
    parser.add_argument("--name", default="", help="what to call it in lists")
    parser.add_argument("--skip-missed", action="store_true", help="leave out runs that were missed")


def _declare_one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID")


def _declare_rename(parser: argparse.ArgumentParser) -> None:
    _declare_one(parser)
    parser.add_argument("name", nargs="*", metavar="NAME", help="none: take its name away")


def _declare_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", default="", metavar="ID", help="this one now, due or not")
    parser.add_argument("--watch", action="store_true", help="go on, and run each when it is due, until interrupted")


def _declare_serve(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "As `mimo cron run --watch` does. No port is opened; `mimo mcp serve` offers tools to other agents."


async def list_(args: argparse.Namespace, host: Host) -> int:
    """Print the jobs, the next one first."""
    post = await desk(host)
    jobs = post.book.jobs(host.root)
    if args.json:
        sys.stdout.write(json.dumps([asdict(job) for job in jobs], indent=1, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("".join(f"{line(job, post.zone)}\n" for job in jobs))
        sys.stderr.write("" if jobs else f"{EMPTY}\n")
    return 0


async def add(args: argparse.Namespace, host: Host) -> int:
    """Keep a job and print its line."""
    post, now = await desk(host), (await desk(host)).clock.now()
    days = post.wishes.expire_days
    if args.expires:
        days = 0 if args.expires == "never" else span(args.expires) / 86_400
    missed = "skip" if args.skip_missed else post.wishes.catch_up
    rule = (once if args.once else parsed)(args.when, now, post.zone)
    job = made(rule, " ".join(args.prompt), host.root, now, days=days, catch_up=missed, name=args.name)
    post.book.add(job)
    sys.stdout.write(f"{line(job, post.zone)}\n")
    return 0


async def show(args: argparse.Namespace, host: Host) -> int:
    """Print a job."""
    post = await desk(host)
    sys.stdout.write(f"{details(post.book.find(args.id, host.root), post.zone)}\n")
    return 0


async def rename(args: argparse.Namespace, host: Host) -> int:
    """Give a job a name and print its line."""
    post = await desk(host)
    sys.stdout.write(f"{line(post.book.rename(args.id, host.root, ' '.join(args.name)), post.zone)}\n")
    return 0


async def remove(args: argparse.Namespace, host: Host) -> int:
    """Forget a job."""
    post = await desk(host)
    sys.stdout.write(f"removed {line(post.book.remove(args.id, host.root), post.zone)}\n")
    return 0


async def run(args: argparse.Namespace, host: Host) -> int:
    """Run one job, or everything that is due; the answers go to stdout."""
    post = await _alone(host)
    if args.id:
        job = post.book.find(args.id, host.root)
        post.book.ran(job, post.clock.now())
        return await _run(job, post, host)
    return await (_watched(post, host) if args.watch else _all_due(post, host, asyncio.Event()))


async def serve(args: argparse.Namespace, host: Host) -> int:
    """Run what is due, when it is due, until interrupted."""
    return await _watched(await _alone(host), host)


async def _alone(host: Host) -> Desk:
    """The desk of a host that says things with nobody there.

    Raises:
        UsageError: schedules are switched off.
    """
    post = await desk(host)
    if not post.wishes.enabled:
        raise UsageError("schedules are switched off: cron.enabled is false")
    if off(host):
        raise UsageError("schedules are switched off by MIMOCODE_DISABLE_CRON or MIMOCODE_EXPERIMENTAL_CRON")
    host.options |= {"headless": True, "scheduled": True}
    return post


async def _all_due(post: Desk, host: Host, over: asyncio.Event) -> int:
    """Run what is due, one after the other; the worst exit code. A job that cannot be run stops no other."""
    worst = 0
    while not over.is_set():
        taken = post.book.take(host.root, "", post.clock.now(), post.zone)
        for ended in taken.ended:
            sys.stderr.write(f"ended and removed: {line(ended, post.zone)}\n")
        for left in taken.missed:
            sys.stderr.write(f"missed and left out: {line(left, post.zone)}\n")
        if not taken.job:
            break
        try:
            worst = max(worst, await _run(taken.job, post, host))
        except MimoError as error:
            worst = max(worst, error.exit_code)
            sys.stderr.write(f"mimo: {taken.job.id}: {error}\n")
        sys.stdout.flush()
    return worst


async def _watched(post: Desk, host: Host) -> int:
    """Run everything when it is due, until Ctrl-C or SIGTERM; a job that is at work then is interrupted."""

    over = asyncio.Event()

    async def watch() -> None:
        while not over.is_set():  # whoever is cancelled at work may have dealt with it: this is looked at in any case
            await _all_due(post, host, over)
            if over.is_set():
                return
            due = post.book.next(host.root, "", now := post.clock.now(), post.zone)
            await post.clock.sleep(LOOK if due is None else min(LOOK, max(0.0, due - now)))

    jobs = [job for job in post.book.jobs(host.root) if not job.session]
    sys.stderr.write(f"watching the schedule of {host.root}: {len(jobs)} job{'s' * (len(jobs) != 1)}; Ctrl-C ends it\n")
    sys.stderr.write("".join(f"  {line(job, post.zone)}\n" for job in jobs) or f"{EMPTY}\n")
    watching = asyncio.create_task(watch(), name="cron")
    loop = asyncio.get_running_loop()

    def end() -> None:
        over.set()
        watching.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    with suppress(asyncio.CancelledError):
        await watching
    return 0


async def _run(job: Job, post: Desk, host: Host) -> int:
    """Say it in a session of its own; what would need a person's word is refused there."""
    sys.stderr.write(f"running {line(job, post.zone)}\n")
    ended = "failed"
    async with host.open(title=f"cron: {' '.join(job.prompt.split())[:TITLE]}") as session:

        async def watch() -> None:
            nonlocal ended
            async for entry in session.follow():
                if isinstance(entry.event, TurnEnded):
                    ended = entry.event.reason
                    sys.stderr.write(f"{entry.event.detail}\n" if entry.event.detail else "")

        watching = asyncio.create_task(watch())
        await asyncio.sleep(0)  # it listens from here on
        await session.submit(Say(words(job, post), origin=ORIGIN))
        await session.settled()
        await asyncio.sleep(0)
        watching.cancel()
        await asyncio.wait([watching])
        sys.stdout.write(f"{session.last_words().strip()}\n")
    return CODES[ended]
