"""A provider of the catalogue and its key."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .. import records
from ..vault import vault
from ..ways import Ask, Gone

if TYPE_CHECKING:
    from mimocode.host import Host

POPULAR = ("xiaomi", "openai", "anthropic", "deepseek", "zai", "moonshotai", "openrouter", "alibaba", "google")
"""Offered first, in this order (surface.md 5.6)."""


async def run(ask: Ask, host: Host) -> str:
    """Ask for provider, key and model.

    Raises:
        Gone: no provider is known.
    """
    infos = [info for info in await host.models() if "/" in info.ref and not info.ref.startswith("scripted/")]
    names = list(dict.fromkeys(info.ref.partition("/")[0] for info in infos))
    if not names:
        raise Gone("no provider is known: the plugins that ask models are switched off")
    names.sort(key=lambda name: (POPULAR.index(name) if name in POPULAR else len(POPULAR), name))
    name = await ask.choose("Which provider?", [(each, each) for each in names])
    ready = any(info.ready for info in infos if info.ref.startswith(f"{name}/"))
    if not (ready and await ask.agree(f"{name} is ready as it is. Use it so?", True)):
        key = clean(await ask.secret(f"API key of {name} (not shown)"))
        place = await asyncio.to_thread(vault(host).put, name, records.key(key))
        ask.say(f"The key is kept in {place}.")
    offered = [info for info in infos if info.ref.startswith(f"{name}/")]
    offered.sort(key=lambda info: -info.rank)
    if len(offered) == 1:
        return offered[0].ref
    return await ask.choose("Which model?", [(info.ref, info.name or info.ref) for info in offered])


def clean(key: str) -> str:
    """A key that HTTP can carry, without white space around it.

    Raises:
        Gone: it is none.
    """
    key = key.strip()
    if not key or not all(33 <= ord(character) < 127 for character in key):
        raise Gone("that is no key: it is empty, or holds blanks or characters that HTTP does not carry")
    return key
