"""Run commands: with a time limit, live output, and nothing left behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mimocode.hookspecs import hookimpl
from mimocode.ports import ToolServer

if TYPE_CHECKING:
    from mimocode.session import Session


@hookimpl
def register_hooks() -> ModuleType:
    """Bring `wrap_command`."""
    from . import hookspecs

    return hookspecs


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `bash` and `jobs`."""

    def open_() -> Any:
        from ..place import Place
        from .hookspecs import wrap_command
        from .server import build

        async def wrap(argv: Sequence[str], directory: Path, terminal: bool) -> Sequence[str]:
            return await session.hooks.fold(
                wrap_command, argv=argv, directory=directory, session=session, terminal=terminal
            )

        def hand_over() -> Any:
            return None if session.parent else session.host.options.get("hand_over")

        place = Place(session.host.root, session.directory)
        outputs = session.host.paths.data / "tool-output"
        said = session.host.environ.get("MIMOCODE_EXPERIMENTAL_BASH_DEFAULT_TIMEOUT_MS", "")
        usual = {"usual": float(said)} if said.isdigit() and int(said) else {}
        return build(place, outputs, hand_over, wrap, **usual)

    return [ToolServer("shell", open_, Path(__file__).with_name("catalogue.json"))]
