"""The client that logs in with a ChatGPT account: the public one of Codex (surface.md 5.9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..oauth import Client

PROVIDER = "openai"
ISSUER = "https://auth.openai.com"
CLIENT = "app_EMoamEEZ73f0CkXaXp7hrann"
"""The public client of Codex; it has no secret."""
CLAIMS = "https://api.openai.com/auth"


def issuer(environ: Mapping[str, str]) -> str:
    """Where one logs in; MIMOCODE_CHATGPT_ISSUER names another place, such as a company's gateway."""
    return (environ.get("MIMOCODE_CHATGPT_ISSUER") or ISSUER).rstrip("/")


def client(environ: Mapping[str, str]) -> Client:
    """The client at this issuer."""
    return Client(PROVIDER, "ChatGPT", CLIENT, f"{issuer(environ)}/oauth/token", "chatgpt", account)


def account(claims: Mapping[str, Any]) -> str:
    """The account that a token names."""
    inner = claims.get(CLAIMS)
    found = inner.get("chatgpt_account_id") if isinstance(inner, dict) else None
    return str(found or claims.get("chatgpt_account_id") or "")
