"""Logs in at the MiMo platform: the browser brings back a key that only this machine can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from ..ways import Way


@hookimpl(optionalhook=True)
async def ways_in() -> list[Way]:
    """The platform, recommended first."""
    from ..ways import Way
    from .login import run

    return [Way("mimo", "Xiaomi MiMo platform: log in with the browser (recommended)", 10, run)]
