"""Paths that change under one's hands: between a look at a path and the write, a directory becomes a link.

The attacker is a process of its own that exchanges a directory for a link and back as fast as it can. A careless
writer loses within a second, which proves that the race is on; the tools never do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mimocode import Ruling, Verdict, hookimpl
from mimocode.errors import ToolFailed
from mimocode.events import Noted, Say
from mimocode.messages import ToolCall
from mimocode.session import Session
from mimocode.testing import play, talk
from mimocode_plugins.guard import permission
from mimocode_plugins.tools import files
from mimocode_plugins.tools.patch.applying import apply
from mimocode_plugins.tools.place import Place
from mimocode_plugins.tools.text.editing import edit, write
from mimocode_plugins.tools.text.ledger import Ledger
from mimocode_plugins.tools.undo.blobs import Blobs
from mimocode_plugins.tools.undo.putting import put

SWAPS = """
import os, sys
os.chdir(sys.argv[1])
print("on", flush=True)
while os.getppid() == int(sys.argv[2]):
    os.rename("in", "kept")
    os.symlink(sys.argv[3], "in")
    os.rename("in", "link")
    os.rename("kept", "in")
    os.unlink("link")
"""
CARELESS, CAREFUL = 60.0, 1.0
"""Seconds that the careless writer gets to lose, and that each tool has to hold out."""


class Field:
    """A project with a directory that is exchanged, and a directory outside that must never change."""

    def __init__(self, base: Path) -> None:
        self.project, self.outside = base / "project", base / "outside"
        (self.project / "in/deep").mkdir(parents=True)
        (self.outside / "deep").mkdir(parents=True)
        for folder in (self.project / "in", self.outside):
            (folder / "a.txt").write_text("a\n")
            (folder / "deep/a.txt").write_text("a\n")
        self.place = Place(self.project, self.project)
        self.blobs = Blobs(base / "blobs")

    def prints(self) -> dict[str, tuple[str, int]]:
        """All that is outside."""
        found = {}
        for path in sorted(self.outside.rglob("*")):
            found[str(path)] = (path.read_text() if path.is_file() else "directory", path.stat().st_mode)
        return found


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    """The field, with the attacker at work."""
    made = Field(tmp_path.resolve())
    words = [sys.executable, "-c", SWAPS, str(made.project), str(os.getpid()), str(made.outside)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as attacker:
        assert attacker.stdout is not None
        attacker.stdout.readline()
        try:
            yield made
        finally:
            attacker.kill()


def careless(field: Field, n: int) -> None:
    """Look, then write: as most programs do."""
    path = field.project / "in/a.txt"
    if os.path.realpath(path).startswith(str(field.project)):
        time.sleep(0.001)
        path.write_text(f"{n}\n")


def writes(field: Field, n: int) -> None:
    write(field.place, "in/a.txt", f"{n}\n", Ledger({}))


def writes_new(field: Field, n: int) -> None:
    write(field.place, f"in/new{n % 50}/deeper/a.txt", f"{n}\n", Ledger({}))


def edits(field: Field, n: int) -> None:
    ledger = Ledger({})
    real = field.project / "in/deep/a.txt"
    data = real.read_bytes()
    ledger.saw(real, data)
    edit(field.place, "in/deep/a.txt", data.decode(), f"{n}\n", False, ledger)


def patches(field: Field, n: int) -> None:
    apply(field.place, f"*** Begin Patch\n*** Add File: in/p{n}.txt\n+x\n*** End Patch", Ledger({}))
    apply(field.place, f"*** Begin Patch\n*** Delete File: in/p{n}.txt\n*** End Patch", Ledger({}))


def takes_back(field: Field, n: int) -> None:
    path = field.project / "in/a.txt"
    old = f"{field.blobs.keep(b'old')}:600"
    put(str(path), old if n % 2 else "", field.blobs)


def seconds(most: float, act: Callable[[int], None], until: Callable[[], bool]) -> int:
    """Act again and again; how often it succeeded."""
    end, n, done = time.monotonic() + most, 0, 0
    while time.monotonic() < end and not until():
        n += 1
        with suppress(ToolFailed, OSError):
            act(n)
            done += 1
    return done


def test_a_careless_writer_loses(field: Field) -> None:
    """So that the others can lose, too."""
    before = field.prints()
    seconds(CARELESS, lambda n: careless(field, n), lambda: field.prints() != before)
    assert field.prints() != before


@pytest.mark.parametrize("act", [writes, writes_new, edits, patches, takes_back])
def test_no_tool_ever_writes_elsewhere(field: Field, act: Callable[[Field, int], None]) -> None:
    before = field.prints()
    done = seconds(CAREFUL, lambda n: act(field, n), lambda: False)
    assert field.prints() == before
    assert done, "it has to get through now and then, or this proves nothing"


class Swaps:
    """Exchanges a directory between the ruling on a call and the call."""

    def __init__(self, project: Path, to: Path) -> None:
        self.project, self.to = project, to

    @hookimpl
    async def on_event(self, event: object, session: Session) -> None:
        if isinstance(event, Noted) and event.plugin == "permission.ruling":
            (self.project / "docs").rename(self.project / "docs-kept")
            (self.project / "docs").symlink_to(self.to)

    @hookimpl
    def rule_on_call(self) -> Ruling:
        return Ruling(Verdict.ALLOW)


@pytest.mark.parametrize("inside", [True, False])
async def test_what_was_allowed_for_one_file_is_not_done_to_another(tmp_path: Path, inside: bool) -> None:
    """Hooks of git lie in the project, too: that a path stays in it is not enough."""
    project = tmp_path / "project"
    target = project / ".git/hooks" if inside else tmp_path / "elsewhere"
    for folder in (project / "docs", target):
        folder.mkdir(parents=True)
    calls = [ToolCall("1", "write", {"file_path": "docs/pre-commit", "content": "touch /tmp/x"})]
    plugins = [files, permission, Swaps(project, target)]
    async with play(calls, "done", plugins=plugins, directory=project) as session:
        await session.submit(Say("go"))
        await session.settled()
        said = talk(session)[2]
    assert "and did not when it was allowed; nothing was written" in said if inside else "is a link out of" in said
    assert list(target.iterdir()) == []


async def test_what_was_allowed_is_done(tmp_path: Path) -> None:
    """Through links that were there before, in other directories, and with other spellings of the path."""
    project = tmp_path / "project"
    (project / "docs").mkdir(parents=True)
    (project / "also").symlink_to("docs")
    names = ["docs/a", "also/b", "./docs/../docs/c", str(project / "docs/d"), "docs/über.txt", "docs/b\udcffd"]
    calls = [[ToolCall(f"{n}", "write", {"file_path": name, "content": "x"})] for n, name in enumerate(names)]
    async with play(*calls, "done", plugins=[files, permission], directory=project) as session:
        await session.submit(Say("go"))
        await session.settled()
        results = [message.text for message in session.state.messages if message.role == "tool"]
    assert results == ["Wrote file successfully."] * 6
    assert sorted(path.name for path in (project / "docs").iterdir()) == ["a", "b", "b\udcffd", "c", "d", "über.txt"]
