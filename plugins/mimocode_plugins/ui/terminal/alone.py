"""`mimo` without a command: its options and a directory are those of `mimo chat`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
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


def known(parser: argparse.ArgumentParser) -> set[str]:
    """The names of all commands."""
    return {name for action in parser._actions if isinstance(action.choices, dict) for name in action.choices}
