"""Ask for a title, and take from the answer what can be one (runtime.md 1.14)."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from mimocode import hookspecs as on
from mimocode.errors import MimoError
from mimocode.events import Noted, Titled, builtins
from mimocode.messages import Message, Part, user
from mimocode.ports import Answer, Prompt, StashKey

if TYPE_CHECKING:
    from mimocode.session import Session

PLUGIN = "title"
AGENT = "title"
LONGEST = 100
"""Characters of a title; a longer one is cut."""
READ = 4_000
"""Characters of the message that the model is shown."""
PATIENCE = 60.0
"""Seconds, then there is no title."""
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)

_naming: StashKey[asyncio.Task[None]] = StashKey("crew.title")


def begin(message: Message, session: Session) -> None:
    """Start, once per session, if the user said this and there is a model for it."""
    settings = session.host.settings
    model = str(settings["small_model"]) if "small_model" in settings else ""
    if not model and "model_groups" in settings and "lite" in (settings["model_groups"] or {}):
        model = "lite"
    if not model or message.role != "user" or message.origin or not message.text.strip() or _naming in session.stash:
        return
    session.stash[_naming] = asyncio.create_task(_name(message.text, model, session), name=f"title {session.id}")


async def give_up(session: Session) -> None:
    """Stop, if it is still going on."""
    task = session.stash.get(_naming)
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _name(text: str, ref: str, session: Session) -> None:
    """A title that cannot be had is no reason to trouble anybody."""
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await _asked(text, ref, session)
    except (MimoError, TimeoutError):
        return
    if answer is None:
        return
    await session.emit(Noted(PLUGIN, {"model": ref, "usage": builtins(answer.usage)}))
    if (title := cleaned(answer.message.text)) and not session.state.title:
        await session.emit(Titled(title))


async def _asked(text: str, ref: str, session: Session) -> Answer | None:
    host = session.host
    agent = await host.agent(AGENT)
    model = await host.hooks.fold(on.wrap_model, model=await host.model(agent.model or ref), session=session)
    options = {key: value for key, value in agent.options.items() if key in ("temperature", "top_p", "variant")}
    prompt = Prompt((Part(agent.prompt),), (user(text[:READ]),), (), f"{session.id}-title", options)
    async with aclosing(model.stream(prompt)) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            if isinstance(piece, Answer):
                return piece
    return None


def cleaned(text: str) -> str:
    """The first line that says something, without thoughts and quotation marks, at most `LONGEST` characters."""
    lines = (line.strip().strip("\"'`*#").strip() for line in _THOUGHT.sub("", text).splitlines())
    title = next((line for line in lines if line), "")
    return title if len(title) <= LONGEST else title[: LONGEST - 3].rstrip() + "..."
