"""A real MCP server that wants a login, and the identity provider behind it, both on one loopback port.

Arguments: port, folder for what happened (`registered`, `codes`, `refreshes`), seconds that a token lives.
"""

from __future__ import annotations

import secrets
import sys
import time
from pathlib import Path

from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    TokenError,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken


class Provider(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """Says yes to everybody. A refresh token works once; one that is used again ends the whole login."""

    def __init__(self, folder: Path, lifetime: int) -> None:
        self.folder, self.lifetime = folder, lifetime
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.access: dict[str, AccessToken] = {}
        self.refresh: dict[str, RefreshToken] = {}

    def note(self, what: str, text: str) -> None:
        with (self.folder / what).open("a") as file:
            file.write(f"{text}\n")

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self.note("registered", client_info.client_name or "")
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        code = AuthorizationCode(
            code=secrets.token_urlsafe(20),
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=client.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        self.codes[code.code] = code
        if (self.folder / "refuse").exists():
            return construct_redirect_uri(str(params.redirect_uri), error="access_denied", state=params.state)
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(self, client: object, authorization_code: str) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self.codes[authorization_code.code]
        self.note("codes", authorization_code.code_challenge)
        return self._tokens(client.client_id, authorization_code.scopes)

    def _tokens(self, client: str, scopes: list[str]) -> OAuthToken:
        access, refresh = secrets.token_urlsafe(20), secrets.token_urlsafe(20)
        ends = int(time.time()) + self.lifetime
        self.access[access] = AccessToken(token=access, client_id=client, scopes=scopes, expires_at=ends)
        self.refresh[refresh] = RefreshToken(token=refresh, client_id=client, scopes=scopes)
        return OAuthToken(access_token=access, refresh_token=refresh, expires_in=self.lifetime)

    async def load_refresh_token(self, client: object, refresh_token: str) -> RefreshToken | None:
        return self.refresh.get(refresh_token) or RefreshToken(
            token=refresh_token, client_id=getattr(client, "client_id", ""), scopes=[]
        )

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        if self.refresh.pop(refresh_token.token, None) is None:
            self.note("refreshes", "used again")
            self.access.clear()
            self.refresh.clear()
            raise TokenError("invalid_grant", "this refresh token was used before")
        self.note("refreshes", "fine")
        return self._tokens(client.client_id, refresh_token.scopes)

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.access.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.access.pop(token.token, None)


def main() -> None:
    """Serve."""
    port, folder, lifetime = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    address = f"http://127.0.0.1:{port}"
    auth = AuthSettings.model_validate(
        {
            "issuer_url": address,
            "resource_server_url": f"{address}/mcp",
            "client_registration_options": ClientRegistrationOptions(enabled=not (folder / "closed").exists()),
        }
    )
    server = MCPServer("guarded", log_level="ERROR", auth=auth, auth_server_provider=Provider(folder, lifetime))

    @server.tool(structured_output=False)
    def secret() -> str:
        """Only for those who are logged in."""
        return "the inside"

    server.run("streamable-http", port=port)


if __name__ == "__main__":
    main()
