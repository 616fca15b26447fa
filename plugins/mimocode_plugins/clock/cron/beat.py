"""Says to an idle session what is due. A session that works is left alone until it has settled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mimocode.errors import MimoError, StoreError
from mimocode.events import Say

from .desk import Desk, desk, line
from .jobs import Job
from .times import shown

if TYPE_CHECKING:
    from mimocode.session import Session

ORIGIN = "cron"
"""Where a scheduled message says that it comes from."""
FIRST = 1.0
"""Seconds after a session opens before anything runs: what the user came to say goes first."""
LOOK = 15.0
"""Seconds between two looks: other processes change the book, clocks are set, machines sleep."""


async def beat(session: Session) -> None:
    """Go on as long as the session is open."""
    try:
        post = await desk(session.host)
        await post.clock.sleep(FIRST)
        while True:
            await _once(session, post)
    except MimoError as error:
        session.host.report("clock.cron", error)


async def _once(session: Session, post: Desk) -> None:
    now = post.clock.now()
    due = post.book.next(session.host.root, session.id, now, post.zone)
    ahead = LOOK if due is None else due - now
    if ahead > 0:
        await _rest(post, min(ahead, LOOK))
        return
    try:
        await session.settled()
    except StoreError:  # its log is gone, the front end has said so
        await asyncio.Event().wait()
    if idle(session):
        now = post.clock.now()
        taken = post.book.take(session.host.root, session.id, now, post.zone)
        if taken.job:  # nothing is awaited between the look and this, so that no turn can have begun
            await session.submit(Say(words(taken.job, post), origin=ORIGIN))
        for job in taken.ended:
            await session.notice("cron", f"a scheduled job has reached its end and is removed: {line(job, post.zone)}")
        for job in taken.missed:
            await session.notice("cron", f"missed and left out, as cron.catch_up says: {line(job, post.zone)}")
    await asyncio.sleep(0)


async def _rest(post: Desk, seconds: float) -> None:
    """Wait, or until somebody in this process changes the book."""
    post.changed.clear()
    waits = [asyncio.ensure_future(post.clock.sleep(seconds)), asyncio.ensure_future(post.changed.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


def idle(session: Session) -> bool:
    """Whether nothing is going on and nothing is queued, at this very instant: `settled` returns without waiting."""
    looking = session.settled()
    try:
        looking.send(None)
    except StopIteration:
        return True
    looking.close()
    return False


def words(job: Job, post: Desk) -> str:
    """What the agent hears: the prompt, and that nobody is typing it.

    Commands stay what they are where the user wrote them. The agent's are words: `/sandbox off` is not its to say.
    """
    if job.prompt.startswith("/") and job.by == "user":
        return job.prompt
    return f"[scheduled job {job.id}, {shown(post.clock.now(), post.zone)}]\n{job.prompt}"
