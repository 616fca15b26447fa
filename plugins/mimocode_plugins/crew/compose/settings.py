"""The shape of the setting `compose`: where the documents of a compose run go (surface.md 3.2 and 8.5)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from mimocode.session import Session

USUAL = "docs/compose"
"""The folder that agents and skills speak of."""


@dataclass
class Compose:
    """Where specs, plans and reports go."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    docs: str = USUAL
    """A folder of the project, or of the machine when it is absolute."""
    docs_absolute: bool = False
    """Tell the agent its absolute path."""


def compose(session: Session) -> Compose:
    """The setting of a session."""
    settings = session.host.settings
    found = settings["compose"] if "compose" in settings else None  # noqa: SIM401
    return found if isinstance(found, Compose) else Compose(**(found or {}))


def documents(session: Session) -> Path | None:
    """The folder for documents, where this session works; None when the user leaves it to the agent."""
    said = compose(session)
    return None if said == Compose() else session.directory / Path(said.docs).expanduser()


def told(session: Session) -> str:
    """What an agent has to know of the folder; "" when it is the usual one."""
    said, place = compose(session), documents(session)
    if place is None:
        return ""
    folder = str(place) if said.docs_absolute else said.docs.rstrip("/")
    return f"Specs, plans and reports of a compose run belong into `{folder}/`, wherever `{USUAL}/` is spoken of."
