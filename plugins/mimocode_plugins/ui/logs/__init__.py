"""What we and our libraries log, for whoever looks for a fault: `--print-logs`, `--log-level`, setting `logLevel`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

from mimocode.hookspecs import hookimpl
from mimocode.ports import Setting

if TYPE_CHECKING:
    from mimocode.main import Commands
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `logLevel`."""
    levels = Literal["DEBUG", "INFO", "WARN", "ERROR"]
    return [Setting("logLevel", levels, "INFO", "How much is written to the log files.")]


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo --print-logs` and `--log-level`; without them nothing is shown."""
    from .options import declare

    declare(commands.parser)


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """From here on `logLevel` counts, unless the command line names another level than usual."""
    from .options import USUAL, level, log_from

    if level() == USUAL:
        log_from(session.host.settings["logLevel"])
    yield
