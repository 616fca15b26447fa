"""Ask a model one question beside the conversation: no tools, its own request, counted like every other call."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mimocode import hookspecs as on
from mimocode.errors import ModelError, ModelFault
from mimocode.messages import Message, Part, Usage, assistant, user
from mimocode.ports import Answer, Prompt

if TYPE_CHECKING:
    from mimocode.session import Session

T = TypeVar("T")

TRIES = 2
"""How often a model may answer a question; the second time it is told what was wrong with the first answer."""


class Garbage(ValueError):
    """The answer is not what was asked for; the text says what is wrong with it."""


@dataclass(frozen=True)
class Opinion:
    """What a model was asked and said. `value` is None when nothing came of it, and `trouble` says why."""

    value: Any
    usage: Usage = Usage()
    trouble: str = ""


async def consult(
    session: Session,
    rules: str,
    question: str,
    read: Callable[[Mapping[str, Any]], T],
    *,
    purpose: str,
    model: str = "",
    seconds: float = 120,
) -> Opinion:
    """Put `question` to a model under `rules` and read its JSON answer.

    Args:
        read: makes a value of the object in the answer; raises `Garbage` when it makes no sense.
        purpose: in the name of the request's conversation, so that providers keep it apart from the main one.
        model: "provider/model"; empty asks the model of the session.
        seconds: for all tries together.

    Never raises for what a model or a network can do: the opinion then has a `trouble` and no value.
    """
    spent = Usage()
    messages: list[Message] = [user(question)]
    trouble = ""
    try:
        async with asyncio.timeout(seconds):
            for _ in range(TRIES):
                answer = await _answer(session, rules, messages, purpose, model)
                spent += answer.usage
                try:
                    return Opinion(read(found(answer.message.text)), spent)
                except Garbage as error:
                    trouble = str(error)
                    again = f"That cannot be used: {error}. Answer with the JSON object alone."
                    messages += [assistant(answer.message.text or "(nothing)"), user(again)]
    except TimeoutError:
        trouble = f"no answer within {seconds:g} s"
    except ModelError as error:
        trouble = str(error)
    return Opinion(None, spent, trouble)


async def _answer(session: Session, rules: str, messages: list[Message], purpose: str, ref: str) -> Answer:
    model = await session.open_model()
    if ref and ref != model.ref:
        model = await session.hooks.fold(on.wrap_model, model=await session.host.model(ref), session=session)
    prompt = Prompt((Part(rules),), tuple(messages), session=f"{session.id}:{purpose}", options={"temperature": 0})
    async with aclosing(model.stream(prompt)) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            if isinstance(piece, Answer):
                return piece
    raise ModelError(ModelFault.NONSENSE, f"{model.ref} ended its stream without an answer")


def found(text: str) -> Mapping[str, Any]:
    """The JSON object in an answer: alone, in a fence, or after some words; of several the last.

    Raises:
        Garbage: there is none.
    """
    decoder = json.JSONDecoder()
    last: Mapping[str, Any] | None = None
    at = 0
    while (start := text.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            at = start + 1
            continue
        if isinstance(value, dict):
            last = value
    if last is None:
        raise Garbage("there is no JSON object in the answer")
    return last


def clipped(text: str, most: int) -> str:
    """A text of at most `most` characters: its beginning and, mostly, its end."""
    text = re.sub(r"[^\S\n]+\n", "\n", text.strip())
    if len(text) <= most:
        return text
    head = most // 3
    return f"{text[:head]}\n[... {len(text) - most} characters left out ...]\n{text[head - most :]}"
