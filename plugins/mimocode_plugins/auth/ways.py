"""What a way to a model looks like, and what it may ask the user, wherever the user sits.

The first start collects ways through the hook `ways_in` and shows them as a menu. A way talks through `Ask` and knows
nothing of terminals.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mimocode.errors import MimoError, UsageError

if TYPE_CHECKING:
    from mimocode.host import Host


BROWSER = 3.0
"""Seconds after which a browser that is still running has opened."""


class Ask(Protocol):
    """Someone who can be asked. A question that is not answered raises and ends the way."""

    async def choose(self, question: str, options: Sequence[tuple[str, str]]) -> str:
        """One of (value, text for people)."""

    async def text(self, question: str, default: str = "") -> str:
        """A line."""

    async def secret(self, question: str) -> str:
        """A line that is not shown."""

    async def agree(self, question: str, default: bool = False) -> bool:
        """Yes or no."""

    def say(self, line: str) -> None:
        """Show something."""

    def browse(self, url: str) -> bool:
        """Open a page; False when no browser could be started."""


class Gone(MimoError):
    """The way does not lead anywhere any more; the message says why. Another one may be taken."""


@dataclass(frozen=True)
class Way:
    """One way to a model.

    `run` returns the model to try, or "" to let the best of what is there be chosen.
    """

    name: str
    title: str
    rank: int
    """Lower ones are offered first."""
    run: Callable[[Ask, Host], Awaitable[str]]
    hint: str = ""
    """What was found on this machine."""


async def browse(ask: Ask, url: str) -> bool:
    """Open a page without waiting for a browser that returns when it is closed; False when none could be started."""
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[bool] = loop.create_future()

    def settle(answer: bool) -> None:
        if not opened.done():
            opened.set_result(answer)

    def start() -> None:
        answer = ask.browse(url)
        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
            loop.call_soon_threadsafe(settle, answer)

    threading.Thread(target=start, daemon=True).start()
    done, _ = await asyncio.wait([opened], timeout=BROWSER)
    return opened.result() if done else True


def own_settings(host: Host) -> Any:
    """The user's settings file, as the plugin that reads settings changes it.

    Raises:
        UsageError: that plugin is switched off.
    """
    own = getattr(host.workspace, "own_settings", None)
    if own is None:
        raise UsageError("nothing can be written to the settings: the plugin that keeps them is switched off")
    return own
