"""A command may want another agent or model for its turn; afterwards the one before has the word again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.events import AgentChosen, ChooseAgent, ChooseModel, ModelChosen
from mimocode.ports import StashKey

if TYPE_CHECKING:
    from mimocode.session import Session

_before: StashKey[tuple[str, str]] = StashKey("crew.commands.before")


async def borrow(session: Session, agent: str, model: str) -> None:
    """Let this agent and model ("" is as it was) have the next turn."""
    had = (session.agent.name, session.state.model)
    if agent and agent != session.agent.name:
        session.agent = await session.host.agent(agent)
        await session.emit(AgentChosen(agent))
        session.stash.setdefault(_before, had)
    if model and model != session.state.model:
        await session.emit(ModelChosen(model))
        session.stash.setdefault(_before, had)


async def give_back(session: Session) -> None:
    """Undo it, if there is something to undo."""
    if (had := session.stash.pop(_before, None)) is not None:
        agent, model = had
        if agent != session.agent.name:
            await session.submit(ChooseAgent(agent))
        if model != session.state.model:
            await session.submit(ChooseModel(model))
