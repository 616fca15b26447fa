"""Start-up time is a feature: what is heavy is imported when it is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from house import tree
from house.rules import HEAVY, ROOT

BLAME = """
import importlib, json, sys
heavy, names = set(json.loads(sys.argv[1])), json.loads(sys.argv[2])
seen, blame = set(), {}
for name in names:
    importlib.import_module(name)
    new = {m for m in heavy if m in sys.modules} - seen
    seen |= new
    if new:
        blame[name] = sorted(new)
print(json.dumps(blame))
"""

VERSION = """
import json, sys
sys.argv = ["mimo", "--version"]
from mimocode.main import main
try:
    code = main()
except SystemExit as stop:
    code = stop.code
print(json.dumps([code, sorted(m for m in sys.modules if m in set(json.loads(%r)))]))
"""


def python(code: str, *arguments: str) -> list[str]:
    """The lines that a fresh interpreter prints."""
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("kernel", "plugins"))
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_importing_every_builtin_loads_nothing_heavy() -> None:
    names = ["mimocode.main", "mimocode.host", *(f"mimocode_plugins.{name}" for name in tree.default())]
    blame = json.loads(python(BLAME, json.dumps(sorted(HEAVY)), json.dumps(names))[-1])
    assert blame == {}, f"import these inside the hook that needs them: {blame}"


def test_asking_for_the_version_loads_nothing_heavy() -> None:
    printed = python(VERSION % json.dumps(sorted(HEAVY)))
    code, loaded = json.loads(printed[-1])
    assert code in (0, None)
    assert loaded == [], f"`mimo --version` must not import {loaded}"
