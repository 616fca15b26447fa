"""The flags of `mimo run` (surface.md 1.3)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

EPILOG = """\
standard input:
  A file (`< notes.txt`) and a pipe with something in it are put after the message. A terminal, /dev/null and a pipe
  in which nothing arrives within half a second are not read, so that an open pipe never holds up a run; a pipe that
  falls silent for two seconds counts as finished. The message word `-` waits for the end of the pipe.

exit codes:
  0 done   1 failed   2 wrong usage   3 a limit was reached (--budget, --max-steps, --goal)   130 interrupted
  141 the reader of stdout went away
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the flags on the command's parser."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    add = parser.add_argument
    add("message", nargs="*", help="the message; several words are joined by blanks, what follows `--` too")
    add("--command", metavar="NAME", help="run this slash command; the message becomes its arguments")
    add("-c", "--continue", dest="continue_", action="store_true", help="go on with the latest session of the project")
    add("-s", "--session", default="", metavar="ID", help="go on with this session")
    add("--fork", action="store_true", help="with -c or -s: go on in a copy, the original stays as it is")
    add("-m", "--model", default="", metavar="PROVIDER/MODEL", help="the model to ask")
    add("--agent", default="", metavar="NAME", help="the agent that answers (build, plan, ...)")
    add("--variant", default="", metavar="NAME", help="how hard the model thinks, where it has variants")
    add("--format", choices=["default", "json"], default="default", help="text, or one JSON object per line")
    add("-f", "--file", action="append", default=[], metavar="PATH", help="send this file along; repeatable")
    add(
        "--title",
        metavar="TEXT",
        help="the session's title; a new session without one takes the first 50 characters of the message",
    )
    add("--dir", metavar="PATH", help="work in this directory")
    add("--thinking", action="store_true", help="show what the model thinks")
    add("--yolo", "--dangerously-skip-permissions", action="store_true", help="allow what would be asked, this once")
    add("--budget", default="", metavar="LIMITS", help="stop at 200k tokens, $0.50 or 10m; several with commas")
    add("--max-steps", type=int, metavar="N", help="stop after this many model calls")
    add("--goal", default="", metavar="CONDITION", help="go on until this holds; `CONDITION :: COMMAND` lets it decide")
    add("--max", nargs="?", type=int, const=True, metavar="N", help="propose each step N times (5), carry out the best")
    add("--trust", action="store_true", help="trust this project's settings for this run")
    _intermix(parser)


def _intermix(parser: argparse.ArgumentParser) -> None:
    """Let flags stand between message words: `mimo run fix -m local/qwen the bug`.

    argparse can do that only at the top level; a subcommand's parser is entered through `parse_known_args`.
    """
    plain = parser.parse_known_args

    def intermixed(args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:
        parser.parse_known_args = plain  # type: ignore[method-assign]
        words, rest = _before_dashes(list(args or []))
        try:
            parsed, unknown = parser.parse_known_intermixed_args(words, namespace)
        finally:
            parser.parse_known_args = intermixed  # type: ignore[method-assign, assignment]
        if unknown:
            parser.error(f"unrecognized arguments: {' '.join(unknown)}")
        parsed.message = [*parsed.message, *rest]
        return parsed, unknown

    parser.parse_known_args = intermixed  # type: ignore[method-assign, assignment]


def _before_dashes(words: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]
