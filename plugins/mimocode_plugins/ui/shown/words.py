"""What the program says, in the user's language: gettext catalogues, kept as the .po files that people translate."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Mapping
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from html import unescape
from importlib.resources import files

LANGUAGES = ("en", "zh")
LINE = 300
"""Characters of a line about what an agent was told."""
_TAGGED = re.compile(
    r"<(?P<tag>agent|actor|message|workflow|interrupted)\b(?P<told>[^>\n]*)>(?P<inner>.*)</(?P=tag)>.*", re.DOTALL
)
_ATTRIBUTE = re.compile(r'([a-z]+)="([^"]*)"')
_STRING = re.compile(r'"((?:\\.|[^"\\])*)"\s*$')


def spoken(wish: str, environ: Mapping[str, str]) -> str:
    """The language to speak: the wish, or what the environment says, as far as there is a catalogue."""
    if wish in LANGUAGES:
        return wish
    said = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    short = said.partition("_")[0].partition(".")[0].lower()
    return short if short in LANGUAGES else "en"


def translated(text: str, language: str) -> str:
    """A text in a language; itself when nobody translated it."""
    return text if language == "en" or not text else _catalogue(language).gettext(text)


def entries(text: str) -> dict[str, str]:
    """The translations in the text of a .po file."""
    found: dict[str, str] = {}
    key = value = ""
    field = ""
    for line in [*text.splitlines(), 'msgid ""']:
        word, _, rest = line.partition(" ")
        if word == "msgid":
            if key and value:
                found[key] = value
            key, value, field = "", "", word
        elif word == "msgstr":
            field = word
        else:
            rest = line
        if string := _STRING.match(rest.strip()):
            said = string[1].replace(r"\n", "\n").replace(r"\"", '"').replace(r"\\", "\\")
            key, value = (key + said, value) if field == "msgid" else (key, value + said)
    return found


@lru_cache(2)
def _catalogue(language: str) -> NullTranslations:
    path = files(__package__).joinpath("languages", f"{language}.po")
    return GNUTranslations(io.BytesIO(_compiled(entries(path.read_text("utf-8")))))


def _compiled(found: Mapping[str, str]) -> bytes:
    """A catalogue in the form that gettext reads (GNU gettext manual, "The Format of GNU MO Files")."""
    table = {"": "Content-Type: text/plain; charset=UTF-8\n", **found}
    pairs = sorted((key.encode(), value.encode()) for key, value in table.items())
    at, rows, body = 28 + 16 * len(pairs), list[tuple[int, int]](), b""
    for column in (0, 1):
        for pair in pairs:
            rows.append((len(pair[column]), at + len(body)))
            body += pair[column] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return head + b"".join(struct.pack("<2I", *row) for row in rows) + body


def aside(origin: str, text: str) -> tuple[str, str]:
    """What neither the user nor the model said, for people: who said it, and the beginning of what.

    What an agent is told when it takes over is a page, and no news to whoever chose it: its name is enough. Of a
    subagent's report its state and summary are, of a letter the words.
    """
    who, inner = "sent back" if origin == "before_stop" else origin, text
    if found := _TAGGED.fullmatch(text.strip()):
        told = {name: unescape(value) for name, value in _ATTRIBUTE.findall(found["told"])}
        match found["tag"]:
            case "agent":
                return "agent", told.get("name", "")
            case "actor":
                who, inner = told.get("id", who), f"{told.get('state', '')}: {told.get('summary', '')}"
            case _:
                who, inner = told.get("from", who), found["inner"]
    line = " ".join(inner.split())
    return who, f"{line[: LINE - 1]}…" if len(line) > LINE else line
