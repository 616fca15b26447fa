"""Decides what of an import is new, writes it, remembers what was written, and takes it back.

Nothing that the user has is overwritten. The journal holds hashes, never secrets: what was changed since the import is
the user's own and stays when the import is undone.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.errors import SettingsError

from ..vault import Vault
from .items import Credential, Item, Value

if TYPE_CHECKING:
    from mimocode.host import Host


class State(StrEnum):
    """What becomes of an item."""

    NEW = "is taken"
    SAME = "is there already"
    KEPT = "is left out, you have another"
    USED = "is used where it is"
    LEFT = "is left out"


@dataclass(frozen=True)
class Decided:
    """An item and what becomes of it."""

    item: Item
    state: State
    why: str = ""


def decide(items: Sequence[Item], kept: Vault, own: Any) -> list[Decided]:
    """What becomes of each item, with these credentials and this settings file of the user.

    Raises:
        SettingsError: the file, or that of the credentials, makes no sense.
    """
    made = [_alone(item, kept, own) for item in items]
    seen: dict[Any, Any] = {}
    for at, one in enumerate(made):
        if one.state is State.NEW and (take := one.item.take) is not None:
            key = take.keys if isinstance(take, Value) else take.provider
            if key in seen:
                made[at] = replace(one, state=State.LEFT, why="another one was found first")
            seen.setdefault(key, take)
    for group in {one.item.group for one in made if one.item.group}:
        of = [one for one in made if one.item.group == group]
        if any(one.state is State.KEPT for one in of) or _redirects(group, of, own):
            why = "a key and the address it goes to belong together, and you have another"
            made = [replace(one, state=State.LEFT, why=why) if _new(one, group) else one for one in made]
    return made


def _new(one: Decided, group: str) -> bool:
    return one.item.group == group and one.state is State.NEW


def _redirects(group: str, of: Sequence[Decided], own: Any) -> bool:
    """Whether a key would go to an address that the user set and the import does not have."""
    names = {one.item.take.provider for one in of if _new(one, group) and isinstance(one.item.take, Credential)}
    given = {one.item.take.keys for one in of if isinstance(one.item.take, Value)}
    return any(
        own.value(keys) is not None and not any(keys[: len(mine)] == mine for mine in given)
        for name in names
        for keys in [("provider", name, "options", "baseURL"), ("provider", name, "api")]
    )


def _alone(item: Item, kept: Vault, own: Any) -> Decided:
    take = item.take
    if take is None:
        return Decided(item, State.USED if item.used else State.LEFT, item.note)
    if isinstance(take, Credential):
        there = kept.get(take.provider)
        state = State.NEW if there is None else State.SAME if dict(there) == dict(take.record) else State.KEPT
        return Decided(item, state, item.note)
    there = own.value(take.keys)
    if there is not None:
        return Decided(item, State.SAME if there == take.value else State.KEPT, item.note)
    for depth in range(1, len(take.keys)):
        above = own.value(take.keys[:depth])
        if above is not None and not isinstance(above, dict):
            return Decided(item, State.KEPT, item.note)
    if take.keys[0] == "permission" and take.value == "allow" and _ruled(take.keys[1], own):
        return Decided(item, State.LEFT, "you have rules of your own about this")
    return Decided(item, State.NEW, item.note)


def _ruled(key: str, own: Any) -> bool:
    """Whether the user already says something that a rule after it could weaken."""
    table = own.value(("permission",)) or {}
    return any(name == key or "*" in name for name in table)


def apply(made: Sequence[Decided], kept: Vault, own: Any, journal: Journal) -> list[str]:
    """Write what is new, each with its entry in the journal; returns where credentials went.

    Raises:
        SettingsError: something cannot be written; what was written before stays and can be undone.
    """
    places: list[str] = []
    for one in made:
        take = one.item.take
        if one.state is not State.NEW or take is None:
            continue
        if isinstance(take, Credential):
            places.append(kept.put(take.provider, take.record))
            journal.add([{"credential": take.provider, "digest": digest(dict(take.record))}])
        else:
            own.put(take.keys, take.value)
            journal.add([{"keys": list(take.keys), "digest": digest(take.value)}])
    return places


def revert(journal: Sequence[dict[str, Any]], kept: Vault, own: Any) -> tuple[list[str], list[str]]:
    """Take back what an import wrote; what was changed since stays. Returns (gone, stayed), for people.

    Raises:
        SettingsError: something cannot be read or written.
    """
    gone: list[str] = []
    stayed: list[str] = []
    for entry in reversed(journal):
        if "credential" in entry:
            name, record = entry["credential"], kept.get(entry["credential"])
            same = record is not None and digest(dict(record)) == entry["digest"]
            if same:
                kept.remove(name)
            (gone if same else stayed).append(f"the credential of {name}")
        elif "keys" in entry:
            keys = tuple(entry["keys"])
            same = digest(own.value(keys)) == entry["digest"]
            if same:
                own.drop(keys)
                _prune(own, keys[:-1])
            (gone if same else stayed).append(".".join(keys))
        elif "file" in entry:
            path = Path(entry["file"])
            same = path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == entry["digest"]
            if same:
                path.unlink()
            (gone if same else stayed).append(str(path))
    return gone, stayed


def _prune(own: Any, keys: tuple[str, ...]) -> None:
    """Objects that are empty now go, too."""
    while keys and own.value(keys) == {}:
        own.drop(keys)
        keys = keys[:-1]


def digest(value: Any) -> str:
    """Tells whether a value is the same one, without saying what it is."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class Journal:
    """What imports from one source have written, in a file of the data directory."""

    path: Path

    @classmethod
    def of(cls, host: Host, source: str) -> Journal:
        """The journal of a source."""
        return cls(host.paths.data / "imports" / f"{source}.json")

    def read(self) -> list[dict[str, Any]]:
        """All entries, in the order in which they were written."""
        try:
            entries = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        return [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []

    def add(self, entries: Sequence[dict[str, Any]]) -> None:
        """Remember more.

        Raises:
            SettingsError: it cannot be written.
        """
        if entries:
            self.write([*self.read(), *entries])

    def write(self, entries: Sequence[dict[str, Any]]) -> None:
        """Remember exactly this; nothing at all takes the file away.

        Raises:
            SettingsError: it cannot be written.
        """
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            if not entries:
                self.path.unlink(missing_ok=True)
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(list(entries), file, indent=1)
            draft.replace(self.path)
        except OSError as error:
            raise SettingsError(f"cannot be written: {error.strerror}", str(self.path)) from None
        finally:
            draft.unlink(missing_ok=True)
