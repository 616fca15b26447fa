"""Ask a small model one question beside a conversation, within a budget; what it answers is only ever a proposal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from typing import TYPE_CHECKING, Any, Protocol

from mimocode import hookspecs as on
from mimocode.errors import MimoError, ModelError, ModelFault
from mimocode.events import Noted
from mimocode.messages import Part, Usage, user
from mimocode.ports import Answer, Prompt, SessionInfo

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

PATIENCE = 120.0
"""Seconds for one answer."""
APART = {"dream": "Auto Dream", "distill": "Auto Distill"}
"""By plugin the title of sessions that nobody held, as the original has them (surface.md A.3)."""


def small(host: Host, wanted: str = "") -> str:
    """The model for work in the background: what was set, the small one, the group `lite`; "" when there is none."""
    settings = host.settings
    if wanted:
        return wanted
    if "small_model" in settings and (ref := settings["small_model"]):
        return str(ref)
    return "lite" if "model_groups" in settings and "lite" in (settings["model_groups"] or {}) else ""


async def usual(host: Host) -> str:
    """The model that the user talks to; "" when none is configured."""
    try:
        return await host.default_model()
    except ModelError:
        return ""


def apart(host: Host, plugin: str) -> AbstractAsyncContextManager[Session]:
    """A session in whose log the cost of a command line's questions stands; nobody is offered to go on with it."""
    return host.open(title=APART[plugin])


def held(sessions: Iterable[SessionInfo]) -> list[SessionInfo]:
    """The sessions in which somebody worked."""
    return [info for info in sessions if info.title not in APART.values()]


async def answered(session: Session, ref: str, rules: str, question: str, purpose: str, **options: Any) -> Answer:
    """What a model answers to one question apart from the conversation; `ModelError` says why it does not."""
    model = await session.host.hooks.fold(on.wrap_model, model=await session.host.model(ref), session=session)
    options, name = {"temperature": 0, **options}, f"{session.id}:{purpose}"
    prompt = Prompt((Part(rules),), (user(question),), (), name, options)
    async with aclosing(model.stream(prompt)) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            if isinstance(piece, Answer):
                return piece
    raise ModelError(ModelFault.NONSENSE, f"{ref} ended its stream without an answer")


class Wishes(Protocol):
    """What the settings say about asking: the model ("" for the small one), and what one run may use."""

    model: str
    tokens: int


def asker(session: Session, plugin: str, wishes: Wishes, otherwise: str = "") -> Asker:
    """Who is asked, within the budget of one run: the small model; `otherwise` when the user began it."""
    return Asker(session, plugin, plugin, small(session.host, wishes.model) or otherwise, wishes.tokens)


class Asker:
    """Asks for one piece of work; counts what it costs in the log of the session, under the plugin's name.

    Args:
        agent: whose prompt the model gets.
        tokens: what all questions together may use; then there is no more asking.
    """

    def __init__(self, session: Session, plugin: str, agent: str, model: str, tokens: int) -> None:
        self.session, self.plugin, self.agent, self.model, self.left = session, plugin, agent, model, tokens
        self.trouble = ""
        """Why there was no answer."""

    async def ask(self, question: str) -> Mapping[str, Any] | None:
        """The JSON object that the model answers; None when nothing usable comes, and `trouble` says why."""
        if not self.model:
            self.trouble = "there is no small model: set small_model"
        elif (need := len(question) // 3) > self.left:
            self.trouble = f"the question needs about {need:,} tokens and {self.left:,} are left"
        else:
            try:
                async with asyncio.timeout(PATIENCE):
                    return self._read(await self._answer(question))
            except TimeoutError:
                self.trouble = f"{self.model} gave no answer within {PATIENCE:g} s"
            except MimoError as error:
                self.trouble = str(error)
        return None

    async def _answer(self, question: str) -> str:
        agent = await self.session.host.agent(self.agent)
        ref = agent.model or self.model
        answer = await answered(self.session, ref, agent.prompt, question, self.plugin)
        await self._count(answer.usage, ref)
        return answer.message.text

    async def _count(self, usage: Usage, ref: str) -> None:
        self.left -= usage.input + usage.output
        await self.session.emit(Noted(self.plugin, {"op": "asked", "model": ref}, usage))

    def _read(self, text: str) -> Mapping[str, Any] | None:
        start, end = text.find("{"), text.rfind("}")
        try:
            value = json.loads(text[start : end + 1])
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            self.trouble = f"{self.model} did not answer with a JSON object"
            return None
        return value
