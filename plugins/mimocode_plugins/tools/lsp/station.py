"""One language server for one folder: started when needed, told of files, asked about them, started anew if it dies."""

from __future__ import annotations

import asyncio
import importlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from .findings import Finding, findings
from .known import Known, environment, language, program

if TYPE_CHECKING:
    from .wire import Wire

START = 30.0
"""Seconds that a server gets to say that it is there."""
PATIENCE = 3.0
"""Seconds that a result waits for diagnoses (surface.md 11.1); less for a server that kept us waiting in vain."""
SETTLE = 0.15
"""Seconds without news after which the diagnoses count as complete."""
BACKOFF = (1.0, 5.0, 20.0, 60.0)
"""Seconds before a server that died is started again; after the last one it stays away."""
FILES = 2000
"""Files whose diagnoses are kept."""
LARGEST = 2_000_000
"""Bytes of a file that is shown to a server."""

_CAPABILITIES: Mapping[str, Any] = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True},
    "workspace": {
        "configuration": True,
        "workspaceFolders": True,
        "symbol": {},
        "applyEdit": False,
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    },
    "textDocument": {
        "synchronization": {"didSave": True},
        "publishDiagnostics": {"relatedInformation": True, "versionSupport": True},
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "definition": {"linkSupport": True},
        "implementation": {"linkSupport": True},
        "references": {},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "callHierarchy": {},
    },
}


@dataclass(frozen=True)
class Start:
    """How servers are started here: with whose PATH and environment, and in which sandbox, if any."""

    environ: Mapping[str, str]
    held: Callable[[Sequence[str]], Awaitable[Sequence[str] | None]]
    path: str = ""


