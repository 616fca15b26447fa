"""`mimo` without a command: its options and a directory are those of `mimo chat`."""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path

from mimocode.errors import UsageError

from ..streams import all_there

GENERAL = ("-h", "--help", "-v", "--version", "--pure", "--print-logs", "--log-level")
"""Options that every command has; they stand before it."""


def understood(parser: argparse.ArgumentParser, words: list[str]) -> list[str]:
    """The words with `chat` put where it was left out. The first thing that a run of ours does.

    Raises:
        UsageError: the first word is neither a command nor a directory.
    """
    all_there()
    return meant(words, known(parser)) if words else ["chat"]


def meant(words: list[str], commands: set[str]) -> list[str]:
    """The words with `chat` before the first that is an option of it, or a directory.

    Raises:
        UsageError: it is none of these and no command.
    """
    at = 0
    while at < len(words) and words[at].partition("=")[0] in GENERAL:
        at += 2 if words[at] == "--log-level" else 1
    if at >= len(words) or words[at] in commands:
        return words
    if words[at].startswith("-") or Path(words[at]).is_dir():
        return [*words[:at], "chat", *words[at:]]
    raise UsageError(_unknown(words[at], commands))


def _unknown(word: str, commands: set[str]) -> str:
    if word.startswith((".", "/", "~")):
        return f"there is no directory {word}; `mimo DIRECTORY` begins to talk in one."
    if any(letter.isspace() for letter in word):
        return f'{word!r} is no command; to say it: mimo run "...", or mimo --prompt "..." to stay and talk.'
    close = difflib.get_close_matches(word, sorted(commands), 2)
    hint = f"did you mean {' or '.join(close)}?" if close else "see `mimo --help`"
    return f"there is no command {word!r}; {hint}"


def known(parser: argparse.ArgumentParser) -> set[str]:
    """The names of all commands."""
    return {name for action in parser._actions if isinstance(action.choices, dict) for name in action.choices}
