"""A login at one remote server: kept, refreshed once for all processes, and begun anew only when the user asks."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.utils import extract_field_from_www_auth
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)

from ..hookspecs import Vault
from ..known import Known
from .callback import Callback
from .lock import held

REDIRECT = "http://127.0.0.1:19876/mcp/oauth/callback"
"""Where the browser comes back to (surface 9.4)."""
_EARLY = 30.0
"""Seconds before its end at which a token counts as spent."""
Browse = Callable[[str], Awaitable[None]]


def _wants_more(response: httpx2.Response) -> bool:
    """Whether the token is fine and does not allow enough."""
    return response.status_code == 403 and extract_field_from_www_auth(response, "error") == "insufficient_scope"


class Kept:
    """What is kept of a login: tokens, who we are to the server, where its endpoints are. One entry of the vault."""

    def __init__(self, vault: Vault, server: Known) -> None:
        self._vault, self._server = vault, server
        self.entry: dict[str, Any] = {}
        self.login: Login | None = None

    async def load(self) -> None:
        """Read the entry as it is now; another process may have written it."""
        text = await self._vault.read(self._server.account)
        try:
            entry = json.loads(text or "{}")
        except ValueError:
            entry = {}
        self.entry = entry if isinstance(entry, dict) else {}

    async def get_tokens(self) -> OAuthToken | None:
        """The tokens of the entry."""
        return OAuthToken.model_validate(self.entry["tokens"]) if self.entry.get("tokens") else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep tokens, and where they came from: a later process refreshes without looking for it."""
        assert self.login is not None
        context = self.login.context
        ends = None if tokens.expires_in is None else time.time() + tokens.expires_in
        self.entry |= {"tokens": tokens.model_dump(exclude_none=True), "expiresAt": ends}
        for name, model in (("server", context.oauth_metadata), ("resource", context.protected_resource_metadata)):
            if model is not None:
                self.entry[name] = model.model_dump(mode="json", exclude_none=True)
        await self._save()

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Who we are to the server: as the settings say, else as it registered us."""
        if given := preset(self._server):
            return given
        return OAuthClientInformationFull.model_validate(self.entry["client"]) if self.entry.get("client") else None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep a registration."""
        self.entry["client"] = client_info.model_dump(mode="json", exclude_none=True)
        await self._save()

    async def want(self, scope: str) -> None:
        """Remember what a call would have needed, for the next time that somebody logs in; "" forgets it."""
        if self.entry.get("wanted", "") != scope:
            self.entry["wanted"] = scope
            await self._save()

    async def _save(self) -> None:
        await self._vault.write(self._server.account, json.dumps({**self.entry, "serverUrl": self._server.url}))


