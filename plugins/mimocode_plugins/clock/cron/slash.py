"""`/loop` and `/loops`: the same words again and again, in this session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.errors import UsageError
from mimocode.events import Say

from .desk import desk, line, rhythm
from .jobs import made
from .times import SPAN, parsed

if TYPE_CHECKING:
    from mimocode.session import Session

NOTHING, HOW = "nothing is scheduled", "/loop 10m look at the build says it again and again"
OFTEN = "10m"
"""Between two rounds, unless the user says otherwise (surface.md A.4)."""
LOOPS = ("/loop", "/loops")
STOP = ("stop", "cancel", "clear", "off")


async def loop(arguments: str, session: Session) -> str | None:
    """Begin a loop with its first round, or list them, or end one."""
    post = await desk(session.host)
    first, _, rest = arguments.strip().partition(" ")
    if not first or first == "list":
        await session.notice("cron", await listed(session) or f"{NOTHING}; {HOW}")
        return None
    if first in STOP:
        await session.notice("cron", await stop(rest.strip(), session))
        return None
    often, prompt = (first, rest.strip()) if SPAN.fullmatch(first.lower()) else (OFTEN, arguments.strip())
    if not prompt:
        raise UsageError("say what to do again and again: /loop 10m look at the build")
    command = prompt.partition(" ")[0]
    if command in LOOPS:
        raise UsageError(f"a loop that begins loops has no end: {command} cannot be said again and again")
    now = post.clock.now()
    rule = parsed(f"every {often}", now, post.zone)
    job = made(rule, prompt, session.host.root, now, session=session.id, days=post.wishes.expire_days)
    post.book.add(job)
    post.changed.set()
    await session.notice("cron", f"loop {job.id}: now and {rhythm(job, post.zone)}; /loop stop {job.id} ends it")
    if not command.startswith("/"):
        return prompt
    await session.submit(Say(prompt))  # a command is run as one
    return None


async def listed(session: Session) -> str:
    """The jobs that this session may run, a line each."""
    post = await desk(session.host)
    mine = [job for job in post.book.jobs(session.host.root) if job.session in ("", session.id)]
    return "\n".join(line(job, post.zone) for job in mine)


async def stop(id: str, session: Session) -> str:
    """End one loop of this session, or all of them."""
    post = await desk(session.host)
    loops = [job for job in post.book.jobs(session.host.root) if job.session == session.id]
    if id:
        loops = [post.book.find(id, session.host.root)]
    for job in loops:
        post.book.remove(job.id, session.host.root)
    return "ended: " + ", ".join(job.id for job in loops) if loops else "there is no loop in this session"
