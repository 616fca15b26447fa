"""Keeps items in the MEMORY.md files and notes in notes.md: redacted, signed, one writer at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files
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
        path = self.layout.base / ".key"
        self.layout.base.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_bytes()
        with os.fdopen(handle, "wb") as file:
            file.write(made := os.urandom(32))
        return made

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
        kept = next(
            (each for each in self.items(item.scope) if each.id == item.id and each.status != "superseded"), None
        )
        if kept is None or _STRENGTH[kept.status] < _STRENGTH[item.status]:
            self._change(item.scope, lambda lines: _put(lines, kept, item, self.key))
            kept = item
        if old is not None and old.id != kept.id and _STRENGTH[item.status] >= _STRENGTH[old.status]:
            self.mark(old, "superseded", kept.id)
        return kept

    def mark(self, item: Item, status: str, by: str = "") -> Item:
        """Give an item another status; confirming makes it the user's."""
        source = "user" if status == "confirmed" else item.source
        fresh = items.new(item.text, time.time(), evidence=item.evidence, section=item.section, scope=item.scope)
        changed = replace(fresh, id=item.id, status=status, source=source, by=by, time=item.time or fresh.time)
        self._change(item.scope, lambda lines: _put(lines, item, changed, self.key))
        return changed

    def forget(self, item: Item) -> None:
        """Take an item out of its file."""
        self._change(item.scope, lambda lines: _without(lines, item))

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
        with saving.locked(self.layout.base):
            known = saving.read(path) or template("notes")
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
        path = self.layout.file(scope)
        with saving.locked(self.layout.base):
            lines = (saving.read(path) or template("memory" if scope == "project" else "global")).splitlines()
            saving.replace(path, "\n".join(change(lines)).rstrip() + "\n")


def template(name: str) -> str:
    """The text that a file begins with: memory, global, notes or checkpoint."""
    return files(__package__).joinpath("templates", f"{name}.md").read_text("utf-8")


def shelf(host: Host, session: str = "") -> Shelf:
    """The shelf of a session of this host, as its settings allow."""
    said = host.settings["memory"] if "memory" in host.settings else None  # noqa: SIM401 - no mapping
    off = said.get("disable_write") if isinstance(said, dict) else getattr(said, "disable_write", False)
    return Shelf(layout(host, session), writable=not off)


def _without(lines: list[str], item: Item) -> list[str]:
    if not (0 < item.line <= len(lines) and item.text in lines[item.line - 1]):
        raise ToolFailed("The file changed meanwhile; try again.")
    return lines[: item.line - 1] + lines[item.line :]


def _put(lines: list[str], old: Item | None, item: Item, key: bytes) -> list[str]:
    """The lines with an item in place of an old one, else at the end of its section."""
    if old is not None and 0 < old.line <= len(lines) and old.text in lines[old.line - 1]:
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
