"""A small HTTP server with routes of its own; everything else is passed on to a server behind it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request, urlopen


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Reply:
    """An answer other than 200 with JSON."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


Route = Callable[[Asked], Any]


class Front:
    """Routes are by path: a value is the JSON of every answer, a function makes it (or a `Reply`) from what was asked.

    with Front({"/api/tags": {"models": []}}, behind=model_server.url) as front:
        front.url, front.asked
    """

    def __init__(self, routes: Mapping[str, Any], behind: str = "", rewrite: Mapping[str, str] | None = None) -> None:
        self.asked: list[Asked] = []
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                query = dict(parse_qsl(parts.query))
                asked = Asked(self.command, parts.path, query, headers, self.rfile.read(size))
                front.asked.append(asked)
                if parts.path not in routes:
                    return self._pass_on(asked)
                route = routes[parts.path]
                made = route(asked) if callable(route) else route
                reply = made if isinstance(made, Reply) else Reply(200, made)
                return self._send(reply.status, json.dumps(reply.body).encode(), "application/json", reply.headers)

            do_POST = do_GET

            def _pass_on(self, asked: Asked) -> None:
                if not behind:
                    return self._send(404, b'{"error": "not found"}', "application/json", {})
                kept = ("content-type", "authorization", "x-api-key", "anthropic-version")
                headers = {name: asked.headers[name] for name in kept if name in asked.headers}
                headers.setdefault("authorization", "Bearer none-is-needed")
                data = asked.body if asked.method == "POST" else None
                try:
                    with urlopen(
                        Request(
                            behind + (rewrite or {}).get(asked.path, asked.path), data, headers, method=asked.method
                        )
                    ) as answer:
                        return self._send(200, answer.read(), answer.headers["content-type"], {})
                except HTTPError as error:
                    with error:
                        return self._send(error.code, error.read(), "application/json", {})
                except OSError:  # what stood behind is gone
                    self.close_connection = True
                    return None

            def _send(self, status: int, body: bytes, kind: str, headers: Mapping[str, str]) -> None:
                self.send_response(status)
                for name, value in {"content-type": kind, "content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
