"""Max Mode: several proposals for each step, one of them carried out; /max, `run --max`, `experimental.maxMode`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl
from mimocode.ports import Command

if TYPE_CHECKING:
    from mimocode.ports import Model
    from mimocode.session import Session


@hookimpl
async def register_commands() -> Iterable[Command]:
    """/max."""
    return [
        Command("max", "propose each step several times and carry out the best", _max, "[on | off | NUMBER | show]")
    ]


# last, so that it is the outermost: every candidate is limited, retried and counted like any other call
@hookimpl(trylast=True)
async def wrap_model(model: Model, session: Session) -> Model | None:
    """Ask it several times, where that is wanted."""
    if session.parent is not None:
        return None
    from .candidates import Many

    return Many(model, session)


async def _max(arguments: str, session: Session) -> None:
    from .showing import command

    await command(arguments, session)
