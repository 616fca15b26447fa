"""Look at a picture, with a model that can see."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.hookspecs import hookimpl
from mimocode.ports import ToolServer

if TYPE_CHECKING:
    from mimocode.session import Session


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `view_image`."""

    def open_() -> Any:
        from ..place import Place
        from .server import build

        async def media() -> tuple[str, ...] | None:
            settings = session.host.settings
            eyes = settings["vision_model"] if "vision_model" in settings else ""  # noqa: SIM401  not a dict
            if eyes:
                return ("image",)  # another model describes it
            models = {info.ref: info for info in await session.host.models()}
            info = models.get(session.model.ref if session.model else session.model_ref)
            return info.media if info else None

        return build(Place(session.host.root, session.directory), media)

    return [ToolServer("view", open_, Path(__file__).with_name("catalogue.json"))]
