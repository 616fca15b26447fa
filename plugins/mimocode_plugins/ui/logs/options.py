"""The options that say what of the log is seen. They act when they are read: before anything else can log."""

from __future__ import annotations

import argparse
import logging
from typing import Any

USUAL = logging.INFO
LEVELS = {"DEBUG": logging.DEBUG, "INFO": logging.INFO, "WARN": logging.WARNING, "ERROR": logging.ERROR}
LAYOUT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def declare(parser: argparse.ArgumentParser) -> None:
    """Add the options, and a log that nobody sees: the MCP library would show one of its own where there is none."""
    logging.basicConfig(level=USUAL, handlers=[logging.NullHandler()])
    parser.add_argument("--print-logs", action=Print, nargs=0, help="write the log to stderr")
    parser.add_argument("--log-level", action=Level, choices=LEVELS, help="how much is logged (default: INFO)")


def level() -> int:
    """How much is logged now, as `logging` counts."""
    return logging.getLogger().level


def log_from(name: str) -> None:
    """Log what is at least as important as this."""
    logging.getLogger().setLevel(LEVELS[name])


class Print(argparse.Action):
    """`--print-logs`."""

    def __call__(self, *_: Any) -> None:
        """Show the log on stderr."""
        shown = logging.StreamHandler()
        shown.setFormatter(logging.Formatter(LAYOUT))
        logging.getLogger().addHandler(shown)


class Level(argparse.Action):
    """`--log-level`."""

    def __call__(self, parser: Any, namespace: Any, value: Any, option: Any = None) -> None:
        """Log as much."""
        log_from(value)
