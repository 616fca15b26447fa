"""What a session loads before its first request: what is heavy comes after, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.cli import ROOT

HEAVY = {"pydantic", "mcp", "openai", "anthropic", "keyring", "rich", "prompt_toolkit", "questionary", "jsonschema"}
HEAVY |= {"markdownify", "bs4", "pygls", "lsprotocol", "pypdf", "apsw"}
STORY = """
import asyncio, sys
from mimocode import Say, hookimpl
from mimocode.host import Host
from mimocode_plugins import DEFAULT

class Watch:
    @hookimpl(trylast=True)
    def shape_prompt(self, prompt, session):
        print(" ".join(sorted(name for name in sys.modules if "." not in name)))

async def main():
    host = Host([*DEFAULT, Watch()], external=False)
    async with host.open(model="scripted/hello") as session:
        await session.submit(Say("hi"))
        await session.settled()

asyncio.run(main())
"""


def test_nothing_heavy_is_loaded_before_the_first_request(tmp_path: Path) -> None:
    path = os.pathsep.join(str(ROOT / folder) for folder in ("kernel", "plugins"))
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": path, "LANG": "C.UTF-8"}
    done = subprocess.run([sys.executable, "-c", STORY], cwd=tmp_path, env=env, capture_output=True, text=True)
    loaded = set(done.stdout.splitlines()[0].split()) if done.stdout else set()
    assert "mimocode" in loaded, done.stderr
    assert loaded & HEAVY == set()
