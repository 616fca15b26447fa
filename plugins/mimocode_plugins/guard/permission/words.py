"""Words and simple commands as the shell would see them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class Unclear(Exception):
    """This text is beyond the reader."""


@dataclass(frozen=True)
class Word:
    """One word: as written, as the shell would pass it on, and what can still change about it."""

    raw: str
    value: str
    dynamic: bool = False
    glob: bool = False


@dataclass(frozen=True)
class Command:
    """A simple command. `inner` ones were found in the arguments of another (sudo, xargs, find -exec)."""

    words: tuple[Word, ...]
    assignments: tuple[Word, ...] = ()
    writes: tuple[Word, ...] = ()
    reads: tuple[Word, ...] = ()
    fed: bool = False
    """Its input is written out in the text (a here-document)."""
    scoped: bool = False
    """It runs in a shell of its own or not for certain: what it changes there may not last."""
    inner: bool = False
    kept: tuple[Word, ...] = ()
    """Assignments that are among its words (`export A=b`)."""

    @property
    def text(self) -> str:
        """The command as rules see it: the words as written, one space between them, without redirections."""
        return " ".join(word.raw for word in (*self.assignments, *self.words))

    @property
    def argv(self) -> tuple[str, ...]:
        """The words as the program gets them, as far as that is known."""
        return tuple(word.value for word in self.words)

    @property
    def name(self) -> str:
        """The program without its directory, in lower case."""
        return self.argv[0].rpartition("/")[2].lower() if self.words else ""

    @property
    def spellings(self) -> tuple[str, ...]:
        """Other ways to write the same, so that a rule against `rm *` also sees `/bin/r\\m` and `X=1 rm`."""
        straight = " ".join(self.argv)
        short = " ".join((self.name, *self.argv[1:]))
        return tuple(dict.fromkeys(s for s in (straight, short) if s and s != self.text))


def plain(raw: str) -> Word:
    """An unquoted word: backslashes taken away, `~` written out.

    Raises:
        Unclear: a home directory of somebody else, or a line that goes on within the word.
    """
    if "\\\n" in raw or re.search(r"(?<!\\)[()`$'\"]", raw) or (raw.endswith("\\") and not raw.endswith("\\\\")):
        raise Unclear
    value = re.sub(r"\\(.)", r"\1", raw)
    if raw.startswith("~"):
        if raw != "~" and not raw.startswith("~/"):
            raise Unclear
        value = str(Path.home()) + value[1:]
    bare = re.sub(r"\\.", "", raw)
    if re.search(r"\{.*(,|\.\.)", bare):
        raise Unclear
    return Word(raw, value, glob=bool(re.search(r"[*?\[]", bare)))


def literal(raw: str) -> Word:
    """A word in single quotes."""
    return Word(raw, raw[1:-1])


def quoted(raw: str, *, dynamic: bool) -> Word:
    """A word in double quotes; what is expanded in it stays as it is written.

    Raises:
        Unclear: a dollar or backquote in it was not taken for an expansion, or a line goes on after one.
    """
    inner = raw[1:-1]
    if "$\\\n" in inner or (not dynamic and re.search(r"(?<!\\)(?:\\\\)*(`|\$[\w({])", inner)):
        raise Unclear
    value = re.sub(r'\\(["$`\\])', r"\1", inner.replace("\\\n", ""))
    return Word(raw, value, dynamic)


def join(raw: str, parts: Sequence[Word]) -> Word:
    """A word of several pieces.

    Raises:
        Unclear: braces that the shell expands.
    """
    bare = "".join(part.raw for part in parts if part.raw[:1] not in "'\"")
    if re.search(r"\{.*(,|\.\.)", bare):
        raise Unclear
    dynamic, glob = any(part.dynamic for part in parts), any(part.glob for part in parts)
    if any(part.raw.startswith("~") for part in parts[1:]):
        value = raw
    else:
        value = "".join(part.value for part in parts)
    return Word(raw, value, dynamic, glob)
