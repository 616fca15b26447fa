"""Runs inside the sandbox, by itself: a port on the loopback there that leads to the socket of the proxy outside.

python bridge.py SOCKET PORT PROGRAM [ARGUMENT ...]: the exit code is the program's. Imports nothing of ours.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading


def main(path: str, port: int, argv: list[str]) -> int:
    """Listen, run the program beside, and end with it."""
    door = socket.create_server(("127.0.0.1", port), backlog=64)
    child = os.fork()
    if child == 0:
        door.close()
        try:
            os.execvp(argv[0], argv)
        except OSError as error:
            os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
            os._exit(127)
    for each in (signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # the program decides; we end when it does
    threading.Thread(target=_welcome, args=(door, path), daemon=True).start()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _welcome(door: socket.socket, path: str) -> None:
    while True:
        near, _ = door.accept()
        far = socket.socket(socket.AF_UNIX)
        try:
            far.connect(path)
        except OSError:
            near.close()
            continue
        threading.Thread(target=_relay, args=(near, far), daemon=True).start()


def _relay(near: socket.socket, far: socket.socket) -> None:
    with near, far:
        back = threading.Thread(target=_pump, args=(far, near), daemon=True)
        back.start()
        _pump(near, far)
        back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    code = main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
    os._exit(code if code >= 0 else 128 - code)
