"""The login of the MiMo platform (surface.md 5.7).

The page gets our public X25519 key and brings back the API key encrypted for it, so that neither the address of the
page nor what the user pastes gives it away.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from .. import records
from ..listening import listening
from ..vault import vault
from ..ways import Ask, Gone, browse, own_settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from mimocode.host import Host

PLATFORM = "https://platform.xiaomimimo.com"
PROVIDER = "xiaomi"
PATIENCE = 300.0
"""Seconds for someone to log in."""
ATTEMPTS = 3
"""Codes that may be pasted."""


async def run(ask: Ask, host: Host) -> str:
    """Log in, keep the key, and write down the address that belongs to it.

    Raises:
        Gone: nobody logged in in time, or what came back cannot be read.
    """
    own = Keys()
    place = (host.environ.get("MIMO_PLATFORM_URL") or PLATFORM).rstrip("/")
    name = await asyncio.to_thread(key_name, host)
    async with listening("/", then=f"{place}/authorize/callback?status=success", ours=own.fits) as listener:
        url = address(place, own.public, f"http://localhost:{listener.port}/", name)
        # over SSH the browser is elsewhere and cannot come back to this machine
        remote = any(host.environ.get(variable) for variable in ("SSH_CONNECTION", "SSH_TTY"))
        if not remote and await browse(ask, url):
            ask.say(f"Log in with the browser that has opened. If none has: {url}")
            try:
                async with asyncio.timeout(PATIENCE):
                    came = await listener.came
            except TimeoutError:
                raise Gone(f"nobody logged in within {PATIENCE / 60:g} minutes") from None
            said = own.opened(came.get("u", ""))
        else:
            ask.say(
                f"Open this page, log in, and bring back its code: {address(place, own.public, manual(place), name)}"
            )
            said = await _pasted(ask, own)
    if not isinstance(said.get("sk"), str) or not said["sk"]:
        raise Gone("the platform sent no key: log in again, or make a key there and choose to enter it")
    uid, base = str(said.get("uid") or ""), str(said.get("url") or "").rstrip("/")
    metadata = {name: value for name, value in (("uid", uid), ("base_url", base)) if value}
    kept = await asyncio.to_thread(vault(host).put, PROVIDER, records.key(said["sk"], **metadata))
    ask.say(f"Logged in{f' as {uid}' if uid else ''}; the key is kept in {kept}.")
    if base:
        await asyncio.to_thread(_send_there, base, ask, host)
    return PROVIDER


def address(place: str, public: str, redirect: str, name: str) -> str:
    """The page to log in at."""
    query = urlencode({"pk": public, "redirect_uri": redirect, "kn": "mimocode", "key_name": name})
    return f"{place}/authorize?{query}"


def manual(place: str) -> str:
    """The page that shows a code for pasting."""
    return f"{place}/authorize/code/callback"


def key_name(host: Host) -> str:
    """What the key is called at the platform: the same for every login from here."""
    path = host.paths.data / "mimo-key-name"
    try:
        name = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        name = ""
    if not re.fullmatch(r"[\w.-]{1,64}", name):
        name = f"mimo-code-cli-key-{secrets.token_hex(4)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n", "utf-8")
    return name


class Keys:
    """A pair of keys for one login."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        self._own: X25519PrivateKey = X25519PrivateKey.generate()

    @property
    def public(self) -> str:
        """The public key: DER, base64url."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        made = self._own.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()

    def fits(self, came: Mapping[str, str]) -> bool:
        """Whether an answer was encrypted for us."""
        try:
            return bool(self.opened(came.get("u", "")))
        except Gone:
            return False

    def opened(self, said: str) -> dict[str, Any]:
        """What was encrypted for us: the other's public key (32 bytes), nonce (12), ciphertext with tag.

        Raises:
            Gone: it was not meant for us, or is damaged.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            raw = base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))
            shared = self._own.exchange(X25519PublicKey.from_public_bytes(raw[:32]))
            plain = AESGCM(hashlib.sha256(shared).digest()).decrypt(raw[32:44], raw[44:], None)
            value = json.loads(plain)
        except (ValueError, InvalidTag, UnicodeError):
            raise Gone("what came back from the platform cannot be read: log in again") from None
        if not isinstance(value, dict):
            raise Gone("what came back from the platform cannot be read: log in again")
        return value


async def _pasted(ask: Ask, own: Keys) -> dict[str, Any]:
    for attempt in range(ATTEMPTS):
        said = (await ask.text("The code")).strip()
        said = dict(parse_qsl(urlsplit(said).query)).get("u", said) if "://" in said else said
        try:
            return own.opened(said)
        except Gone:
            if attempt + 1 == ATTEMPTS:
                raise
            ask.say("That is not the code of this login; copy all of it.")
    raise AssertionError


def _send_there(base: str, ask: Ask, host: Host) -> None:
    """The key belongs to this address, so that is where it goes."""
    parts = urlsplit(base)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        raise Gone("the platform named an address that is not encrypted: nothing is sent there")
    own = own_settings(host)
    keys = ["provider", PROVIDER, "options", "baseURL"]
    before = own.value(keys)
    if before not in (None, base):
        ask.say(f"Your settings send {PROVIDER} to {before}; the key belongs to {base}.")
        return
    own.put(keys, base)
