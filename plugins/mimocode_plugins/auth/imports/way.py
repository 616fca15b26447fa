"""The import from Claude Code as a way to a model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from ..vault import vault
from ..ways import Ask, Gone, own_settings
from . import claude, command, keychain
from .applying import State, decide
from .items import Credential

if TYPE_CHECKING:
    from mimocode.host import Host


def hint(host: Host) -> str:
    """What there is to take, in a few words; "" when there is nothing that leads to a model."""
    found = claude.look(host.environ, Path(host.environ.get("HOME") or Path.home()), host.root, peek=True)
    if found.helper or any(isinstance(item.take, Credential) for item in found.items):
        return "a key was found"
    chain = keychain.of(host.environ)
    return "there is a key in the keychain" if chain is not None and chain.has(keychain.KEY) else ""


async def run(ask: Ask, host: Host) -> str:
    """Show everything, ask, take it.

    Raises:
        Gone: there is nothing that leads to a model, or the user does not want it.
    """
    found = await asyncio.to_thread(command.scan, "claude", host)
    if found.helper:
        ask.say(f"Claude Code gets its key from this command: {command.visible(found.helper)}")
        if await ask.agree("Run it once now and keep the key that it prints?"):
            await command.use_helper(found, host)
    await command.declare(found, host)
    made = await asyncio.to_thread(decide, found.items, vault(host), own_settings(host))
    for line in command.lines("claude", made, found):
        ask.say(line)
    keys = [one for one in made if isinstance(one.item.take, Credential)]
    if not any(one.state in (State.NEW, State.SAME, State.KEPT) for one in keys):
        raise Gone("Claude Code left no API key here that may be used")
    if any(one.state is State.NEW for one in made) and not await ask.agree("Take what is marked so?", True):
        raise Gone("nothing was taken")
    await command.take("claude", made, host)
    ask.say("Sessions and memory come along with `mimo auth import claude`, which also has --undo.")
    chosen = own_settings(host).value(["model"])
    return str(chosen) if isinstance(chosen, str) and chosen.startswith(f"{claude.PROVIDER}/") else claude.PROVIDER
