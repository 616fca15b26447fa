"""A session as one JSON file: `{"format": "mimocode.session/1", "info": {...}, "facts": [...]}`.

What comes in is somebody else's: it gets a new home, no parent, and none of the standing permissions that were
given where it comes from. Its facts are written anew, so they carry the time and the hashes of the import.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from mimocode.errors import MimoError
from mimocode.events import AnyFact, ApprovalGiven, Entry, SessionStarted
from mimocode.host import new_id
from mimocode.ports import SessionInfo, Store

from .sanitize import redacted

FAMILY = "mimocode.session/"
FORMAT = FAMILY + "1"
_ID = re.compile(r"[\w.-]{1,100}")


class Info(msgspec.Struct):
    """What a list shows of the session. Times are Unix seconds."""

    id: str
    title: str = ""
    directory: str = ""
    created: float = 0.0
    updated: float = 0.0
    parent: str = ""


class Row(msgspec.Struct):
    """A fact with its place."""

    seq: int
    time: float
    fact: AnyFact


class Parcel(msgspec.Struct):
    """The file."""

    format: str
    info: Info
    facts: list[Row]


class _Label(msgspec.Struct):
    """Enough of a file to say what it is."""

    format: str = ""
    messages: msgspec.Raw = msgspec.Raw()


def pack(info: SessionInfo, entries: Iterable[Entry], *, sanitize: bool) -> bytes:
    """A session as JSON, with texts and paths left out if asked."""
    about = Info(info.id, info.title, info.directory, info.created, info.updated, info.parent)
    facts = [Row(entry.seq, entry.time, entry.event) for entry in entries if isinstance(entry.event, AnyFact)]
    if sanitize:
        about.title, about.directory = redacted(about.title), "/redacted" if about.directory else ""
        for row in facts:
            row.fact = redacted(row.fact)
    return msgspec.json.format(msgspec.json.encode(Parcel(FORMAT, about, facts)), indent=2)


def unpack(store: Store, directory: Path, file: str) -> str:
    """Write the session in a file to the log, all of it or nothing, and return its id.

    Raises:
        MimoError: the file cannot be read or holds something else; says what.
        StoreError: the log cannot be written.
    """
    parcel = _parse(_bytes(file), "stdin" if file == "-" else file)
    known = {info.id for info in store.sessions()}
    id_ = parcel.info.id
    if id_ in known or not _ID.fullmatch(id_):
        id_ = new_id()
    with store.lease(id_):
        try:
            for row in parcel.facts:
                store.append(id_, _at_home(row.fact, directory))
        except BaseException:
            store.delete(id_)
            raise
    return id_


def _at_home(fact: AnyFact, directory: Path) -> AnyFact:
    match fact:
        case SessionStarted():
            return msgspec.structs.replace(fact, directory=str(directory), parent="")
        case ApprovalGiven():
            return msgspec.structs.replace(fact, remember="")
    return fact


def _bytes(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise MimoError(f"{file} cannot be read: {error.strerror or error}") from error


def _parse(raw: bytes, name: str) -> Parcel:
    try:
        label = msgspec.json.decode(raw, type=_Label)
        if label.format != FORMAT:
            raise MimoError(f"{name} {_strange(label)}")
        parcel = msgspec.json.decode(raw, type=Parcel)
    except msgspec.ValidationError as error:
        raise MimoError(f"{name} is not a session export that this version understands: {error}") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise MimoError(f"{name} is not JSON: {error}") from error
    except RecursionError as error:
        raise MimoError(f"{name} is not a session export: it is nested too deeply") from error
    if [row.seq for row in parcel.facts] != list(range(1, len(parcel.facts) + 1)):
        raise MimoError(f"{name} is incomplete: its facts are not numbered from 1 without gaps")
    if not parcel.facts or not isinstance(parcel.facts[0].fact, SessionStarted):
        raise MimoError(f"{name} is incomplete: it does not begin with the start of a session")
    return parcel


def _strange(label: _Label) -> str:
    if label.format.startswith(FAMILY):
        return f"has the format {label.format!r}, which only a newer version of MiMo Code knows"
    if bytes(label.messages):
        return "is an export of the original MiMo Code, whose sessions cannot be imported yet"
    return f'is not a session export (no "format": "{FORMAT}" in it)'
