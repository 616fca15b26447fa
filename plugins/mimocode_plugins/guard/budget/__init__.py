"""Stop before a limit on tokens, money, time or turns is passed: by a session together with all its children.

The limits come from the setting `budget` and from `host.options["budget"]`, which wins key by key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.ports import Model, Setting
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `budget`."""
    from .settings import BUDGET

    return (BUDGET,)


@hookimpl
async def wrap_model(model: Model, session: Session) -> Model | None:
    """Ask the ledger before every call; without any limit there is nothing to ask."""
    from .metered import Metered, limited

    return Metered(model, session) if limited(session) else None
