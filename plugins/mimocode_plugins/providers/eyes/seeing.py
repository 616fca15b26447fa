"""A model that is shown words in the place of pictures. What was described once is in the log, and is said the same."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from mimocode.errors import MimoError
from mimocode.events import Noted, Pulse
from mimocode.messages import Block, Media, Message, Part, Text
from mimocode.ports import Answer, Model, Prompt

from ..wire.around import Around

if TYPE_CHECKING:
    from mimocode.session import Session

PLUGIN = "eyes"
PATIENCE = 120.0
"""Seconds for one picture."""


class Seeing(Around):
    """Shows words in the place of pictures."""

    def __init__(self, model: Model, session: Session, eyes: str) -> None:
        super().__init__(model)
        self._session, self._eyes = session, eyes
        self._given: list[Message] = []
        self._shown: list[Message] = []
        """What is shown in the place of each message that was given: a request begins with the one before it."""

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """Ask, and yield what comes."""
        shown = replace(prompt, messages=await self._told(prompt.messages))
        async with aclosing(self._model.stream(shown)) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                yield piece

    async def _told(self, messages: Sequence[Message]) -> Sequence[Message]:
        count = len(self._given)
        same = count <= len(messages) and (not count or messages[count - 1] is self._given[-1])
        if not same or (count and messages[0] is not self._given[0]):
            self._given, self._shown, count = [], [], 0
        for message in messages[count:]:
            blocks = [await self._words(block) if _seen(block) else block for block in message.content]
            kept = blocks == list(message.content)
            self._shown.append(message if kept else msgspec.structs.replace(message, content=tuple(blocks)))
            self._given.append(message)
        return list(self._shown)

    async def _words(self, block: Block) -> Block:
        assert isinstance(block, Media)
        digest = hashlib.sha256(block.data.encode()).hexdigest()
        name = block.name or "picture"
        for note in self._session.state.notes.get(PLUGIN, ()):
            if note.get("digest") == digest:
                return Text(f"[{name}, as {note.get('by')} describes it]\n{note.get('text')}")
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._described(block)
        except (MimoError, TimeoutError) as error:
            why = str(error) or f"no answer within {PATIENCE:g} s"
            await self._session.notice(PLUGIN, f"{name} could not be described by {self._eyes}: {why}", "warning")
            return Text(f"[{name} could not be described: {why}]")
        text = answer.message.text.strip() or "It could not be described."
        data = {"digest": digest, "by": self._eyes, "text": text}
        await self._session.emit(Noted(plugin=PLUGIN, data=data, usage=answer.usage))
        return Text(f"[{name}, as {self._eyes} describes it]\n{text}")

    async def _described(self, block: Media) -> Answer:
        wish = files(__package__).joinpath("eyes.md").read_text("utf-8")
        model = await self._session.host.model(self._eyes)
        prompt = Prompt((Part(wish.strip()),), [Message("user", (Text("What is in it?"), block))])
        try:
            async with aclosing(model.stream(prompt)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    if isinstance(piece, Answer):
                        return piece
        finally:
            if (close := getattr(model, "close", None)) is not None:
                await close()
        raise MimoError(f"{self._eyes} said nothing")


def _seen(block: Block) -> bool:
    return isinstance(block, Media) and block.mime.startswith("image/")
