"""A home with keys, a project under git, other people's files, and a way to run commands on them in a sandbox."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from mimocode_plugins.guard.sandbox import bubblewrap
from mimocode_plugins.guard.sandbox.ladder import climb, module
from mimocode_plugins.guard.sandbox.layout import Grounds, Layout, layout

SECRET = "secret-7c1e90d2"


_FOUND: dict[str, str] = {}


def need(name: str) -> str:
    """The program of a rung; without it the test is passed over, with the reason."""
    if name not in _FOUND:
        found = climb(name)
        if not found.rung:
            pytest.skip("; ".join(found.why))
        _FOUND[name] = found.program
    return _FOUND[name]


class Cell:
    """Everything that an escape could reach, and a hash of it."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.home, self.project, self.beside = base / "home", base / "home/project", base / "beside"
        self.tmp, self.none = base / "private", base / "none"
        for path, text in {
            self.home / ".ssh/id_rsa": SECRET,
            self.home / ".aws/credentials": SECRET,
            self.home / ".netrc": SECRET,
            self.home / ".bashrc": "# mine",
            self.home / ".gitconfig": "[user]\n\tname = Me\n\temail = me@example.test\n",
            self.home / "data/mimocode.db": SECRET,
            self.beside / "file": "theirs",
            self.project / "README.md": "A project.",
            self.project / ".mimocode/mimocode.json": "{}",
            self.project / ".mcp.json": "{}",
        }.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.tmp.mkdir()
        self.none.touch(mode=0o000)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"}
        self.env |= {"OUT": str(self.beside), "PROJECT": str(self.project), "PYTHON": sys.executable}
        self.git("init", "-q")
        self.git("add", "README.md")
        self.git("commit", "-qm", "begin")

    def git(self, *words: str) -> None:
        """Prepare something, outside."""
        subprocess.run(["git", *words], cwd=self.project, env=self.env, check=True, capture_output=True)

    def plan(self, look_only: bool = False, **more: object) -> Layout:
        """The plan of the disk; temporary directories are this test's own, apart from the real one."""
        grounds = Grounds(
            home=self.home, roots=(self.project,), temp=self.tmp, data=self.home / "data", look_only=look_only,
            programs=(Path(sys.prefix), Path(sys.base_prefix), self.beside), **more,  # type: ignore[arg-type]
        )  # fmt: skip
        return layout(grounds)

    def inside(
        self, text: str, look_only: bool = False, network: bool = False, kind: str = bubblewrap.NAME
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the sandbox."""
        program = need(kind)
        words = ["bash", "-c", text]
        plan = self.plan(look_only)
        return self.run(module(kind).command(program, plan, self.none, self.project, words, network))

    def outside(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command without a sandbox: the proof that an attempt would succeed."""
        return self.run(["bash", "-c", text])

    def run(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command line as it is."""
        return subprocess.run(
            argv, cwd=self.project, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=60, check=False, start_new_session=True,
        )  # fmt: skip

    def prints(self) -> dict[str, str]:
        """What must not change: all but the project, and of that what says which programs run."""
        guarded = [self.project / name for name in (".git/config", ".git/hooks", ".mimocode", ".mcp.json")]
        found: dict[str, str] = {}
        for root in (self.home, self.beside, *guarded):
            for where, folders, files in os.walk(root):
                if root == self.home:
                    folders[:] = [name for name in folders if Path(where, name) != self.project]
                for name in (*files, *folders):
                    path = Path(where, name)
                    found[str(path)] = f"{path.lstat().st_mode:o} {_content(path)}"
            if root.is_file():
                found[str(root)] = _content(root)
        return found


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "directory"


@contextmanager
def cell() -> Iterator[Cell]:
    """One, where the sandbox puts nothing of its own: temporary directories are hidden inside."""
    base = Path(tempfile.mkdtemp(prefix="mimocode-cell-", dir=os.environ.get("MIMOCODE_TEST_CELLS") or None)).resolve()
    try:
        yield Cell(base)
    finally:
        subprocess.run(["chmod", "-R", "u+rwx", base], check=True)  # a directory that nobody may enter was copied
        shutil.rmtree(base)


class Ears:
    """Listeners of the machine outside: on loopback by IPv4 and IPv6, by datagram, and on sockets in the disk."""

    def __init__(self, cell: Cell, stack: ExitStack) -> None:
        self.heard: list[bytes] = []
        self._stack, self._threads = stack, list[threading.Thread]()
        self._end = threading.Event()
        tcp4, udp4 = self._open(socket.AF_INET, "127.0.0.1"), self._open(socket.AF_INET, "127.0.0.1", udp=True)
        cell.env |= {"TCP4": str(tcp4), "UDP4": str(udp4)}
        if socket.has_ipv6:
            cell.env["TCP6"] = str(self._open(socket.AF_INET6, "::1"))
        for name, path in (("SOCK_OUT", cell.beside / "sock"), ("SOCK_IN", cell.project / "sock")):
            self._open(socket.AF_UNIX, str(path))
            cell.env[name] = str(path)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ssh-")))
        self._open(socket.AF_UNIX, str(folder / "agent"))
        cell.env["SOCK_TMP"] = cell.env["SSH_AUTH_SOCK"] = str(folder / "agent")
        if sys.platform == "linux":
            self._open(socket.AF_UNIX, f"\0{cell.base}")
            cell.env["ABSTRACT"] = str(cell.base)
        stack.callback(self._close)

    def _open(self, family: socket.AddressFamily, where: str, udp: bool = False) -> int:
        ear = self._stack.enter_context(socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM))
        ear.bind(where if family == socket.AF_UNIX else (where, 0))
        ear.settimeout(0.05)
        if not udp:
            ear.listen()
        thread = threading.Thread(target=self._listen, args=(ear, udp))
        thread.start()
        self._threads.append(thread)
        return 0 if family == socket.AF_UNIX else int(ear.getsockname()[1])

    def _listen(self, ear: socket.socket, udp: bool) -> None:
        while True:
            try:
                if udp:
                    self.heard.append(ear.recv(100))
                else:
                    connection, _ = ear.accept()
                    self.heard.append(b"connection")
                    connection.close()
            except TimeoutError:
                if self._end.is_set():
                    return

    def _close(self) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()
