"""The real command line as a real process, in a home and a project of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """How a process ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


class Cli:
    """`mimo` for tests.

    done = cli("run", "-m", cli.scenario([{"text": "Hi"}]), "Say hi")
    assert done.out == "Hi\\n"
    """

    def __init__(self, folder: Path) -> None:
        self.home, self.project, self.site = folder / "home", folder / "project", folder / "site"
        for path in (self.home, self.project, self.site):
            path.mkdir(parents=True, exist_ok=True)
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "MIMOCODE_MODELS_URL": "http://127.0.0.1:1",
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "kernel", ROOT / "plugins", self.site))),
        }
        self._scenarios = 0

    def __call__(self, *words: str, stdin: Any = subprocess.DEVNULL, timeout: float = 60, **env: str) -> Done:
        """Run a command line to its end. `stdin` is bytes, or what Popen takes."""
        began = time.monotonic()
        process = self.start(*words, stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin, **env)
        with process:
            try:
                out, err = process.communicate(stdin if isinstance(stdin, bytes) else None, timeout)
            except subprocess.TimeoutExpired as late:
                process.kill()
                said = b"".join(process.communicate())
                raise AssertionError(f"mimo {words} did not end in {timeout:g} s: {said.decode()}") from late
        return Done(process.returncode, out.decode(), err.decode(), time.monotonic() - began)

    def start(self, *words: str, stdin: Any = subprocess.DEVNULL, **env: str) -> subprocess.Popen[bytes]:
        """Start a command line; the caller waits for it."""
        command = [sys.executable, "-m", "mimocode.main", *words]
        pipes = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=self.project, env=self.env | env, **pipes)

    def scenario(self, steps: Sequence[Mapping[str, Any]], **options: Any) -> str:
        """Write a scenario for the scripted provider and return the model's name."""
        self._scenarios += 1
        path = self.home / f"scenario-{self._scenarios}.json"
        path.write_text(json.dumps({"steps": steps, **options}), "utf-8")
        return f"scripted/{path}"

    def settings(self, **values: Any) -> None:
        """Write the user's settings."""
        path = self.home / ".config/mimocode/mimocode.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), "utf-8")

    def plugin(self, name: str, source: str) -> None:
        """Install a plugin as pip would leave it: a module and a distribution with an entry point."""
        (self.site / f"{name}.py").write_text(source, "utf-8")
        info = self.site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
        (info / "entry_points.txt").write_text(f"[mimocode]\n{name} = {name}\n", "utf-8")
