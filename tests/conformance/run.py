"""Run the conformance suite against our client and our server, and compare with what is expected to fail.

    python -m conformance.run FOLDER [client|server] [REVISION] [SCENARIO ...]

FOLDER is where npm installed `@modelcontextprotocol/conformance` and `node` (the suite needs version 22). What a
revision of the protocol requires is listed by the suite itself. Ends with 1 if something fails that is not in
`expected.yml`, or passes and is.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
REVISIONS = ("2025-11-25", "2026-07-28")
AT_ONCE = 2
Counts = dict[str, int]


def suite(folder: Path, results: str, *words: str) -> None:
    """Run the suite."""
    program = folder / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
    command = [str(folder / "node_modules/.bin/node"), str(program), *words, "-o", results]
    subprocess.run(command, capture_output=True, timeout=300, cwd=results)


def read(results: Path) -> dict[str, Counts]:
    """How many checks of each scenario ended how."""
    found: dict[str, Counts] = {}
    for path in results.rglob("checks.json"):
        place = str(path.parent.relative_to(results)).removeprefix("server-")
        counts = found.setdefault(re.sub(r"-\d{4}-\d\d-\d\dT.*", "", place), {})
        for check in json.loads(path.read_text()):
            counts[check["status"]] = counts.get(check["status"], 0) + 1
    return found


def of_client(folder: Path, revision: str, names: list[str]) -> dict[str, Counts]:
    """Our client: each scenario starts one, and the machine should not be full of them."""

    def run(name: str) -> dict[str, Counts]:
        with tempfile.TemporaryDirectory() as results:
            words = ["--scenario", name, "--spec-version", revision, "--timeout", "90000"]
            suite(folder, results, "client", *words, "--command", f"{sys.executable} -m conformance.client")
            return read(Path(results))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {name: counts for found in pool.map(run, names) for name, counts in found.items()}


def of_server(folder: Path, revision: str) -> dict[str, Counts]:
    """Our server: one for all scenarios."""
    with served() as url, tempfile.TemporaryDirectory() as results:
        suite(folder, results, "server", "--requirements", revision, "--url", url)
        return read(Path(results))


@contextmanager
def served() -> Iterator[str]:
    """Our server, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen([sys.executable, "-m", "conformance.server", str(port)]) as process:
        try:
            ends = time.monotonic() + 60
            while time.monotonic() < ends and process.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()


def all_of(folder: Path, side: str, revision: str, only: list[str]) -> dict[str, Counts]:
    """Every scenario that a revision requires of a side."""
    listed = folder / f"node_modules/@modelcontextprotocol/conformance/requirements/{revision}.yaml"
    required: dict[str, Any] = yaml.safe_load(listed.read_text())
    names = [name for name in required[side] if not only or name in only]
    found = of_client(folder, revision, names) if side == "client" else of_server(folder, revision)
    return {name: found.get(name, {}) for name in names}


def fine(counts: Counts) -> bool:
    """Whether a scenario passed: it had checks, and none failed."""
    return bool(counts) and not counts.get("FAILURE")


def main() -> int:
    """Print a line for each scenario and the score of each side and revision."""
    folder = Path(sys.argv[1]).resolve()
    sides, revisions, only = sys.argv[2:3] or ["client", "server"], sys.argv[3:4] or REVISIONS, sys.argv[4:]
    expected = yaml.safe_load((HERE / "expected.yml").read_text())
    path = os.pathsep.join(str(HERE.parents[1] / name) for name in ("kernel", "plugins", "tests"))
    os.environ["PYTHONPATH"] = path
    surprises = 0
    for side in sides:
        for revision in revisions:
            results = all_of(folder, side, revision, only)
            passed = sum(map(fine, results.values()))
            checks = sum(counts.get("SUCCESS", 0) for counts in results.values())
            failed = sum(counts.get("FAILURE", 0) for counts in results.values())
            print(
                f"== {side} {revision}: {passed} of {len(results)} scenarios, {checks} checks passed, {failed} failed"
            )
            for name, counts in results.items():
                why = expected[side].get(name, "")
                surprise = fine(counts) == bool(why)
                surprises += surprise
                if surprise or why:
                    print(f"{'✓' if fine(counts) else '✗'} {name} {counts} {'UNEXPECTED' if surprise else why}")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
