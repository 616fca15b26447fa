"""`mimo` without a command: its options and a directory are those of `mimo chat`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

GENERAL = ("-h", "--help", "-v", "--version", "--pure", "--print-logs", "--log-level")
"""Options that every command has; they stand before it."""


def understood(parser: argparse.ArgumentParser, words: list[str]) -> list[str]:
    """The words with `chat` put where it was left out; none at all mean it when a person sits there."""
    if not words:
        return ["chat"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    return meant(words, known(parser))


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
