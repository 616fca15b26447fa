"""A model that nobody chose is named when it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.errors import MimoError
from mimocode.ports import StashKey

if TYPE_CHECKING:
    from mimocode.session import Session

_said: StashKey[str] = StashKey("setup.choice")


async def announce(session: Session) -> None:
    """Say it once for a workspace, not for children, not when a model was chosen anywhere."""
    host = session.host
    chosen = session.model_ref or session.agent.model or ("model" in host.settings and host.settings["model"])
    if session.parent is not None or chosen or _said in host.stash:
        return
    try:
        ref = await host.default_model()
    except MimoError:
        return  # the turn says it, with what to do
    host.stash[_said] = ref
    await session.notice("setup", f'no model is chosen, {ref} is taken: it has a key. Set "model" to choose another')
