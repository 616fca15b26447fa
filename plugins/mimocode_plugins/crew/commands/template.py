"""The language of command files: `$ARGUMENTS`, `$1`, !`shell` and `@file` (surface.md 8.3). Pure.

What comes in through arguments or a command's output is never read as a template again.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

_SHELL = re.compile(r"!`([^`\n]+)`")
_PLACE = re.compile(r"\$(ARGUMENTS\b|\d+)")
_TOKEN = re.compile(r"\[Image \d+\]|(?:\"[^\"]*\"|'[^']*'|\S)+")
_FILE = re.compile(r"(?<![\w`/@.])@(~?/?\w(?:[\w./-]*[\w/])?|~?/?\.[\w./-]*\w)")


@dataclass(frozen=True)
class Words:
    """Text for the agent, as it is."""

    text: str


@dataclass(frozen=True)
class Shell:
    """A command whose output comes in its place."""

    command: str


@dataclass(frozen=True)
class File:
    """A path whose content is to go along; `text` is how it was written."""

    path: str
    text: str


Piece = Words | Shell | File


def pieces(template: str, arguments: str) -> Iterator[Piece]:
    """A template with its arguments filled in, cut where something has to be fetched.

    In a shell command every argument is quoted, so that it stays one word.
    """
    tokens = _TOKEN.findall(arguments)
    plain = [_unquoted(token) for token in tokens]
    numbers = [int(number) for number in _PLACE.findall(template) if number != "ARGUMENTS"]
    if arguments and not _PLACE.search(template):
        template, tail = template.rstrip(), f"\n\n{arguments}"
    else:
        tail = ""
    at = 0
    for found in _SHELL.finditer(template):
        yield from _with_files(_filled(template[at : found.start()], plain, arguments, max(numbers, default=0)))
        quoted = [shlex.quote(token) for token in plain]
        yield Shell(_filled(found[1], quoted, " ".join(quoted), max(numbers, default=0)))
        at = found.end()
    yield from _with_files(_filled(template[at:], plain, arguments, max(numbers, default=0)) + tail)


def commands(template: str) -> list[str]:
    """The shell commands in a template, as written."""
    return _SHELL.findall(template)


def _unquoted(token: str) -> str:
    return re.sub(r"\"([^\"]*)\"|'([^']*)'", lambda m: m[1] if m[1] is not None else m[2], token)


def _filled(text: str, tokens: list[str], whole: str, highest: int) -> str:
    def value(found: re.Match[str]) -> str:
        if found[1] == "ARGUMENTS":
            return whole
        number = int(found[1])
        if number == highest:
            return " ".join(tokens[max(number - 1, 0) :])
        return tokens[number - 1] if 0 < number <= len(tokens) else ""

    return _PLACE.sub(value, text)


def _with_files(text: str) -> Iterator[Piece]:
    at = 0
    for found in _FILE.finditer(text):
        if found.start() > at:
            yield Words(text[at : found.start()])
        yield File(found[1], found[0])
        at = found.end()
    if at < len(text):
        yield Words(text[at:])
