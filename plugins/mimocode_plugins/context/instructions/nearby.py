"""Instructions that lie below the working directory, told when the agent first reads a file beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.messages import Text
from mimocode.ports import StashKey, ToolResult

from .discover import Candidate, Places, chain, named
from .load import gather

if TYPE_CHECKING:
    from mimocode.events import WindowOpened
    from mimocode.session import Session


@dataclass
class _Told:
    """Which files the model was told in which window."""

    window: WindowOpened | None = None
    files: set[Path] = field(default_factory=set)


_told: StashKey[_Told] = StashKey("context.instructions.nearby")


def added(result: ToolResult, paths: Iterable[str], session: Session) -> ToolResult | None:
    """The result with the instructions behind it, or None when there is nothing new to tell."""
    told: _Told = session.stash.setdefault(_told, _Told())
    if told.window is not session.state.window:
        told.window, told.files = session.state.window, set()
    host = session.host
    places = Places.of(session.directory, host.root, host.paths.config, host.environ)
    fresh = [path for path in _below(places, paths) if path not in told.files]
    told.files.update(fresh)
    texts = [text for _, text in gather(Candidate(path, places.root) for path in fresh).texts]
    if not texts:
        return None
    block = Text("\n<instructions>\n" + "\n\n".join(texts) + "\n</instructions>")
    return replace(result, content=(*result.content, block))


def _below(places: Places, paths: Iterable[str]) -> Iterator[Path]:
    for path in filter(None, paths):
        # As written, without following links: where a file is found is what counts, and the budget guards the rest.
        folder = Path(places.directory, path).parent
        if folder != places.directory and folder.is_relative_to(places.directory) and ".." not in folder.parts:
            for place in chain(folder, places.directory)[1:]:
                yield from named(place, claude=places.claude)
