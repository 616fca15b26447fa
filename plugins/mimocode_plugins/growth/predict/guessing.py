"""Ask for a guess, and take from the answer what may be put into a prompt (surface.md 2.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError
from mimocode.events import Noted
from mimocode.messages import Message
from mimocode.ports import Answer, StashKey

from ..asking import answered, small
from ..planted import INJECTED

if TYPE_CHECKING:
    from mimocode.session import Session

PLUGIN = "predict"
PATIENCE = 15.0
"""Seconds; a guess that comes later than that is of no use."""
OUTPUT = 300
"""Tokens of an answer at most, thoughts included."""
SAID, ANSWERED = 1500, 4000
"""Characters of the user's last message, and of the end of the agent's, that the model is shown."""
LONGEST = 120
"""Characters of a guess; a longer one is none."""
COMMANDS = ("/", "!", "@", "$")
"""What means more than its words at the beginning of a prompt: that is for the user to type."""

_guessing: StashKey[asyncio.Task[None]] = StashKey("growth.predict")


def begin(session: Session) -> None:
    """Start guessing in the background, if there is a model for it and something was said."""
    if model := small(session.host):
        session.stash[_guessing] = asyncio.create_task(_guess(session, model), name=f"predict {session.id}")


async def give_up(session: Session) -> None:
    """Stop, if it is still going on."""
    task = session.stash.pop(_guessing, None)
    if task is not None:
        task.cancel()
        await asyncio.wait([task])


async def _guess(session: Session, ref: str) -> None:
    """A guess that cannot be had is no reason to trouble anybody."""
    typed = asyncio.ensure_future(session.host.options["typing"]())
    works: list[asyncio.Future[Any]] = [typed]
    try:
        await asyncio.sleep(0)
        if typed.done():
            return
        works.append(asked := asyncio.ensure_future(_asked(session, ref)))
        await asyncio.wait(works, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if asked.done() and (answer := asked.result()) is not None:
            guess = "" if typed.done() else cleaned(answer.message.text)
            await session.emit(Noted(PLUGIN, {"model": ref, "suggestion": guess}, answer.usage))
    except MimoError:
        return
    except Exception as error:
        session.host.report("growth.predict", error)
    finally:
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)


async def _asked(session: Session, ref: str) -> Answer | None:
    if not (shown := exchange(session.state.messages)):
        return None
    rules = files(__package__).joinpath("predict.md").read_text("utf-8")
    return await answered(session, ref, rules, shown, PLUGIN, max_output=OUTPUT)


def exchange(messages: Sequence[Message]) -> str:
    """The last thing that the user said and the last that the agent answered; "" where there is no such pair."""
    said = next((m.text for m in reversed(messages) if m.role == "user" and not m.origin and m.text.strip()), "")
    answered = next((m.text for m in reversed(messages) if m.role == "assistant" and m.text.strip()), "")
    if not said or not answered:
        return ""
    return (
        f"<user>\n{said[:SAID]}\n</user>\n\n<agent>\n{answered[-ANSWERED:]}\n</agent>\n\nWhat does the user say next?"
    )


def cleaned(text: str) -> str:
    """The guess in an answer; "" where it is none, is no plain line, or is something that nobody should suggest."""
    lines = [line.strip().strip("\"'`*").strip() for line in text.rpartition("</think>")[2].splitlines()]
    lines = [line for line in lines if line]
    guess = lines[0] if len(lines) == 1 else ""
    plain = guess.isprintable() and len(guess) <= LONGEST and not guess.startswith(COMMANDS)
    return guess if plain and any(letter.isalnum() for letter in guess) and not INJECTED.search(guess) else ""
