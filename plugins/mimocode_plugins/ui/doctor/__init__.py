"""`mimo doctor`: looks at everything that has to be right, a line each, with what to do where something is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    import argparse
    from types import ModuleType

    from mimocode.host import Host
    from mimocode.main import Commands


@hookimpl
def register_hooks() -> ModuleType:
    """Bring `check_health`."""
    from . import hookspecs

    return hookspecs


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo doctor`."""
    commands.add("doctor", "look whether everything is as it should be, and say what to do", _run, _arguments)


@hookimpl(trylast=True)  # so that it is told first
async def check_health(host: Host) -> list[tuple[str, str, str, str]]:
    """What is nobody's in particular: Python, terminal, programs, settings, places, plugins, the log."""
    from .checks import everything

    return await everything(host)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


async def _run(args: argparse.Namespace, host: Host) -> int:
    from .report import run

    return await run(args, host)
