"""A session with one MCP server, as the suite wants to see it: log in if need be, list its tools, call them.

The suite gives the server's address as the last argument, and what it has for the user's settings in
`MCP_CONFORMANCE_CONTEXT`. A user is played who answers every question with its defaults and logs in when told to.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from mimocode import hookimpl, turn
from mimocode.errors import MimoError
from mimocode.events import Approve, MessageAdded, Noted, Notice
from mimocode.host import Host
from mimocode.messages import ToolCall, assistant
from mimocode.ports import Places, Ruling, ToolResult, Verdict, Workspace
from mimocode.session import Session
from mimocode.testing import MemoryStore, Script
from mimocode_plugins.auth import logins
from mimocode_plugins.tools import external
from mimocode_plugins.tools.external import arriving, signing
from mimocode_plugins.tools.external.arriving import ARRIVALS

BROWSER = Path(__file__).parents[1] / "support/browser.py"
NAME = "server"
DOCUMENT = "https://conformance-test.local/client-metadata.json"
"""The address that the suite takes for a description of a client."""


class Desk:
    """A place to work: settings with one server, a log in memory, everything allowed, a user who is patient."""

    def __init__(self, folder: Path, entry: dict[str, Any]) -> None:
        self.folder, self.entry = folder, entry

    @hookimpl
    def open_workspace(self, host: Host) -> Workspace:
        """The folder."""

        class Given(dict[str, Any]):
            claims, ignored = {}, []

        places = Places(*(self.folder / name for name in ("data", "config", "cache", "state")))
        return Workspace(self.folder, places, lambda *_: Given(mcp={NAME: self.entry}))

    @hookimpl
    def open_store(self) -> MemoryStore:
        """A log."""
        return MemoryStore()

    @hookimpl
    def open_model(self) -> Script:
        """A model that is never asked."""
        return Script()

    @hookimpl
    def rule_on_call(self) -> Ruling:
        """Allow."""
        return Ruling(Verdict.ALLOW)

    @hookimpl
    async def on_event(self, event: Any, session: Session) -> None:
        """Show what is said, take the defaults of what is asked."""
        if isinstance(event, Notice):
            print("notice:", event.text, file=sys.stderr)
        if isinstance(event, Noted) and event.plugin == "question":
            await session.submit(Approve(event.data["call"], True, json.dumps([[] for _ in event.data["questions"]])))


def context() -> dict[str, Any]:
    """What the suite says of a scenario."""
    told: dict[str, Any] = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
    return told


def settings(url: str) -> dict[str, Any]:
    """What the user has in the settings about the server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    oauth = {"redirectUri": f"http://localhost:{port}/callback", "clientMetadataUrl": DOCUMENT}
    for ours, theirs in (("clientId", "client_id"), ("clientSecret", "client_secret")):
        if value := context().get(theirs):
            oauth[ours] = value
    return {"type": "remote", "url": url, "oauth": oauth, "timeout": 60_000}


async def log_in(host: Host) -> bool:
    """What `mimo mcp auth` does; whether it worked."""
    try:
        await signing.auth(argparse.Namespace(name=NAME, no_browser=False), host)
    except MimoError as error:
        print("auth:", error, file=sys.stderr)
        return False
    return True


async def work(host: Host) -> bool:
    """List the tools and call each; log in and do it again when that is what is missing."""
    async with host.open(model="script/lines") as session:
        arriving.PATIENCE = 60.0  # the machine may be busy
        if arrivals := session.stash.get(ARRIVALS):
            await arrivals.wait()
        fine = bool(session.toolbox.specs)
        wanted = {f"{NAME}_{each['name']}": each["arguments"] for each in context().get("toolCalls", ())}
        for number, (name, spec) in enumerate(list(session.toolbox.specs.items())):
            made = {key: example(each) for key, each in arguments(spec.schema).items()}
            call = ToolCall(f"c{number}", name, wanted.get(name, made))
            result = await answered(session, call)
            for again in range(3):
                if "mimo mcp auth" not in result.text or not await log_in(host):
                    break
                result = await answered(session, ToolCall(f"c{number}.{again}", name, call.arguments))
            print(name, "error" if result.error else "ok", result.text[:300], file=sys.stderr)
            fine = fine and "mimo mcp auth" not in result.text
    return fine


async def answered(session: Session, call: ToolCall) -> ToolResult:
    """The result of a call, as in a turn."""
    await session.emit(MessageAdded(assistant("", call)))
    return await turn.answer(session, call)


def arguments(schema: Any) -> dict[str, Any]:
    """The arguments that a tool takes."""
    found = schema.get("properties", {})
    return found if isinstance(found, dict) else {}


def example(schema: Any) -> Any:
    """Something that fits."""
    kinds = {"integer": 5, "number": 3, "boolean": True, "array": [], "object": {}, "null": None}
    kind = schema.get("type") if isinstance(schema, dict) else None
    if isinstance(schema, dict) and schema.get("enum"):
        return schema["enum"][0]
    return kinds.get(kind, "text") if isinstance(kind, str) else "text"


async def main() -> int:
    """0 if everything could be done."""
    os.environ["BROWSER"] = f"{sys.executable} {BROWSER} %s"
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), settings(sys.argv[-1]))
        host = Host(
            [desk, external, logins],
            directory=Path(folder),
            external=False,
            options={"questions": True},
            complain=lambda line: print("complaint:", line, file=sys.stderr),
        )
        try:
            if os.environ.get("MCP_CONFORMANCE_SCENARIO", "").startswith("auth/") and not await log_in(host):
                return 1
            return 0 if await work(host) else 1
        finally:
            host.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
