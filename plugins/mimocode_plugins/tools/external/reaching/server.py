"""A client of somebody's server, and what it may ask of us while it is connected."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.auth import OAuthFlowError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.message import SessionMessage

from mimocode.errors import MimoError

from ..asking import address, form, somebody
from ..hookspecs import open_vault
from ..known import Known, environment
from ..login.callback import Callback
from ..login.server import Browse, Login
from ..pipe import piped
from ..sampling import sampled

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

Ended = Callable[[], None]
Hear = Callable[[Any], Coroutine[Any, Any, None]]
_LOG = 2_000_000
"""Bytes of what a server writes to its standard error that are kept, about."""


def _nothing() -> None: ...


@dataclass
class Heard:
    """What was noticed of a connection: signs of life, whether the user is being asked, how HTTP requests ended."""

    last: float = field(default_factory=time.monotonic)
    asking: int = 0
    status: int = 0
    """Of the last answer that was an error."""
    challenge: str = ""
    """What it said of the authorization it wants (WWW-Authenticate)."""

    def now(self) -> None:
        """It lives."""
        self.last = time.monotonic()

    def left(self, patience: float) -> float:
        """Seconds until patience ends. While the user thinks about a question of the server it does not."""
        if self.asking:
            self.now()
        return self.last + patience - time.monotonic()


@asynccontextmanager
async def connected(
    server: Known,
    host: Host,
    session: Session | None = None,
    *,
    heard: Heard | None = None,
    hear: Hear | None = None,
    browse: tuple[Browse, Callback] | None = None,
    ended: Ended = _nothing,
) -> AsyncIterator[Client]:
    """A client of a server, which is started for it; `ended` is called when it goes away by itself.

    It may ask for our roots; for answers of the user, which are cancelled when nobody is there; for those of the
    model if its settings say so. A remote server that does not speak streamable HTTP is tried once more with the older
    transport. With `browse` the user may be asked to log in.
    """
    heard = heard or Heard()
    voice = _voice(server, host, session, heard)
    async with AsyncExitStack() as stack:
        kinds = ["pipe"] if not server.url else ["sse"] if server.sse else ["http", "sse"]

        def client(kind: str) -> Client:
            way = _transport(server, host, kind, heard, browse, ended)
            return Client(way, **voice, message_handler=hear)  # type: ignore[arg-type]

        entered = await _enter(stack, client(kinds[0]), last=len(kinds) == 1, heard=heard)
        if entered is None:
            entered = await stack.enter_async_context(client("sse"))
        yield entered


async def _enter(stack: AsyncExitStack, client: Client, *, last: bool, heard: Heard) -> Client | None:
    """Connect; None if the server may speak the older transport instead."""
    try:
        return await stack.enter_async_context(client)
    except Exception:
        if last or heard.status not in (400, 404, 405, 406):
            raise
        return None


def _voice(server: Known, host: Host, session: Session | None, heard: Heard) -> dict[str, Any]:
    """The answers to what a server may ask."""

    async def roots(context: Any) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[types.Root.model_validate({"uri": host.root.as_uri()})])

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        heard.now()
        logging.getLogger(f"mimocode.mcp.{server.name}").info("%s: %r", params.level, str(params.data)[:2000])

    async def elicit(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        if session is None or not somebody(session):
            return types.ElicitResult(action="cancel")
        heard.asking += 1
        try:
            if isinstance(params, types.ElicitRequestURLParams):
                action, content = await address(session, server.name, params.message, params.url)
            else:
                action, content = await form(session, server.name, params.message, params.requested_schema)
        finally:
            heard.asking -= 1
            heard.now()
        return types.ElicitResult.model_validate({"action": action, "content": content if action == "accept" else None})

    async def sample(context: Any, params: Any) -> types.CreateMessageResult | types.ErrorData:
        if session is None:
            return types.ErrorData(code=-1, message="no conversation is open")
        heard.asking += 1
        try:
            text, model, stop = await sampled(session, server, params)
        except MimoError as error:
            return types.ErrorData(code=-1, message=str(error))
        finally:
            heard.asking -= 1
            heard.now()
        content = types.TextContent(text=text)
        return types.CreateMessageResult(role="assistant", content=content, model=model, stop_reason=stop)

    # The same whoever is there: some servers offer other tools to those who answer questions.
    voice: dict[str, Any] = {"list_roots_callback": roots, "logging_callback": log, "elicitation_callback": elicit}
    if server.sampling != "deny":
        voice["sampling_callback"] = sample
    return voice


@asynccontextmanager
async def _transport(
    server: Known, host: Host, kind: str, heard: Heard, browse: tuple[Browse, Callback] | None, ended: Ended
) -> AsyncIterator[Any]:
    if kind == "pipe":
        with _log(server, host.paths.state) as log:
            where, own = server.directory or None, environment(server, str(host.options.get("path") or ""))
            async with piped(server.command, own, where, log, _read, _write, ended) as pipes:
                yield pipes
        return
    login = await _login(server, host, browse)

    async def look(response: httpx2.Response) -> None:
        heard.now()
        if response.status_code >= 400 and str(response.request.url).startswith(server.url):
            heard.status = response.status_code
            heard.challenge = response.headers.get("www-authenticate", "")

    def http(
        headers: dict[str, str] | None = None, timeout: httpx2.Timeout | None = None, auth: httpx2.Auth | None = None
    ) -> httpx2.AsyncClient:
        client = create_mcp_http_client(headers=headers, timeout=timeout, auth=auth)
        client.event_hooks = {"request": [], "response": [look]}
        return client

    if kind == "sse":
        async with sse_client(server.url, dict(server.headers), server.timeout, 300, http, login) as streams:
            yield streams
        return
    async with (
        http(dict(server.headers), None, login) as client,
        streamable_http_client(server.url, http_client=client) as streams,
    ):
        yield streams


async def _login(server: Known, host: Host, browse: tuple[Browse, Callback] | None) -> Login | None:
    if server.oauth is None:
        return None
    vault = await host.hooks.first(open_vault, host=host)
    return Login(server, vault, host.paths.state, *(browse or ())) if vault else None


def _read(line: bytes) -> SessionMessage:
    return SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))


def _write(message: SessionMessage) -> bytes:
    return message.message.model_dump_json(by_alias=True, exclude_unset=True).encode()


@contextmanager
def _log(server: Known, state: Path) -> Iterator[Callable[[bytes], None]]:
    """Something that writes to the log of a server until it is full; a full one begins anew at the next start."""
    path = log_of(server, state)
    path.parent.mkdir(parents=True, exist_ok=True)
    size = path.stat().st_size if path.exists() else 0
    with path.open("ab" if size < _LOG else "wb", buffering=0) as file:

        def put(piece: bytes) -> None:
            if file.tell() < _LOG:
                file.write(piece)

        yield put


def log_of(server: Known, state: Path) -> Path:
    """Where the standard error of a server goes."""
    return state / "mcp" / f"{''.join(c if c.isalnum() or c in '-_' else '_' for c in server.name)}.log"


def reason(error: BaseException, server: Known, state: Path, heard: Heard | None = None) -> str:
    """Why a server cannot be used, in words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    status = heard.status if heard else getattr(getattr(error, "response", None), "status_code", 0)
    if isinstance(error, MimoError):
        return str(error)
    if isinstance(error, OAuthFlowError):
        return ascii(str(error)[:500])[1:-1]
    if status in (401, 403):
        how = f"run `mimo mcp auth {server.name}`" if server.oauth is not None else "check its headers in the settings"
        return f"it wants authorization (HTTP {status}): {how}"
    if isinstance(error, FileNotFoundError) and server.command:
        return f"there is no command {server.command[0]!r}"
    text = str(error).strip() or type(error).__name__
    return text if server.url else f"{text} (its messages are in {log_of(server, state)})"