class Station:
    """A server and what it knows. `state` is "idle", "starting", "ready" or a sentence on why it is gone."""

    def __init__(self, known: Known, folder: Path, top: Path, start: Start) -> None:
        self.known, self.folder, self.state = known, folder, "idle"
        self.diagnoses: dict[str, list[Finding]] = {}
        self.offers: Mapping[str, Any] = {}
        """What it can do, in the words of the protocol."""
        self._top, self._start_with = top, start
        self._wire: Wire | None = None
        self._gone: Wire | None = None
        """One that died and whose remains are not collected yet."""
        self._starting: asyncio.Task[None] | None = None
        self._open: dict[str, tuple[int, bytes]] = {}
        self._news = asyncio.Event()
        self._heard: dict[str, tuple[int | None, float]] = {}
        self._last = 0.0
        self._failures, self._again, self._patience = 0, 0.0, PATIENCE

    @property
    def ready(self) -> bool:
        """Whether it answers now."""
        return self._wire is not None and not self._wire.broken.done()

    def wake(self) -> None:
        """Start it in the background, if it neither runs nor has to rest."""
        if self._wire is not None and self._wire.broken.done():
            self._fell(self._wire.broken.result())
            self._gone, self._wire = self._wire, None
        if self.ready or (self._starting is not None and not self._starting.done()):
            return
        if self._failures > len(BACKOFF) or time.monotonic() < self._again:
            return
        self._starting = asyncio.create_task(self._start(), name=f"language server {self.known.id}")

    async def awake(self, seconds: float) -> bool:
        """Start it and wait for it so long at most."""
        self.wake()
        if not self.ready and self._starting is not None:
            await asyncio.wait({self._starting}, timeout=seconds)
        return self.ready

    async def _start(self) -> None:
        self.state = "starting"
        self._open.clear()
        self._heard.clear()
        await self._bury()
        wire_module = await asyncio.to_thread(
            importlib.import_module, f"{__package__}.wire"
        )  # half a second of imports
        wire = None
        try:
            command = (program(self.known, self._top, self._start_with.path), *self.known.command[1:])
            held = await self._start_with.held(command)
            handlers = {
                "textDocument/publishDiagnostics": self._published,
                "workspace/configuration": lambda p: [None] * len((p or {}).get("items") or ()),
                "workspace/workspaceFolders": lambda p: [self._home()],
                "workspace/applyEdit": lambda p: {"applied": False},
                "client/registerCapability": lambda p: None,
                "client/unregisterCapability": lambda p: None,
                "window/workDoneProgress/create": lambda p: None,
                "window/showMessageRequest": lambda p: None,
            }
            env = {**environment(self._start_with.environ), **self.known.env}
            wire = await wire_module.Wire.start(held or command, self.folder, env, handlers)
            said = await wire.ask("initialize", self._greeting(alone=held is not None), START)
            offers = said.get("capabilities") if isinstance(said, dict) else None
            self.offers = offers if isinstance(offers, dict) else {}
            wire.tell("initialized", {})
            self._wire, self.state = wire, "ready"
        except Exception as error:  # whatever it is, it is the server's failure and not the session's
            self._fell(str(error) or type(error).__name__)
        finally:
            if wire is not None and self._wire is not wire:
                await wire.close()

    def _fell(self, why: str) -> None:
        rest = BACKOFF[min(self._failures, len(BACKOFF) - 1)]
        self._failures += 1
        self._again, self.state = time.monotonic() + rest, why
        self.diagnoses.clear()

    def _home(self) -> dict[str, str]:
        return {"uri": self.folder.as_uri(), "name": self.folder.name}

    def _greeting(self, *, alone: bool) -> dict[str, Any]:
        """What it is told first; one that is `alone` with its processes could not find ours, and would end."""
        return {
            "processId": None if alone else os.getpid(),
            "clientInfo": {"name": "mimocode"},
            "rootUri": self.folder.as_uri(),
            "rootPath": str(self.folder),
            "workspaceFolders": [self._home()],
            "capabilities": _CAPABILITIES,
            "initializationOptions": dict(self.known.initialization),
        }

    def _published(self, params: Any) -> None:
        if not isinstance(params, dict) or not (path := path_of(params.get("uri"))):
            return
        version = params.get("version")
        if path in self.diagnoses or len(self.diagnoses) < FILES:
            self.diagnoses[path] = findings(params.get("diagnostics"), self.known.id)
        self._last = time.monotonic()
        if path in self._open:
            self._heard[path] = version if isinstance(version, int) else None, time.monotonic()
        self._news.set()

    def show(self, path: Path) -> int | None:
        """Show it what a file holds now; the number of this version, or None when it cannot be shown.

        Raises:
            Broken: the server is gone.
        """
        assert self._wire is not None
        try:
            if path.stat().st_size > LARGEST:
                return None
            data = path.read_bytes()
        except OSError:
            self.close_file(path)
            return None
        version, before = self._open.get(str(path), (0, b""))
        uri = path.as_uri()
        text = data.decode("utf-8", "replace")
        if not version:
            document = {"uri": uri, "languageId": language(path), "version": 1, "text": text}
            self._wire.tell("textDocument/didOpen", {"textDocument": document})
        elif data != before:
            changed = {"textDocument": {"uri": uri, "version": version + 1}, "contentChanges": [{"text": text}]}
            self._wire.tell("textDocument/didChange", changed)
            self._wire.tell("textDocument/didSave", {"textDocument": {"uri": uri}, "text": text})
        else:
            return version
        self._wire.tell("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri, "type": 2}]})
        self._open[str(path)] = version + 1, data
        self._heard.pop(str(path), None)
        return version + 1

    def close_file(self, path: Path) -> None:
        """Tell it that a file is gone."""
        if self._open.pop(str(path), None) and self._wire is not None:
            self._wire.tell("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})
        self.diagnoses.pop(str(path), None)

    async def diagnosed(self, path: Path, version: int) -> bool:
        """Wait until it has said what it thinks of this version; False when it takes too long."""
        wire = self._wire
        assert wire is not None
        end = time.monotonic() + self._patience
        settle = SETTLE if len(self._open) < 2 else 3 * SETTLE  # other open files come after the one that changed
        while not wire.broken.done():
            said = self._heard.get(str(path))
            now = time.monotonic()
            if said and (said[0] is None or said[0] >= version) and now - max(said[1], self._last) >= settle:
                self._patience, self._failures = PATIENCE, 0
                return True
            if now >= end:
                break
            self._news.clear()
            wait = settle - (now - max(said[1], self._last)) if said else end - now
            news: asyncio.Future[Any] = asyncio.ensure_future(self._news.wait())
            limit = max(0.01, min(wait, end - now))
            await asyncio.wait({news, wire.broken}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
        if str(path) not in self._heard:
            self._patience = max(0.3, self._patience / 2)
        return str(path) in self._heard

    async def ask(self, method: str, params: Any, seconds: float = 20.0) -> Any:
        """The answer to a request.

        Raises:
            Broken: there is none.
        """
        assert self._wire is not None
        return await self._wire.ask(method, params, seconds)

    async def close(self) -> None:
        """End the server, also one that is just starting."""
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._wire is not None:
            await self._wire.close()
            self._wire = None
        await self._bury()
        self.state = "idle"

    async def _bury(self) -> None:
        gone, self._gone = self._gone, None
        if gone is not None:
            await gone.close()


def path_of(uri: Any) -> str:
    """The path that a file URI names, or ""."""
    if not isinstance(uri, str) or not uri.startswith("file:"):
        return ""
    try:
        return unquote(urlsplit(uri).path)
    except ValueError:
        return ""