class Login(OAuthClientProvider):
    """The login at one server, as the HTTP library wants it.

    Without `browse` nobody is asked to log in: what cannot be done with the tokens at hand is refused by the server.
    """

    def __init__(
        self, server: Known, vault: Vault, state: Path, browse: Browse | None = None, callback: Callback | None = None
    ) -> None:
        self._kept, self._server = Kept(vault, server), server
        self._lock = state / "mcp" / f"{server.account.replace('/', '-')}.lock"
        self._browse, self._callback = browse, callback
        said = server.oauth or {}
        about = OAuthClientMetadata.model_validate(
            {
                "client_name": "MiMo Code",
                "redirect_uris": [said.get("redirectUri") or REDIRECT],
                "grant_types": ["authorization_code", "refresh_token"],
                "scope": said.get("scope"),
            }
        )
        send, answer = (self._send, self._answer) if browse else (None, None)
        super().__init__(server.url, about, self._kept, send, answer, said.get("clientMetadataUrl"))
        self._kept.login = self

    async def _send(self, url: str) -> None:
        assert self._browse and self._callback
        self._prove()
        self._callback.expect(parse_qs(urlsplit(url).query)["state"][0])
        await self._browse(url)

    async def _answer(self) -> AuthorizationCodeResult:
        assert self._callback
        return AuthorizationCodeResult.model_validate(await self._callback.answer())

    async def _initialize(self) -> None:
        await self._kept.load()
        await super()._initialize()
        entry, context = self._kept.entry, self.context
        ends = entry.get("expiresAt")
        context.token_expiry_time = ends - _EARLY if isinstance(ends, int | float) else None
        if entry.get("server"):
            context.oauth_metadata = OAuthMetadata.model_validate(entry["server"])
        if entry.get("resource"):
            context.protected_resource_metadata = ProtectedResourceMetadata.model_validate(entry["resource"])
        self._prove()

    async def _auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        if not self._initialized:
            await self._initialize()
        had = self._access
        if had and not self.context.is_token_valid():
            async with held(self._lock):
                await self._initialize()
                if not self.context.is_token_valid() and self.context.can_refresh_token():
                    await self._handle_refresh_response((yield await self._refresh_token()))
        used = self._access
        foretold = self._foretold(request) if used else None
        if foretold is None:
            self._add_auth_header(request)
            response = yield request
            if used and (response.status_code == 401 or _wants_more(response)):
                async with held(self._lock):
                    await self._initialize()  # another process may have refreshed, or logged in, meanwhile
                    if response.status_code == 401 and self._access == used and self.context.can_refresh_token():
                        await self._handle_refresh_response((yield await self._refresh_token()))
                if self._access not in ("", used):
                    self._add_auth_header(request)
                    response = yield request
            if response.status_code != 401 and not _wants_more(response):
                return
            if self._browse is None:  # the answer says it all: whoever asked tells the user to log in
                if _wants_more(response):
                    await self._kept.want(extract_field_from_www_auth(response, "scope") or "")
                return
            if response.status_code == 401:
                self._begin_anew(had)
        flow = super()._auth_flow(request)
        try:
            sent = await flow.__anext__()
            if foretold is not None:
                sent = await flow.asend(foretold)
            while True:
                sent = await flow.asend((yield sent))
        except StopAsyncIteration:
            if foretold is not None:
                await self._kept.want("")
            return
        finally:
            await flow.aclose()

    def _begin_anew(self, had: str) -> None:
        self.context.clear_tokens()
        if had:  # what we had, the refresh included, is not accepted
            self.context.client_info = preset(self._server)

    def _foretold(self, request: httpx2.Request) -> httpx2.Response | None:
        """The refusal that a call met when nobody could log in: now somebody can, so it is answered first."""
        if not self._browse or not (wanted := self._kept.entry.get("wanted")):
            return None
        told = {"www-authenticate": f'Bearer error="insufficient_scope", scope="{wanted}"'}
        return httpx2.Response(403, headers=told, request=request)

    def _prove(self) -> None:
        """How a client of the settings shows its secret: as the server wants it, else by Basic (RFC 8414)."""
        who, metadata = self.context.client_info, self.context.oauth_metadata
        if who and who.client_secret and preset(self._server):
            able = metadata.token_endpoint_auth_methods_supported if metadata else None
            basic = not able or "client_secret_basic" in able
            who.token_endpoint_auth_method = "client_secret_basic" if basic else "client_secret_post"

    @property
    def _access(self) -> str:
        return self.context.current_tokens.access_token if self.context.current_tokens else ""


def preset(server: Known) -> OAuthClientInformationFull | None:
    """The client that the settings name, for servers that register nobody."""
    said = server.oauth or {}
    if not said.get("clientId"):
        return None
    secret = said.get("clientSecret")
    return OAuthClientInformationFull.model_validate(
        {
            "client_id": said["clientId"],
            "client_secret": secret,
            "redirect_uris": [said.get("redirectUri") or REDIRECT],
            "token_endpoint_auth_method": "client_secret_basic" if secret else "none",
        }
    )
