# mypy: disable-error-code="empty-body"
"""The hook that the first start brings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mimocode.hookspecs import hookspec

if TYPE_CHECKING:
    from mimocode.host import Host


@hookspec(deadline=20)
async def ways_in(host: Host) -> Iterable[Any]:
    """Offer ways to a model: objects with `name`, `title`, `hint`, `rank` (lower ones first) and `run(ask, host)`.

    `run` is a coroutine that returns "provider/model", a provider, or "" for the best of what is there. It talks
    through `ask`: the coroutines `choose(question, [(value, text)])`, `text(question, default)`, `secret(question)`,
    `agree(question, default)`, and `say(line)`, `browse(url)`. A `MimoError` leads back to the menu.
    """
