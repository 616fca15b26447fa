"""Runs a command, whoever brings it: one that breaks or hangs is named, and costs nobody else's commands."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError, PluginError

if TYPE_CHECKING:
    from mimocode.ports import Command
    from mimocode.session import Session

PATIENCE = 110.0
"""Seconds; below the deadline of the hook that runs it."""


async def called(command: Command, arguments: str, session: Session) -> str | None:
    """The words of a command for the agent, or None when it was all.

    Raises:
        MimoError: it says that it cannot be done, or it broke; nothing goes to the agent then.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            said: Any = command.run(arguments, session)
            said = await said if inspect.isawaitable(said) else said
        if not isinstance(said, str | None):
            raise TypeError(f"it gave {type(said).__name__} in the place of text")
    except TimeoutError:
        problem: MimoError = MimoError(f"/{command.name} took longer than {PATIENCE:g} s and was stopped")
    except PluginError as error:
        problem = MimoError(f"/{command.name} was stopped: {error}")
    except MimoError as error:
        problem = error
    except Exception as error:
        problem = MimoError(f"/{command.name} broke: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
    else:
        return said
    if not session.state.busy:
        raise problem
    await session.notice("commands", str(problem), "error")  # the turn that is running goes on
    return None
