"""What a credential looks like on disk (surface.md 5.5): one object for each provider.

{"type": "api", "key": ..., "metadata"?: {...}}
{"type": "oauth", "refresh": ..., "access": ..., "expires": <ms>, "accountId"?: ..., "enterpriseUrl"?: ...}
{"type": "wellknown", "key": <name of a variable>, "token": ...}, where the provider is an address
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]

_TEXTS = {"api": ("key",), "oauth": ("refresh", "access"), "wellknown": ("key", "token")}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SOON = 300.0
"""Seconds before its end from which on an access token counts as expired."""


def valid(record: Any) -> bool:
    """Whether this is a credential of one of the three kinds."""
    if not isinstance(record, Mapping) or record.get("type") not in _TEXTS:
        return False
    if not all(isinstance(record.get(name), str) for name in _TEXTS[record["type"]]):
        return False
    expires = record.get("expires", 0)
    return isinstance(expires, int | float) and not isinstance(expires, bool)


def is_name(name: str) -> bool:
    """Whether a provider may be called so: letters, digits, `.`, `-`, `_`; addresses stand for well-known ones."""
    return bool(_NAME.fullmatch(name)) or name.startswith(("https://", "http://"))


def normal(name: str) -> str:
    """A provider's id as it is kept: without a trailing slash."""
    return name.rstrip("/")


def parsed(text: str) -> dict[str, dict[str, Any]]:
    """The credentials of a text; entries that are none are dropped.

    Raises:
        ValueError: it is no JSON object.
    """
    table = json.loads(text)
    if not isinstance(table, dict):
        raise ValueError("not an object")
    return {normal(name): dict(record) for name, record in table.items() if valid(record)}


def key(secret: str, **metadata: str) -> dict[str, Any]:
    """A record of an API key."""
    return {"type": "api", "key": secret} | ({"metadata": metadata} if metadata else {})


def expired(record: Record) -> bool:
    """Whether an access token is over, or nearly; one that does not say is not."""
    expires = float(record.get("expires") or 0) / 1000
    return bool(expires) and expires - SOON < time.time()


def until(record: Record) -> str:
    """When an access token ends, for people; "" when it does not say."""
    expires = float(record.get("expires") or 0) / 1000
    if not expires:
        return ""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(min(expires, 253402300799 - 86400)))
