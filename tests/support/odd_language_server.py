"""A language server that behaves as the worst of them do: python odd_language_server.py WAY [FILE]

Ways: fine, asks, dies, dies-late, hangs, mute, deaf, floods, huge, nonsense, wrong-json, child. With a file, every start
adds a line with the process id to it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

OUT = sys.stdout.buffer


def send(message: dict[str, Any]) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    OUT.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    OUT.flush()


def receive() -> dict[str, Any]:
    size = 0
    while line := sys.stdin.buffer.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            size = int(value)
    if not size:
        sys.exit(0)
    message: dict[str, Any] = json.loads(sys.stdin.buffer.read(size))
    return message


def publish(document: dict[str, Any], text: str) -> None:
    """An error for each line that says "wrong", a warning for each that says "odd"."""
    found = []
    for number, line in enumerate(text.splitlines()):
        for word, severity in (("wrong", 1), ("odd", 2)):
            if word in line:
                start, end = {"line": number, "character": 0}, {"line": number, "character": 1}
                found.append({"range": {"start": start, "end": end}, "severity": severity, "message": line.strip()})
    found.append({"range": None, "message": "no sense"})
    params = {"uri": document["uri"], "version": document["version"], "diagnostics": found}
    send({"method": "textDocument/publishDiagnostics", "params": params})


def misbehave(way: str) -> None:
    """What happens instead of an answer to the first document."""
    if way == "dies-late":
        sys.exit(3)
    if way == "deaf":
        time.sleep(3600)
    if way == "nonsense":
        OUT.write(b"what is this\n" * 100 + b"Content-Length: 5\r\n\r\n{{{{{")
        OUT.flush()
        send({"method": "textDocument/publishDiagnostics", "params": [1, 2]})
        send({"method": "textDocument/publishDiagnostics", "params": {"uri": 5, "diagnostics": "?"}})
        send({"id": 77, "method": "no/such/request", "params": {}})
        send({"id": "never asked", "result": None})
    if way == "huge":
        OUT.write(b"Content-Length: 99999999999\r\n\r\n")
        OUT.flush()
    while way == "floods":
        send({"method": "window/logMessage", "params": {"type": 3, "message": "x" * 50_000}})


def main(way: str, log: str = "") -> None:
    if log:
        import os

        with Path(log).open("a") as file:
            file.write(f"{os.getpid()}\n")
    if way == "dies":
        sys.stderr.write("no licence found\n")
        sys.exit(4)
    if way == "hangs":
        time.sleep(3600)
    if way == "wrong-json":
        OUT.write(b"Content-Length: 12\r\n\r\n[1, 2, 3, 4]" * 20)
        OUT.flush()
    if way == "child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        with Path(log).open("a") as file:
            file.write(f"{child.pid}\n")
    while True:
        message = receive()
        method, params = message.get("method"), message.get("params") or {}
        if method == "initialize":
            send({"id": message["id"], "result": {"capabilities": {"hoverProvider": True}}})
        elif method in ("textDocument/didOpen", "textDocument/didChange"):
            if way == "asks":  # as pyright and gopls do: nothing is said before the client has answered
                send({"id": 5, "method": "workspace/configuration", "params": {"items": [{}, {}]}})
                while (answer := receive()).get("id") != 5:
                    continue
                if answer.get("result") != [None, None]:
                    sys.exit(9)
            misbehave(way)
            document = params["textDocument"]
            text = document.get("text") or (params.get("contentChanges") or [{}])[0].get("text", "")
            if way not in ("mute", "huge"):
                publish(document, text)
        elif method == "exit":
            sys.exit(0)
        elif "id" in message and method and way != "mute":
            send({"id": message["id"], "result": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
