"""MiMo Auto: a model without an account, as long as its service runs. Only with the user's consent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.host import Host

    from ..ways import Way


@hookimpl(optionalhook=True)
async def ways_in() -> list[Way]:
    """The free channel."""
    from ..ways import Way
    from .channel import run

    return [Way("auto", "MiMo Auto: free, without an account (may have ended)", 40, run)]


@hookimpl
async def find_credential(provider: str, host: Host) -> str | None:
    """A token for the channel, if the user agreed to it."""
    if provider != "mimo":
        return None
    from .channel import token

    return await token(host)
