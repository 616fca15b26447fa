"""`mimo auth login URL`: an organisation says how its people log in, and brings settings (surface.md 1.4, 3.1, 5.5).

At `<URL>/.well-known/mimocode`, or `/opencode`, lies `{"auth": {"command": [...], "env": NAME}, "config": {...}}`. What
the command prints is the token; it is kept as a credential of that address. The settings are kept as a file below all
others, where `{env:NAME}` stands for the token. Both only after the user has seen them; nothing is fetched again by
itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mimocode.errors import MimoError, SettingsError, UsageError

from ..vault import Vault, vault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mimocode.host import Host

PATHS = (".well-known/mimocode", ".well-known/opencode")
LARGEST = 1_000_000
"""Bytes of a description."""
PATIENCE = 300.0
"""Seconds for the command: it may open a browser and wait for someone."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True)
class Offer:
    """What an organisation says of itself."""

    url: str
    command: tuple[str, ...]
    variable: str
    settings: Mapping[str, Any]

    def lines(self) -> Iterator[str]:
        """For the one who decides."""
        yield f"{self.url} says that this command gives its token ({self.variable}):"
        yield f"  {visible(shlex.join(self.command))}"
        if self.settings:
            yield "and brings these settings, below your own:"
            text = json.dumps(self.settings, indent=2, ensure_ascii=False)
            yield from (f"  {visible(line)}" for line in text.splitlines())


async def login(said: str, host: Host, *, agreed: bool) -> int:
    """Fetch, show, ask, run, keep; 1 when the user would rather not.

    Raises:
        UsageError: it is no address, or nobody is there to be asked.
        MimoError: nothing useful lies there, or the command failed.
    """
    offer = await fetched(address(said))
    unknown = sorted(name for name in offer.settings if name not in host.settings and name != "$schema")
    settings = {name: value for name, value in offer.settings.items() if name not in unknown}
    offer = Offer(offer.url, offer.command, offer.variable, settings)
    for line in offer.lines():
        sys.stderr.write(line + "\n")
    if unknown:
        sys.stderr.write(f"left out, there are no such settings here: {', '.join(map(visible, unknown))}\n")
    if not agreed and not await asyncio.to_thread(_agreed):
        sys.stderr.write("mimo: nothing was run and nothing was kept\n")
        return 1
    token = await _printed(offer, dict(host.environ))
    record = {"type": "wellknown", "key": offer.variable, "token": token}
    place = await asyncio.to_thread(vault(host).put, offer.url, record)
    path = settings_of(host.paths.data, offer.url)
    await asyncio.to_thread(_keep, path, offer.settings)
    sys.stderr.write(f"mimo: the token of {offer.url} is kept in {place}\n")
    if offer.settings:
        sys.stderr.write(f"mimo: its settings are in {path}; `mimo auth logout {offer.url}` takes both away\n")
    return 0


def address(said: str) -> str:
    """An address that may be asked how one logs in.

    Raises:
        UsageError: it is none, or what it says could be changed on the way.
    """
    parts = urlsplit(said.strip().rstrip("/"))
    here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        raise UsageError(f"{said!r} is no address of an organisation: write it as https://company.example")
    if parts.scheme != "https" and not (parts.scheme == "http" and here):
        raise UsageError(f"{said} is not encrypted: what it says runs here, so it has to begin with https://")
    return parts.geturl()


async def fetched(url: str) -> Offer:
    """What lies there.

    Raises:
        MimoError: nothing, or what makes no sense.
    """
    import httpx2

    why = ""
    async with httpx2.AsyncClient(timeout=20, follow_redirects=False) as client:
        for path in PATHS:
            try:
                answer = await client.get(f"{url}/{path}", headers={"accept": "application/json"})
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise MimoError(f"{url} cannot be reached ({type(error).__name__})") from None
            if answer.status_code == 200 and len(answer.content) <= LARGEST:
                return _offer(url, answer.content)
            why = f"HTTP {answer.status_code} at {path}" if answer.status_code != 200 else f"{path} is too large"
    raise MimoError(f"{url} does not say how to log in ({why})")


def _offer(url: str, content: bytes) -> Offer:
    try:
        said = json.loads(content)
        auth, settings = said["auth"], {} if said.get("config") is None else said["config"]
        command, variable = auth["command"], auth["env"]
        words = tuple(command) if isinstance(command, list) else tuple(shlex.split(command))
        good = bool(words) and all(isinstance(word, str) and "\0" not in word for word in words)
        if not (good and isinstance(settings, dict) and _VARIABLE.fullmatch(variable)):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise MimoError(f"what {url} says about logging in makes no sense: it names no command and variable") from None
    return Offer(url, words, variable, settings)


def settings_of(data: Path, url: str) -> Path:
    """Where the settings of an organisation are kept."""
    name = re.sub(r"[^A-Za-z0-9.-]+", "_", url.partition("://")[2]).strip("._") or "organisation"
    return data / "wellknown" / f"{name}.json"


def variables(data: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The tokens of all such logins by the names of their variables.

    Raises:
        SettingsError: the file of credentials cannot be read.
    """
    kept, found = Vault(data, environ), dict[str, str]()
    for url in (name for name in kept.names() if "://" in name):
        record = kept.get(url)
        if record is not None and record["type"] == "wellknown":
            found[record["key"]] = record["token"]
    return found


async def _printed(offer: Offer, environ: dict[str, str]) -> str:
    try:
        process = await asyncio.create_subprocess_exec(*offer.command, stdout=asyncio.subprocess.PIPE, env=environ)
    except OSError as error:
        raise MimoError(f"{offer.command[0]} cannot be started: {error.strerror}") from None
    try:
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise MimoError(f"{offer.command[0]} did not end within {PATIENCE / 60:g} minutes") from None
    token = out.decode("utf-8", "replace").strip()
    if process.returncode or not token or not all(33 <= ord(character) < 127 for character in token):
        raise MimoError(f"{offer.command[0]} gave no token (exit code {process.returncode}); nothing was kept")
    return token


def _keep(path: Path, settings: Mapping[str, Any]) -> None:
    if not settings:
        path.unlink(missing_ok=True)
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(json.dumps(settings, indent=2, ensure_ascii=False) + "\n")
        draft.replace(path)
    except OSError as error:
        raise SettingsError(f"cannot be written: {error.strerror}", str(path)) from None
    finally:
        draft.unlink(missing_ok=True)


def _agreed() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nobody is there to be asked: look at the command above, and accept it with --yes")
    sys.stderr.write("Run it, and keep the token and the settings? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def visible(text: str) -> str:
    """A text that cannot command the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
