"""argv to the front end that claims it. Every command is a plugin's; this file knows none of them."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from . import __version__
from .errors import MimoError, UsageError

if TYPE_CHECKING:
    from .host import Host

Run = Callable[[argparse.Namespace, "Host"], Awaitable[int]]
Arguments = Callable[[argparse.ArgumentParser], None]


class _Parser(argparse.ArgumentParser):
    declare: Arguments | None = None
    """The arguments of a command. They wait until it is chosen: declaring those of all loads the modules of all."""

    def parse_known_args(self, *given: Any, **named: Any) -> Any:
        declare, self.declare = self.declare, None
        if declare is None:
            return super().parse_known_args(*given, **named)
        declare(self)
        return self.parse_known_args(*given, **named)  # perhaps another one now

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `{self.prog} --help`")


class Commands:
    """Where plugins put their subcommands."""

    def __init__(self) -> None:
        self.parser = _Parser(prog="mimo", description="A terminal coding agent that remembers.")
        self.parser.add_argument("-v", "--version", action="version", version=__version__)
        self.parser.add_argument("--pure", action="store_true", help="leave out plugins that are not built in")
        self.meant: Callable[[list[str]], list[str]] = list  # from the words as typed, with a command or without one
        self._groups = {"": self.parser.add_subparsers(metavar="command", title="commands")}

    def add(
        self, name: str, summary: str, run: Run, arguments: Arguments | None = None, aliases: Iterable[str] = ()
    ) -> None:
        """Add a command: one word, or two for a command of a group ("session list").

        `run` gets the parsed arguments and the host and returns the exit code. `arguments` declares them when they are
        needed; one with `dest="dir"` is the directory to work in. `aliases` are other names of the last word.
        """
        group, _, word = name.rpartition(" ")
        if group not in self._groups and group not in self._groups[""].choices:
            parser = self._groups[""].add_parser(group, help=f"{group}: several commands, see `mimo {group} --help`")
            parser.set_defaults(parser=parser)
            self._groups[group] = parser.add_subparsers(metavar="command", title="commands")
        if group not in self._groups or word in self._groups[group].choices:
            return  # plugins that were registered later are asked first: theirs counts
        parser = self._groups[group].add_parser(word, help=summary, description=summary, aliases=list(aliases))
        parser.set_defaults(run=run)
        parser.declare = arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words in (["-v"], ["--version"]):
        print(__version__)  # noqa: T201
        return 0
    try:
        return asyncio.run(_run(words))
    except MimoError as error:
        complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output went away: nothing more to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


async def _run(words: list[str]) -> int:
    from . import hookspecs as on
    from .host import Host
    from .plugins import Plugins

    external = "--pure" not in words and os.environ.get("MIMOCODE_PURE", "").lower() not in ("1", "true")
    plugins, commands = Plugins(None, external, complain), Commands()
    plugins.hooks.collect_now(on.register_cli, commands=commands)
    chosen = commands.parser.parse_args(commands.meant(words))
    if not hasattr(chosen, "run"):
        getattr(chosen, "parser", commands.parser).print_help(sys.stderr)
        return 0 if not words else 2
    try:
        os.chdir(getattr(chosen, "dir", None) or ".")
    except OSError as error:
        raise UsageError(f"{chosen.dir}: {error.strerror}") from None
    host = Host(plugins)
    try:
        return int(await chosen.run(chosen, host))
    finally:
        host.close()


def complain(line: str) -> None:
    """One line for the user. What it quotes may come from anywhere, and commands no terminal."""
    shown = "".join(c if c.isprintable() or c in "\n\t" else "?" for c in line)
    print(f"mimo: {shown}", file=sys.stderr, flush=True)  # noqa: T201


def console() -> NoReturn:
    """The `mimo` command. Nothing that a library left running may hold up the exit."""
    code = 1
    try:
        code = main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or 1
    os._exit(code)


if __name__ == "__main__":
    console()
