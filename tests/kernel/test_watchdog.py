"""Plugin code that blocks the process is stopped and named; nobody else is."""

import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

import pytest

from mimocode import watchdog
from mimocode.host import Host
from mimocode.watchdog import Blocked, Watchdog


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "LIMIT", 0.2)
    monkeypatch.setattr(watchdog, "BEAT", 0.02)


def ask(plugin: str, seconds: float) -> None:
    time.sleep(seconds)


def name(frame: FrameType) -> str:
    return str(frame.f_locals["plugin"])


def test_who_blocks_is_interrupted_and_named() -> None:
    dog = Watchdog()
    dog.blame(ask.__code__, name)
    with dog(), pytest.raises(Blocked, match=r"^plugin slow: blocked everything for 0\.2 s and was stopped$"):
        ask("slow", 30)


def test_the_kernel_itself_may_take_its_time() -> None:
    dog = Watchdog()
    with dog():
        ask("nobody is to blame here", 0.5)


def test_nothing_is_left_running() -> None:
    before = signal.getsignal(signal.SIGALRM)
    dog = Watchdog()
    with dog(), dog():
        ask("x", 0.01)
    watching = [thread for thread in threading.enumerate() if thread.name == "watchdog"]
    for thread in watching:
        thread.join(5)
    assert (signal.getsignal(signal.SIGALRM), [t.is_alive() for t in watching]) == (before, [False] * len(watching))


def test_a_plugin_that_never_finishes_its_import_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "forever.py").write_text("while True: pass")
    monkeypatch.syspath_prepend(str(tmp_path))
    said: list[str] = []
    host = Host(["forever"], external=False, complain=said.append)
    assert said == ["plugin forever: blocked everything for 0.2 s and was stopped"]
    assert host.plugins.manager.list_name_plugin() == []
    assert "forever" not in sys.modules
