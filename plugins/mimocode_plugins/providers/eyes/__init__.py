"""Sees for a model that cannot: `vision_model` describes pictures in words, once for each picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl
from mimocode.ports import Setting

if TYPE_CHECKING:
    from mimocode.ports import Model
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `vision_model`."""
    return [Setting("vision_model", str, "", "The model that describes pictures for one that reads only text.")]


@hookimpl
async def wrap_model(model: Model, session: Session) -> Model | None:
    """Put words in the place of pictures, where the model is known not to see them."""
    ref = str(session.host.settings["vision_model"] or "")
    if not ref or ref == model.ref:
        return None
    infos = {info.ref: info for info in await session.host.models()}
    if model.ref not in infos or "image" in infos[model.ref].media:
        return None
    from .seeing import Seeing

    return Seeing(model, session, ref)
