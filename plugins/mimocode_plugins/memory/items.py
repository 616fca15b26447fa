"""What is remembered, one claim a line: a Markdown bullet with its evidence in a comment behind it.

    - Deploy with `make ship`. <!-- m:5f3a9c01 verified user ses_1#12 2026-11-21T04:48:00Z 9c1f22ab -->

Fields: id, status, source, evidence (session and number of the fact), time, signature; a superseded item ends in
`by:<id>`, and a proposed one that would take the place of another in that one's id. The signature is made with a key
that lies beside the files, so that a line which something else wrote is told from ours. Lines without a comment are the
user's own words: nobody else writes them and keeps them unmarked.
Source: DESIGN.md 7, demands.md A8, runtime.md 12.1 (16).
"""

from __future__ import annotations

import hmac
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files

from .redact import redact

MARK = re.compile(
    r"(?<![ \t])[ \t]*<!-- m:(?P<id>[0-9a-f]{8}) (?P<status>proposed|verified|confirmed|superseded)"
    r" (?P<source>user|agent|untrusted) (?P<evidence>\S+) (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
    r" (?P<signature>[0-9a-f]{8})(?: by:(?P<by>[0-9a-f]{8}))? -->[ \t]*$"
)
ANY_MARK = re.compile(r"(?<![ \t])[ \t]*<!--.*?(?:-->|$)")
BULLET = re.compile(r"^\s*+(?:[-*+]|\d{1,9}[.)])\s+")
LONGEST = 1000
"""Characters of one item. What is longer is a document, not a fact to remember."""
HEAD, TEMPLATE, CONFLICT = "head", "template", "conflict"
_ITALIC = re.compile(r"\s*_[^_].*_\s*")
"""Right below a heading it says what belongs there; elsewhere somebody says something in italics."""
_CONFLICT = re.compile(r"(?:<{7}|>{7}|\|{7})(?: |$)|={7}$")
"""What git leaves of two versions that it could not bring together."""
SHOWN = ("verified", "confirmed")
"""Only these are put before a model as something to go by."""


@dataclass(frozen=True)
class Item:
    """One thing that is remembered."""

    id: str
    text: str
    status: str = "proposed"
    source: str = "agent"
    evidence: str = "-"
    """"session#number" of the fact it rests on; "-" when there is none."""
    time: str = ""
    """UTC, to the second."""
    by: str = ""
    """The item that took its place; of a proposed one, the item whose place it would take."""
    section: str = ""
    scope: str = "project"
    line: int = 0
    signed: bool = False

    def format(self, key: bytes) -> str:
        """The item as a line of a file."""
        fields = f"m:{self.id} {self.status} {self.source} {self.evidence} {self.time}"
        return f"- {self.text} <!-- {fields} {sign(self, key)}{f' by:{self.by}' if self.by else ''} -->"


def sign(item: Item, key: bytes) -> str:
    """What only a holder of the key can write behind this item."""
    said = "\0".join((item.id, item.text, item.status, item.source, item.evidence, item.time, item.by))
    return hmac.new(key, said.encode("utf-8", "replace"), sha256).hexdigest()[:8]


def new(
    text: str,
    now: float,
    status: str = "proposed",
    source: str = "agent",
    evidence: str = "-",
    section: str = "",
    scope: str = "project",
) -> Item:
    """A new item. Its id follows from its words, so that the same claim is never kept twice."""
    text = clean(text)
    time = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Item(id_of(text), text, status, source, evidence, time, section=clean(section)[:60], scope=scope)


def id_of(text: str) -> str:
    """Eight hex digits for a claim, whatever its case, spacing and final stop."""
    return sha256(" ".join(text.lower().split()).rstrip(".").encode("utf-8", "replace")).hexdigest()[:8]


