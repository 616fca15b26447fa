"""Standard input is read when something is in it and never holds up a run."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mimocode.errors import UsageError
from mimocode_plugins.ui.run import stdin
from mimocode_plugins.ui.run.stdin import Piped, piped


@pytest.fixture
def pipe(monkeypatch) -> Iterator[tuple[int, int]]:
    monkeypatch.setattr(stdin, "FIRST", 0.1)
    monkeypatch.setattr(stdin, "SILENCE", 0.1)
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "notes").write_bytes(b"\xef\xbb\xbfone\ntwo \xff")
    with (tmp_path / "notes").open("rb") as file:
        assert piped(descriptor=file.fileno()) == Piped("one\ntwo \ufffd")


def test_devnull_and_a_closed_descriptor_are_not_read() -> None:
    with open(os.devnull, "rb") as nothing:
        assert piped(descriptor=nothing.fileno()) == Piped()
    assert piped(descriptor=9999) == Piped()


def test_a_pipe_is_read_to_its_end(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], b"hello\n")
    os.close(pipe[1])
    assert piped(descriptor=pipe[0]) == Piped("hello\n")


def test_an_open_pipe_without_data_is_left_alone_and_the_user_is_told(pipe: tuple[int, int]) -> None:
    began = time.monotonic()
    found = piped(descriptor=pipe[0])
    assert found.text == "" and "not read" in found.remark
    assert time.monotonic() - began < 20


def test_an_open_pipe_that_falls_silent_counts_as_finished_and_the_user_is_told(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], b"half")
    found = piped(descriptor=pipe[0])
    assert found.text == "half" and "silent" in found.remark


def test_the_user_can_ask_to_wait_for_the_end(pipe: tuple[int, int]) -> None:
    def write() -> None:
        os.write(pipe[1], b"late")
        os.close(pipe[1])

    writer = threading.Timer(0.3, write)
    writer.start()
    assert piped(wait=True, descriptor=pipe[0]) == Piped("late")
    writer.join()


def test_an_endless_pipe_is_refused(pipe: tuple[int, int]) -> None:
    def flood() -> None:
        try:
            while True:
                os.write(pipe[1], b"y\n" * 8192)
        except OSError:
            return

    writer = threading.Thread(target=flood)
    writer.start()
    with pytest.raises(UsageError, match="4 MiB"):
        piped(descriptor=pipe[0])
    os.close(pipe[0])
    writer.join()
