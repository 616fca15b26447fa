"""`mimo` without a command: its options and a directory are those of `mimo chat`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

GENERAL = ("-h", "--help", "-v", "--version", "--pure", "--print-logs", "--log-level")
"""Options that every command has; they stand before it."""


def understood(parser: argparse.ArgumentParser) -> Callable[..., Any]:
    """The parser's own way of reading a command line, with `chat` put where it was left out."""
    read = parser.parse_args

    def parse_args(words: Sequence[str] | None = None, namespace: Any = None) -> Any:
        return read(meant(list(sys.argv[1:] if words is None else words), known(parser)), namespace)

    return parse_args


def meant(words: list[str], commands: set[str]) -> list[str]:
    """The words with `chat` before the first that is an option of it, or a directory."""
    at = 0
    while at < len(words) and words[at].partition("=")[0] in GENERAL:
        at += 2 if words[at] == "--log-level" else 1
    if at >= len(words) or words[at] in commands:
        return words
    ours = words[at].startswith("-") or Path(words[at]).is_dir()
    return [*words[:at], "chat", *words[at:]] if ours else words


class Later:
    """The arguments of a command, declared when it is chosen or asked how it is used.

    To declare those of every command takes longer than all else that comes before the prompt: it loads their modules.
    """

    _ENTRIES = ("parse_known_args", "format_help", "format_usage")

    def __init__(self, parser: argparse.ArgumentParser, declare: Callable[[argparse.ArgumentParser], None]) -> None:
        self._parser, self._declare = parser, declare
        for name in self._ENTRIES:
            setattr(parser, name, partial(self._first, name))

    def _first(self, entry: str, *given: Any, **named: Any) -> Any:
        for name in self._ENTRIES:
            delattr(self._parser, name)
        self._declare(self._parser)
        return getattr(self._parser, entry)(*given, **named)


def unhurried(add: Callable[..., None]) -> Callable[..., None]:
    """`Commands.add` for commands whose arguments can wait."""

    def later(name: str, summary: str, run: Any, arguments: Any = None, aliases: Iterable[str] = ()) -> None:
        add(name, summary, run, arguments and partial(Later, declare=arguments), aliases)

    return later


def known(parser: argparse.ArgumentParser) -> set[str]:
    """The names of all commands."""
    return {name for action in parser._actions if isinstance(action.choices, dict) for name in action.choices}
