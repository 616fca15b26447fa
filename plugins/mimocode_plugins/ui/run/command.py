"""`mimo run`, from the parsed arguments to the exit code."""

from __future__ import annotations

import argparse
import asyncio
import difflib
import sys
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from mimocode.errors import MimoError, ModelError, UsageError
from mimocode.events import Say
from mimocode.messages import Media

from ..attach import attach, unread
from ..headless import converse, overheard
from ..interrupts import CODE, Interrupts
from ..jsonl import JsonLines
from ..streams import Results, Screen, speak_utf8
from ..transcript import Transcript
from ..view import View
from ..which import latest
from .budget import parse_budget
from .stdin import piped

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.ports import Command

TITLE = 50
"""Characters of the message that make a title."""


async def run(args: argparse.Namespace, host: Host) -> int:
    """Run one message.

    Raises:
        MimoError: it could not begin.
    """
    speak_utf8()
    screen = Screen(sys.stderr)
    results = Results()
    view: View = Transcript(screen, results, thinking=args.thinking)
    if args.format == "json":
        view = JsonLines(results, thinking=args.thinking)
    with Interrupts() as interrupts:
        try:
            return await _run(args, host, screen, view, interrupts)
        except MimoError as error:
            view.error(str(error), type(error).__name__, int(time.time() * 1000))
            raise
    return CODE


async def _run(args: argparse.Namespace, host: Host, screen: Screen, view: View, interrupts: Interrupts) -> int:
    _wishes(args, host)
    message, media = _message(args, host, screen)
    session_id = await _which(args, host)
    if args.agent and (await host.agent(args.agent)).mode == "subagent":
        raise UsageError(f"{args.agent} is an agent for other agents: choose a primary one with --agent.")
    command = await _command(args.command, host) if args.command is not None else None
    model = args.model or ("" if session_id else await _first_model(args, host))
    own, copied = ("", session_id) if args.fork else (session_id, "")
    title = _title(args.title, message, new=not session_id)
    async with AsyncExitStack() as stack:
        async with overheard(host) as notices:
            opening = host.open(own, agent=args.agent, model=args.model, fork=copied, title=title)
            session = await stack.enter_async_context(opening)
            await asyncio.sleep(0)
        view.begin(session.id, session.agent.name, session.model_ref or model or await host.default_model())
        for notice in notices:
            view.show(notice)

        async def begin() -> None:
            if why := await unread(media, session):
                await session.notice("model", why, "warning")
            await session.submit(Say(message if command is None else f"/{command.name} {message}".rstrip(), media))

        return await converse(session, begin, view, interrupts, yolo=args.yolo)


def _wishes(args: argparse.Namespace, host: Host) -> None:
    """What this run wants of the host and its plugins."""
    if args.trust:
        host.trusted = True
    if args.max_steps is not None and args.max_steps < 1:
        raise UsageError(f"--max-steps {args.max_steps}: give a number above zero.")
    wishes = {"yolo": args.yolo, "max_steps": args.max_steps, "variant": args.variant, "goal": args.goal}
    wishes["max"] = args.max
    wishes["budget"] = parse_budget(args.budget) if args.budget else None
    host.options.update({key: value for key, value in wishes.items() if value})
    host.options["headless"] = True


def _message(args: argparse.Namespace, host: Host, screen: Screen) -> tuple[str, tuple[Media, ...]]:
    """The words as typed, then standard input, then the files."""
    words = [word for word in args.message if word != "-"]
    typed = " ".join(words)
    found = piped(wait="-" in args.message, alone=not typed.strip() and args.command is None)
    if found.remark:
        screen.line(screen.paint(found.remark, "yellow"))
    message = "\n".join(part for part in (typed, found.text) if part)
    if not message.strip() and args.command is None:
        raise UsageError('there is no message: mimo run "what to do", or pipe one in.')
    texts, media = attach(args.file, host.directory)
    return "\n\n".join(part for part in (message, texts) if part), media


async def _which(args: argparse.Namespace, host: Host) -> str:
    """The session to go on with; empty for a new one."""
    if args.session or args.continue_:
        return args.session or await latest(host)
    if args.fork:
        raise UsageError("--fork copies a session: say which with --session ID, or --continue for the latest.")
    return ""


async def _first_model(args: argparse.Namespace, host: Host) -> str:
    """Which model a new session asks unless its agent has one; fails before there is a session when there is none."""
    try:
        return await host.default_model()
    except ModelError:
        if model := (await host.agent(args.agent)).model:
            return model
        raise


async def _command(name: str, host: Host) -> Command:
    commands = await host.commands()
    wanted = name.removeprefix("/")
    if wanted in commands:
        return commands[wanted]
    close = difflib.get_close_matches(wanted, commands, 1) or sorted(commands)
    raise UsageError(f"there is no command {wanted!r}; there is {', '.join(close) or 'none'}.")


def _title(given: str | None, message: str, new: bool) -> str:
    """The title that was given; `--title ""`, and a new session without one, take the message's beginning."""
    if given or (given is None and not new):
        return given or ""
    words = " ".join(message.split())
    return words if len(words) <= TITLE else words[:TITLE] + "..."
