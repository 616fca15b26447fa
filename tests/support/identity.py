"""Identity providers on this machine: they answer what the real ones answer, and refuse what they would refuse."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import sys
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from support.cli import Cli
from support.front import Asked, Reply


def give_browser(cli: Cli) -> None:
    """A browser: fetches the page and follows where it leads."""
    path = cli.home / "browser"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nfrom urllib.request import urlopen\nurlopen(sys.argv[1]).read()\n"
    )
    path.chmod(0o755)
    cli.env["BROWSER"] = f"{path} %s"


def unpadded(data: bytes) -> str:
    """Base64 for addresses."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(**claims: Any) -> str:
    """A token with these claims; nobody checks its signature here."""
    parts = [unpadded(json.dumps(part).encode()) for part in ({"alg": "none"}, claims)]
    return ".".join([*parts, "signature"])


def sealed(public: str, value: Any) -> str:
    """A value that only the owner of a public key can read, as the MiMo platform sends it."""
    other = load_der_public_key(base64.urlsafe_b64decode(public + "=" * (-len(public) % 4)))
    own, nonce = X25519PrivateKey.generate(), os.urandom(12)
    key = hashlib.sha256(own.exchange(other)).digest()
    raw = own.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return unpadded(raw + nonce + AESGCM(key).encrypt(nonce, json.dumps(value).encode(), None))


class Platform:
    """The MiMo platform: `/authorize` grants at once."""

    def __init__(self, **grant: Any) -> None:
        self.grant, self.asked = grant, []

    def routes(self) -> dict[str, Any]:
        """For a `Front`."""
        return {"/authorize": self._authorize, "/authorize/callback": {"ok": True}}

    def code(self, public: str) -> str:
        """What a user would paste."""
        return sealed(public, self.grant)

    def _authorize(self, asked: Asked) -> Reply:
        self.asked.append(asked.query)
        where = asked.query["redirect_uri"]
        return Reply(302, {}, {"location": f"{where}?u={self.code(asked.query['pk'])}"})


class Issuer:
    """OpenAI's login: authorization code with PKCE, device codes, and refresh tokens that are good for one use."""

    def __init__(self, account: str = "acc-1", lifetime: float = 864_000) -> None:
        self.account, self.lifetime = account, lifetime
        self.refresh, self.access = "", ""
        self.pending, self.renewals = 1, 0
        self._codes: dict[str, tuple[str, str]] = {}

    def routes(self) -> dict[str, Any]:
        """For a `Front`."""
        return {
            "/oauth/authorize": self._authorize,
            "/oauth/token": self._token,
            "/api/accounts/deviceauth/usercode": {"device_auth_id": "d-1", "user_code": "WXYZ-1234", "interval": -3},
            "/api/accounts/deviceauth/token": self._device,
        }

    def issue(self) -> dict[str, Any]:
        """New tokens; those before are worth nothing."""
        self.refresh = secrets.token_hex(8)
        inner = {"https://api.openai.com/auth": {"chatgpt_account_id": self.account}}
        self.access = jwt(exp=time.time() + self.lifetime, jti=secrets.token_hex(4), **inner)
        return {"access_token": self.access, "refresh_token": self.refresh, "id_token": jwt(**inner)}

    def _authorize(self, asked: Asked) -> Reply:
        query = asked.query
        assert query["response_type"] == "code" and query["code_challenge_method"] == "S256"
        code = secrets.token_hex(8)
        self._codes[code] = (query["code_challenge"], query["redirect_uri"])
        return Reply(302, {}, {"location": f"{query['redirect_uri']}?code={code}&state={query['state']}"})

    def _device(self, asked: Asked) -> Any:
        if self.pending:
            self.pending -= 1
            return Reply(403)
        verifier, code = secrets.token_hex(16), secrets.token_hex(8)
        self._codes[code] = (unpadded(hashlib.sha256(verifier.encode()).digest()), "")
        return {"authorization_code": code, "code_verifier": verifier}

    def _token(self, asked: Asked) -> Any:
        form = asked.form
        if form["grant_type"] == "refresh_token":
            self.renewals += 1
            good = bool(self.refresh) and form["refresh_token"] == self.refresh
            return self.issue() if good else Reply(401, {"error": "invalid_grant"})
        challenge, redirect = self._codes.pop(form["code"], ("", ""))
        proof = unpadded(hashlib.sha256(form["code_verifier"].encode()).digest())
        if proof != challenge or (redirect and form["redirect_uri"] != redirect):
            return Reply(400, {"error": "invalid_grant"})
        return self.issue()


class Grok:
    """xAI's login: authorization code with PKCE, and device codes as in RFC 8628."""

    def __init__(self, *answers: str) -> None:
        """`answers`: what the token endpoint says to a device code before it grants, such as "slow_down"."""
        self.answers, self.asked = list(answers), 0
        self.access, self.refresh, self.renewals = "", "", 0
        self._codes: dict[str, tuple[str, str]] = {}

    def routes(self) -> dict[str, Any]:
        """For a `Front`."""
        began = {"device_code": "d-1", "user_code": "GROK-1", "verification_uri": "https://x.example/d", "interval": 0}
        return {"/oauth2/authorize": self._authorize, "/oauth2/token": self._token, "/oauth2/device/code": began}

    def issue(self) -> dict[str, Any]:
        """New tokens; those before are worth nothing."""
        self.refresh = secrets.token_hex(8)
        self.access = jwt(exp=time.time() + 864_000, jti=secrets.token_hex(4), email="ada@x.example")
        return {"access_token": self.access, "refresh_token": self.refresh, "expires_in": 864_000}

    def _authorize(self, asked: Asked) -> Reply:
        query = asked.query
        assert query["response_type"] == "code" and query["code_challenge_method"] == "S256"
        assert query["redirect_uri"].startswith("http://127.0.0.1:") and "api:access" in query["scope"]
        code = secrets.token_hex(8)
        self._codes[code] = (query["code_challenge"], query["redirect_uri"])
        return Reply(302, {}, {"location": f"{query['redirect_uri']}?code={code}&state={query['state']}"})

    def _token(self, asked: Asked) -> Any:
        form, self.asked = asked.form, self.asked + 1
        match form["grant_type"]:
            case "refresh_token":
                self.renewals += 1
                good = bool(self.refresh) and form["refresh_token"] == self.refresh
                return self.issue() if good else Reply(401, {"error": "invalid_grant"})
            case "authorization_code":
                challenge, redirect = self._codes.pop(form["code"], ("", ""))
                proof = unpadded(hashlib.sha256(form["code_verifier"].encode()).digest())
                good = proof == challenge and form["redirect_uri"] == redirect
                return self.issue() if good else Reply(400, {"error": "invalid_grant"})
            case "urn:ietf:params:oauth:grant-type:device_code" if form["device_code"] == "d-1":
                return Reply(400, {"error": self.answers.pop(0)}) if self.answers else self.issue()
        return Reply(400, {"error": "invalid_request"})
