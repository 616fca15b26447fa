"""`mimo` at a terminal, from the parsed arguments to the exit code."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError, UsageError
from mimocode.events import MessageAdded, Rewind

from ..streams import Screen as Stream
from ..streams import speak_utf8
from .first import First, first
from .nimble import nimble
from .seat import Seat, first_seat
from .trusting import consult

if TYPE_CHECKING:
    from mimocode.host import Host

    from .chat import Chat

ENDS = (signal.SIGTERM, signal.SIGHUP)


async def chat(args: argparse.Namespace, host: Host) -> int:
    """Hold sessions until the user leaves.

    Raises:
        MimoError: the first session could not be opened, or the terminal is none.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError('`mimo` needs a terminal to talk; for scripts there is mimo run "what to do".')
    speak_utf8()
    if args.trust:
        host.trusted = True
    if not consult(host):
        return 0
    if args.yolo:
        host.options["yolo"] = True
    host = await offered(args, host)
    with first(host, args.plain) as prompt:
        return await _talk(args, host, prompt)


async def _talk(args: argparse.Namespace, host: Host, prompt: First) -> int:
    from .chat import Chat

    talk = Chat(host, yolo=args.yolo, plain=args.plain)
    host.options["questions"] = True
    async with _terminal(talk, prompt) as running:
        seat: Seat | None = await first_seat(args, host)
        before, words = "", args.prompt
        back: Seat | None = None
        while seat is not None:
            if words:
                talk.entered(words)
                words = ""
            here = seat
            try:
                before, seat = await _hold(talk, seat, running)
                back = replace(here, id=before, fork="", to=0, known=bool(before))
            except MimoError as error:
                if back is None:
                    raise
                talk.face.tell(str(error), "error")
                seat, back = back, None
    if talk.again and before:
        host.close()
        signal.setitimer(signal.ITIMER_REAL, 0)  # a timer goes on in the new program, which knows nothing of it
        os.execv(sys.executable, [sys.executable, "-m", "mimocode.main", "chat", "--session", before])
    _farewell(before)
    return 0


async def offered(args: argparse.Namespace, host: Host) -> Host:
    """Offer the first start to someone who has no model; the host to go on with."""
    if args.model or not first_start(host) or await _chosen_before(args, host):
        return host
    from ..wizard import menu
    from ..wizard.asking import Asking, Left

    if (why := await menu.missing(host)) is None:
        return host
    ask = Asking()
    ask.say("Welcome to mimo. It needs a model to talk to; each of these ways takes about a minute.")
    if why:
        ask.say(f"There is none yet: {why}.")
    try:
        while await menu.walk(host, ask=ask) is None:
            await menu.demo()
            ask.say("That was a script. Now a model of your own, or later.")
    except Left as left:
        ask.say(str(left))
    return menu.fresh(host)


def first_start(host: Host) -> bool:
    """Whether nobody ever chose a model here: only then is it worth looking before the screen is painted."""
    return "model" not in host.settings or not host.settings["model"]


async def _chosen_before(args: argparse.Namespace, host: Host) -> bool:
    """Whether the session that is gone on with has a model."""
    if not (args.continue_ or args.session):
        return False
    from mimocode.state import replay

    seat = await first_seat(args, host)
    wanted = seat.id or seat.fork
    return bool(wanted and replay((await host.store()).read(wanted)).model)


async def _hold(talk: Chat, seat: Seat, running: asyncio.Task[None]) -> tuple[str, Seat | None]:
    """Hold one session; its id, if there is something in it, and what comes next."""
    talk.next = asyncio.get_running_loop().create_future()
    host = talk.host
    async with host.open(seat.id, agent=seat.agent, model=seat.model, fork=seat.fork) as session:
        if seat.to and seat.to < session.state.seq:
            await session.submit(Rewind(seat.to))
            await session.settled()
        await talk.attach(session, again=seat.known)
        ends: list[asyncio.Future[Any]] = [talk.next, running]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        talk.face.flush()
        said = len(session.state.messages) > 0 or bool(session.state.title)
        talk.face.turn_to(None)
    store = await host.store()
    said = said or any(isinstance(entry.event, MessageAdded) for entry in store.read(session.id))  # now taken back
    if not said and not seat.id:
        store.delete(session.id)  # nobody said a word
    if running.done():
        return session.id if said else "", None
    return session.id if said else "", talk.next.result()


@contextlib.asynccontextmanager
async def _terminal(talk: Chat, prompt: First) -> AsyncIterator[asyncio.Task[None]]:
    """Have the terminal: the prompt is painted before anything else is done."""
    from .chat import Aside
    from .desk import DESK
    from .questions import QUESTIONS

    loop, app, stash = asyncio.get_running_loop(), talk.face.screen.app, talk.host.stash
    stash[DESK], stash[QUESTIONS] = talk.face.desk, talk.face.questions
    painted = asyncio.Event()
    app.after_render += lambda _: painted.set()
    follower = loop.create_task(talk.follow(), name="screen")
    prompt.hand_over()
    running = loop.create_task(app.run_async(handle_sigint=False, set_exception_handler=False), name="terminal")
    for number in ENDS:
        loop.add_signal_handler(number, talk.go, None)
    loop.add_signal_handler(signal.SIGCONT, app.woken)
    try:
        await asyncio.wait([running, loop.create_task(painted.wait())], return_when=asyncio.FIRST_COMPLETED)
        nimble()
        aside = Aside(lambda line: talk.face.tell(line.removeprefix("mimo: "), "warning"))
        with contextlib.redirect_stderr(aside), contextlib.redirect_stdout(aside):
            yield running
    finally:
        for number in (*ENDS, signal.SIGCONT):
            loop.remove_signal_handler(number)
        talk.face.flush()
        talk.face.stop()
        stash.pop(DESK, None)
        stash.pop(QUESTIONS, None)
        if not running.done():
            app.exit()
        follower.cancel()
        await asyncio.wait([running, follower])
    if not running.cancelled() and (error := running.exception()):
        raise error


def _farewell(session: str) -> None:
    if session:
        stream = Stream(sys.stderr)
        stream.line(stream.paint(f"Go on with: mimo -s {session}", "dim"))