def clean(text: str) -> str:
    """Words as they may stand in an item: one line that cannot end its own comment or begin another."""
    line = " ".join(text.replace("<!--", "< !--").replace("-->", "-- >").split())
    return BULLET.sub("", line, count=1)[:LONGEST] if BULLET.match(line) else line.lstrip("#> ")[:LONGEST]


def parse(text: str, key: bytes, scope: str = "project") -> list[Item]:
    """The items of a file. An unmarked bullet or paragraph line is the user's own."""
    found, section = list[Item](), ""
    for number, (kind, line) in enumerate(kinds(text), 1):
        if kind == HEAD:
            section = line.lstrip("# ").strip()
        elif not kind and (item := _item(line, key)):
            found.append(replace(item, section=section, scope=scope, line=number))
    return found


def kinds(text: str) -> Iterator[tuple[str, str]]:
    """Each line of a file with what it is: `HEAD`, `TEMPLATE`, `CONFLICT`, or "" for what somebody says."""
    head = fenced = False
    for line in text.split("\n"):
        fenced ^= line.lstrip().startswith("```")
        if _CONFLICT.match(line):
            yield CONFLICT, line
        elif line.startswith("#") and not fenced:
            head = True
            yield HEAD, line
        elif line.strip() in ours() or (head and _ITALIC.fullmatch(line)):
            yield TEMPLATE, line
        else:
            head &= not line.strip()
            yield "", line


@cache
def ours() -> frozenset[str]:
    """The lines that our files begin with, headings apart."""
    texts = [file.read_text("utf-8") for file in files(__package__).joinpath("templates").iterdir()]
    return frozenset(line for text in texts for line in text.split("\n") if line and not line.startswith("#"))


def _item(line: str, key: bytes) -> Item | None:
    if mark := MARK.search(line):
        words = BULLET.sub("", line[: mark.start()], count=1).strip()
        item = Item(mark["id"], words, mark["status"], mark["source"], mark["evidence"], mark["time"], mark["by"] or "")
        return replace(item, signed=hmac.compare_digest(sign(item, key), mark["signature"]))
    words = BULLET.sub("", ANY_MARK.sub("", line), count=1).strip()
    if not words or set(words) <= set("`-=|*_"):
        return None
    return Item(id_of(words), words, "confirmed", "user")


def readable(text: str) -> str:
    """A file as a model may read it as instructions: without comments, templates, and what nobody stands for."""
    return "\n".join(line for _, line, _ in shown(text)).strip()


def shown(text: str) -> Iterator[tuple[str, str, str]]:
    """The lines that a model may read, with their kinds and, of what has evidence, the time."""
    for kind, line in kinds(text):
        if mark := MARK.search(line):
            if mark["status"] in SHOWN:
                yield kind, line[: mark.start()], mark["time"]
        elif kind in ("", HEAD):
            yield kind, ANY_MARK.sub("", line), ""


def demote(before: str, after: str, key: bytes, now: float, evidence: str, words: set[str]) -> tuple[str, list[Item]]:
    """Mark what was written into a file past us while a tool ran as proposed; lines that we signed are ours.

    Args:
        before: the file when the call began.
        after: the file now.
        words: headings that mean nothing by themselves and may stay.

    Returns:
        The file as it should be, and the items that were marked.
    """
    known, lines, marked = Counter(map(str.rstrip, before.split("\n"))), list[str](), list[Item]()
    for line in after.removesuffix("\n").split("\n"):
        bare = line.rstrip()
        if known[bare] > 0 or not bare:
            known[bare] -= 1
            lines.append(line)
            continue
        item = _item(line, key)
        if (
            (item and item.signed)
            or line.strip() in ours()
            or (bare.startswith("#") and bare.lstrip("# ").lower() in words)
        ):
            lines.append(line)
        elif text := clean(redact(ANY_MARK.sub("", line))[0]):
            marked.append(new(text, now, source="untrusted", evidence=evidence))
            lines.append(marked[-1].format(key))
    return "\n".join(lines) + "\n", marked
