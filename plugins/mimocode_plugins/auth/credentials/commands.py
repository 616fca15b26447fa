"""`mimo auth`: what is kept, to the user's screen, never with a secret in it."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import UsageError

from .. import records
from ..vault import vault
from .finding import read

if TYPE_CHECKING:
    from mimocode.host import Host

SCRIPTED = "scripted"
"""The provider of demos: it is no account."""
LARGEST = 20_000
"""Characters of a key that is read from stdin: more is a mistake."""


async def login(args: argparse.Namespace, host: Host) -> int:
    """Take a key, from a person without showing it or from stdin, and keep it; or log in at an organisation.

    Raises:
        UsageError: no provider, no key, or a key that cannot be one.
    """
    name = records.normal(args.provider or args.named or "")
    if not name and sys.stdin.isatty() and sys.stderr.isatty():
        return await _everything()
    if not name:
        raise UsageError("name a provider: `mimo auth login anthropic`; `mimo setup` asks for everything")
    if "://" in name:
        from .wellknown import login as at

        return await at(name, host, agreed=args.yes)
    if not records.is_name(name):
        raise UsageError(f"{name!r} is no name of a provider: letters, digits, '.', '-' and '_'")
    key = await asyncio.to_thread(_asked if sys.stdin.isatty() else _piped, name)
    place = await asyncio.to_thread(vault(host).put, name, records.key(checked(key)))
    _say(f"the key of {name} is kept in {_short(place)}")
    if name not in {info.ref.partition("/")[0] for info in await host.models()}:
        _say(f"no model of {name} is known yet: describe it under provider.{name} in {host.paths.config}")
    return 0


async def show(args: argparse.Namespace, host: Host) -> int:
    """One line per credential, then the providers that have one from elsewhere."""
    kept = vault(host)
    names = kept.names()
    for name, place in sorted(names.items()):
        record = await read(kept, name)
        _out(f"{name}  {_kind(record)}  {_short(place)}")
    ready = {info.ref.partition("/")[0] for info in await host.models() if info.ready}
    for name in sorted(ready - names.keys() - {SCRIPTED}):
        _out(f"{name}  ready  environment or settings")
    if not names:
        _say("no credential is kept; `mimo auth login PROVIDER` keeps one")
    return 0


async def logout(args: argparse.Namespace, host: Host) -> int:
    """Forget a credential.

    Raises:
        UsageError: there is none.
    """
    kept = vault(host)
    if not await asyncio.to_thread(kept.remove, args.provider):
        names = ", ".join(sorted(kept.names())) or "none"
        raise UsageError(f"no credential is kept for {args.provider!r}; there is {names}")
    if "://" in args.provider:
        from .wellknown import settings_of

        settings_of(host.paths.data, records.normal(args.provider)).unlink(missing_ok=True)
    _say(f"the credential of {args.provider} is forgotten here; revoke it at the provider if it may be known to others")
    return 0


async def whoami(args: argparse.Namespace, host: Host) -> int:
    """The accounts behind the credentials, as far as they say; 1 when there is none."""
    kept, known = vault(host), 0
    for name in sorted(kept.names()):
        record = await read(kept, name) or {}
        account = record.get("accountId") or (record.get("metadata") or {}).get("uid")
        if account:
            known += 1
            _out(f"{name}  {account}")
    if not known:
        _say("no credential says whose it is; `mimo auth list` shows what there is")
    return 0 if known else 1


async def _everything() -> int:
    """All ways to a model, as `mimo setup` shows them: a command of its own."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "mimocode.main", "setup")
    return await process.wait()


def checked(key: str) -> str:
    """A key without the white space around it.

    Raises:
        UsageError: it is empty, or holds what no header can carry.
    """
    key = key.strip()
    if not key:
        raise UsageError("no key was given, so nothing was kept")
    if len(key) > LARGEST or not all(33 <= ord(character) < 127 for character in key):
        raise UsageError("that is no key: it holds blanks, line breaks or characters that HTTP does not carry")
    return key


def _asked(name: str) -> str:
    return getpass.getpass(f"API key of {name} (not shown): ", stream=sys.stderr)


def _piped(name: str) -> str:
    return sys.stdin.read(LARGEST + 2)


def _kind(record: records.Record | None) -> str:
    if record is None:
        return "unreadable: log in again"
    if record["type"] == "oauth":
        end = records.until(record)
        return "login" + (f" until {end}" if end else "")
    return {"api": "key", "wellknown": "token"}[record["type"]]


def _short(place: str) -> str:
    home = str(Path.home())
    return f"~{place[len(home) :]}" if place.startswith(home + "/") else place


def _out(line: str) -> None:
    sys.stdout.write(line + "\n")


def _say(line: str) -> None:
    sys.stderr.write(f"mimo: {line}\n")
