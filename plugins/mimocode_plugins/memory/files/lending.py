"""The memory of a project for those who tidy it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.ports import SessionInfo

from .. import items, saving
from ..items import Item
from ..layout import ready, sessions, tokens
from ..redact import redact
from ..shelf import Shelf, shelf, template
from .opening import PROJECT_BUDGET

if TYPE_CHECKING:
    from mimocode.host import Host


@dataclass(frozen=True)
class Lent:
    """MEMORY.md of a project with the means to read and write it as everybody else does."""

    host: Host
    shelf: Shelf
    budget: int = PROJECT_BUDGET

    @property
    def file(self) -> Path:
        """The project's MEMORY.md."""
        return self.shelf.layout.project_file

    @property
    def writable(self) -> bool:
        """Whether the user wants anything written."""
        return self.shelf.writable

    def claims(self, text: str) -> list[Mapping[str, Any]]:
        """The items in a text."""
        return [asdict(item) for item in items.parse(text, self.shelf.key)]

    def line(self, claim: Mapping[str, Any]) -> str:
        """An item as a signed line."""
        return Item(**claim).format(self.shelf.key)

    def claim(self, text: str, time: float, status: str, source: str, evidence: str, section: str) -> Mapping[str, Any]:
        """A new item."""
        return asdict(items.new(text, time, status, source, evidence, section))

    def told(self, text: str) -> str:
        """What a session may be told of it."""
        return items.readable(text)

    def redact(self, text: str) -> tuple[str, list[str]]:
        """A text without secrets."""
        return redact(text)

    def size(self, text: str) -> int:
        """About how many tokens a text is."""
        return tokens(text)

    def empty(self) -> str:
        """The template."""
        return template("memory")

    def locked(self) -> AbstractContextManager[None]:
        """The lock that every writer of memory takes."""
        return saving.locked(self.shelf.layout.base)

    def replace(self, path: Path, text: str) -> None:
        """Whole or not at all."""
        saving.replace(path, text)

    async def sessions(self) -> list[SessionInfo]:
        """The project's sessions, of all its clones."""
        return await sessions(self.host)


async def lend(host: Host) -> Lent:
    """The memory of the project that this host works in."""
    await ready(host)
    return Lent(host, shelf(host))
