"""From a kept credential to the one string that goes into a request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mimocode.errors import ModelError, ModelFault

from .. import records
from ..vault import Vault, vault

if TYPE_CHECKING:
    from mimocode.host import Host

    from ..records import Record

PATIENCE = 20.0
"""Seconds for a keyring that asks its user to unlock it."""


async def secret(provider: str, host: Host) -> str | None:
    """The secret for a provider; None when none is kept.

    Raises:
        ModelError: there is one, but it cannot be used any more, or the keyring does not answer.
    """
    kept = vault(host)
    names = kept.names()
    if provider not in names:
        return await _lent(provider, kept, host) if any("://" in name for name in names) else None
    record = await read(kept, provider)
    if record is None:
        return None
    base = str((record.get("metadata") or {}).get("base_url") or "")
    if base.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        # a key that belongs to an address, as the MiMo platform gives it; whoever opens the model looks here
        host.options.setdefault("addresses", {})[provider] = base
    match record["type"]:
        case "api" if (record.get("metadata") or {}).get("scheme") == "bearer":
            return f"Bearer {record['key']}"
        case "api":
            return str(record["key"]) or None
        case "oauth":
            return await _access(provider, record)
    return None


async def _lent(provider: str, kept: Vault, host: Host) -> str | None:
    """The token of an organisation for a provider that its settings describe with the variable of that token."""
    section = ((host.settings["provider"] or {}) if "provider" in host.settings else {}).get(provider) or {}
    wanted = section.get("env") or ()
    for name in kept.names():
        if "://" in name and (record := await read(kept, name)) is not None and record.get("key") in wanted:
            return str(record["token"])
    return None


async def read(kept: Vault, provider: str) -> Record | None:
    """A credential, read outside of the loop: the keyring may wait for a person.

    Raises:
        ModelError: the keyring does not answer.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.to_thread(kept.get, provider)
    except TimeoutError:
        sentence = f"the keyring did not give the key of {provider} within {PATIENCE:g} s: unlock it and try again"
        raise ModelError(ModelFault.CREDENTIAL, sentence) from None


async def _access(provider: str, record: Record) -> str | None:
    """The access token of a login, as long as it is good for anything."""
    if not records.expired(record):
        return str(record["access"]) or None
    sentence = f"the login at {provider} has expired: log in again with `mimo auth login {provider}`"
    raise ModelError(ModelFault.CREDENTIAL, sentence)
