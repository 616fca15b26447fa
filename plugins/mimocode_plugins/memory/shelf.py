"""Keeps items in the MEMORY.md files and notes in notes.md: redacted, signed, one writer at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import ToolFailed

from . import items, saving
from .items import Item
from .layout import Layout, layout, tokens
from .redact import redact

if TYPE_CHECKING:
    from mimocode.host import Host

SECTIONS = ("Project context", "Rules", "Architecture decisions", "Discovered durable knowledge")
"""Sections of MEMORY.md (runtime.md 2.3)."""
NOTES_FULL = 6000
"""Tokens of notes.md above which the writer is told to fold them into items."""
_STRENGTH = {"superseded": 0, "proposed": 1, "verified": 2, "confirmed": 3}


@dataclass(frozen=True)
class Shelf:
    """The items and notes that a session can reach."""

    layout: Layout
    writable: bool = True
    """False when the user switched writing off (`memory.disable_write`)."""

    @cached_property
    def key(self) -> bytes:
        """Signs what we write; made once, readable by the user alone."""
        path, made = self.layout.base / ".key", os.urandom(32)
        if known := _bytes(path):
            return known
        try:
            saving.keep(path, made)
        except OSError:
            return _bytes(path) or made  # nothing can be written here, but what is there can be read
        return _bytes(path) or made

    def items(self, *scopes: str) -> list[Item]:
        """What is remembered in these scopes ("project", "global"), in the order of the files."""
        wanted = scopes or ("global", "project")
        return [item for scope in wanted for item in items.parse(saving.read(self.layout.file(scope)), self.key, scope)]

    def find(self, id: str) -> Item:
        """The item whose id begins like this.

        Raises:
            ToolFailed: there is none, or more than one.
        """
        found = [item for item in self.items() if id and item.id.startswith(id)]
        if len({item.id for item in found}) != 1:
            raise ToolFailed(f"{'No item' if not found else 'More than one item'} has the id {id!r}; list them first.")
        return found[0]

    def add(self, item: Item, supersedes: str = "") -> Item:
        """Keep an item; one that is there already keeps the stronger status. Returns it as it was kept.

        Raises:
            ToolFailed: there is nothing to keep, or writing is switched off.
        """
        if not (text := items.clean(redact(item.text)[0])):
            raise ToolFailed("There is nothing to remember: give one claim as text.")
        item = replace(item, text=text, id=items.id_of(text))
        old = self.find(supersedes) if supersedes else None
        if old is not None and old.id == item.id:
            old = None
        wins = old is not None and _outdoes(item, old)
        if old is not None and not wins:
            item = replace(item, by=old.id)
        kept = self._keep(item)
        if old is not None and wins:
            self.mark(old, "superseded", kept.id)
        return kept

    def _keep(self, item: Item) -> Item:
        """Put an item into its file, unless one of the same words and as strong is there: that one, then."""
        kept = item

        def change(lines: list[str]) -> list[str]:
            nonlocal kept
            there = next((each for each in self._parsed(lines, item) if each.status != "superseded"), None)
            if there is not None and _STRENGTH[there.status] >= _STRENGTH[item.status]:
                kept = there
                return lines
            return _put(lines, there, item, self.key)

        self._change(item.scope, change)
        return kept

    def _parsed(self, lines: list[str], item: Item) -> list[Item]:
        """Items of these lines that have the id of another."""
        return [each for each in items.parse("\n".join(lines), self.key, item.scope) if each.id == item.id]

    def mark(self, item: Item, status: str, by: str = "") -> Item:
        """Give an item another status. Confirming makes it the user's, and what it would take the place of gives way.

        Raises:
            ToolFailed: it is gone, or writing is switched off.
        """
        source = "user" if status == "confirmed" else item.source
        fresh = items.new(item.text, time.time(), evidence=item.evidence, section=item.section, scope=item.scope)
        changed = replace(fresh, id=item.id, status=status, source=source, by=by, time=item.time or fresh.time)
        self._change(item.scope, lambda lines: _put(lines, self._there(lines, item), changed, self.key))
        if status == "confirmed" and item.status == "proposed" and item.by:
            for old in self.items():
                if old.id == item.by and old.status != "superseded":
                    self.mark(old, "superseded", item.id)
        return changed

    def forget(self, item: Item) -> None:
        """Take an item out of its file.

        Raises:
            ToolFailed: it is gone, or writing is switched off.
        """

        def change(lines: list[str]) -> list[str]:
            at = self._there(lines, item).line
            return lines[: at - 1] + lines[at:]

        self._change(item.scope, change)

    def _there(self, lines: list[str], item: Item) -> Item:
        """An item as it stands in these lines, wherever it went since it was read."""
        found = [each for each in self._parsed(lines, item) if each.status == item.status]
        if not found:
            raise ToolFailed("The file changed meanwhile; try again.")
        return min(found, key=lambda each: abs(each.line - item.line))

    def note(self, text: str, turn: int) -> str:
        """Add to the session's notes; returns a hint when they have grown long, else "".

        Raises:
            ToolFailed: writing is switched off, or the same note is there already.
        """
        self.must_be_writable()
        text = redact(text.strip())[0]
        if not text:
            raise ToolFailed("There is nothing to note: give the text.")
        path = self.layout.notes
        with _writing(path), saving.locked(self.layout.base):
            known = saving.whole(path) or template("notes")
            if text in known:
                raise ToolFailed("This note is there already; nothing was added.")
            stamp = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            grown = f"{known.rstrip()}\n\n## [turn {turn} · {stamp}]\n{text}\n"
            saving.replace(path, grown)
        return "" if tokens(grown) < NOTES_FULL else "The notes have grown long; propose what should last as items."

    def must_be_writable(self) -> None:
        """Raises:
        ToolFailed: writing is switched off.
        """
        if not self.writable:
            raise ToolFailed("Memory is read-only here: the user set memory.disable_write.")

    def _change(self, scope: str, change: Callable[[list[str]], list[str]]) -> None:
        self.must_be_writable()
        path, _ = self.layout.file(scope), self.key  # made before the lock is held
        with _writing(path), saving.locked(self.layout.base):
            text = saving.whole(path)
            lines = (text or template("memory" if scope == "project" else "global")).rstrip().split("\n")
            if (changed := change(lines)) is not lines:
                saving.replace(path, "\n".join(changed).rstrip() + "\n")


def template(name: str) -> str:
    """The text that a file begins with: memory, global, notes or checkpoint."""
    return files(__package__).joinpath("templates", f"{name}.md").read_text("utf-8")


def shelf(host: Host, session: str = "") -> Shelf:
    """The shelf of a session of this host, as its settings allow."""
    said = host.settings["memory"] if "memory" in host.settings else None  # noqa: SIM401 - no mapping
    off = said.get("disable_write") if isinstance(said, dict) else getattr(said, "disable_write", False)
    return Shelf(layout(host, session), writable=not off)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ToolFailed(f"{path} cannot be changed: {error.strerror or error}.") from error


def _outdoes(item: Item, old: Item) -> bool:
    """Whether an item takes the place of an old one: what the user says now holds, whatever was confirmed before."""
    said = item.source == "user" and item.status in items.SHOWN
    return said or _STRENGTH[item.status] >= _STRENGTH[old.status]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _put(lines: list[str], old: Item | None, item: Item, key: bytes) -> list[str]:
    """The lines with an item in place of an old one, else at the end of its section."""
    if old is not None:
        return [*lines[: old.line - 1], item.format(key), *lines[old.line :]]
    heads = [at for at, line in enumerate(lines) if line.startswith("## ")]
    wanted = (item.section or SECTIONS[-1]).lower()
    start = next((at for at in heads if lines[at].lstrip("# ").lower() == wanted), None)
    if start is None:
        return [*lines, "", f"## {item.section or SECTIONS[-1]}", item.format(key)]
    end = next((at for at in heads if at > start), len(lines))
    body = [line for line in lines[start:end] if line.strip() != "(none yet)"]
    while body and not body[-1].strip():
        body.pop()
    return [*lines[:start], *body, item.format(key), *([""] if end < len(lines) else []), *lines[end:]]
