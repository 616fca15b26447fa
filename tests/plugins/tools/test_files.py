"""Read, write and edit, through a real MCP client on the real server."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimocode.errors import ToolFailed
from mimocode_plugins.tools.files import reading
from mimocode_plugins.tools.files.server import build
from mimocode_plugins.tools.place import Place, show
from mimocode_plugins.tools.text import anchored, coding, editing, saving
from mimocode_plugins.tools.text.difference import difference
from mimocode_plugins.tools.text.ledger import Ledger
from support.calling import Tools, connected
from support.catalogues import catalogue

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+M8AAAMBAQDJ/pLvAAAAAElFTkSuQmCC")


@pytest.fixture
async def tools(tmp_path: Path) -> AsyncIterator[Tools]:
    async with connected(build(Place(tmp_path, tmp_path)), tmp_path) as tools:
        yield tools


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# -- the story ----------------------------------------------------------------


async def test_a_file_is_written_read_and_changed(tools: Tools, tmp_path: Path) -> None:
    assert await tools("write", file_path="src/a.py", content="def f():\n    return 1\n") == "Wrote file successfully."
    assert await tools("read", file_path="src/a.py") == (
        f"<path>{tmp_path}/src/a.py</path>\n<type>file</type>\n<content>\n"
        "1: def f():\n2:     return 1\n\n(End, 2 lines.)\n</content>"
    )
    result = await tools.raw("edit", file_path="src/a.py", old_string="return 1", new_string="return 2")
    assert result.content[0].text == "Replaced 1 place."
    assert result.structured_content == {
        "title": "src/a.py",
        "diff": "--- a/src/a.py\n+++ b/src/a.py\n@@ -1,2 +1,2 @@\n def f():\n-    return 1\n+    return 2",
        "additions": 1,
        "deletions": 1,
    }
    assert (tmp_path / "src/a.py").read_text() == "def f():\n    return 2\n"
    assert sorted(path.name for path in (tmp_path / "src").iterdir()) == ["a.py"]


async def test_the_session_that_calls_says_where_relative_paths_start(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    tools.directory = tmp_path / "sub"
    await tools("write", file_path="a", content="x")
    assert (tmp_path / "sub/a").read_text() == "x"


async def test_the_catalogue_is_what_the_server_lists() -> None:
    committed = Path(str(sys.modules["mimocode_plugins.tools.files"].__file__)).with_name("catalogue.json")
    assert committed.read_text() == await catalogue(build(Place(Path("/"), Path("/"))))


# -- read ---------------------------------------------------------------------


async def test_long_files_come_in_pages(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "long").write_text("".join(f"line {n}\n" for n in range(1, 5001)))
    first = (await tools("read", file_path="long")).splitlines()
    assert (first[3], first[2002]) == ("1: line 1", "2000: line 2000")
    assert first[-2] == "(More follows: continue with offset=2001.)"
    part = await tools("read", file_path="long", offset=4999, limit=10)
    assert part.splitlines()[3:-1] == ["4999: line 4999", "5000: line 5000", "", "(End, 5000 lines.)"]
    assert await tools.fails("read", file_path="long", offset=5001) == (
        "offset 5001 is past the end: there are 5000 lines."
    )


async def test_long_lines_are_cut_and_a_page_has_50_kilobytes(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "wide").write_text("é" * 3000 + "\n" + ("y" * 999 + "\n") * 100)
    text = await tools("read", file_path="wide")
    assert "1: " + "é" * 2000 + "... (cut at 2000 characters)\n" in text
    assert "(More follows (50 KB at a time): continue with offset=48.)" in text
    assert len(text.encode()) < 51 * 1024


async def test_a_directory_is_listed(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/sub").mkdir()
    (tmp_path / "d/b\n\x1b[31m").touch()
    (tmp_path / "d/a").touch()
    assert await tools("read", file_path="d") == (
        f"<path>{tmp_path}/d</path>\n<type>directory</type>\n<content>\na\nb\\n\\x1b[31m\nsub/\n\n(End, 3 entries.)\n"
        "</content>"
    )


async def test_images_and_documents_are_attached(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(PNG)
    (tmp_path / "p.pdf").write_bytes(b"%PDF-1.7\n\x00")
    text, image = (await tools.raw("read", file_path="p.png")).content
    assert (text.text.splitlines()[1], image.type, image.mime_type) == ("<type>image</type>", "image", "image/png")
    assert base64.b64decode(image.data) == PNG
    _, document = (await tools.raw("read", file_path="p.pdf")).content
    assert (document.resource.mime_type, base64.b64decode(document.resource.blob)) == (
        "application/pdf",
        b"%PDF-1.7\n\x00",
    )


def _pdf(*pages: str, password: str = "") -> bytes:
    """A PDF with a line of text on each page."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    fonts = DictionaryObject(
        {NameObject("/F1"): DictionaryObject({NameObject(k): NameObject(v) for k, v in font.items()})}
    )
    for text in pages:
        page = writer.add_blank_page(300, 300)
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        drawn = DecodedStreamObject()
        drawn.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode() if text else b"")
        page[NameObject("/Contents")] = writer._add_object(drawn)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


async def test_the_text_of_a_pdf_is_shown_page_by_page(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "p.pdf").write_bytes(_pdf("Hello", "", "World"))
    (result,) = (await tools.raw("read", file_path="p.pdf")).content
    assert result.text == (
        f"<path>{tmp_path}/p.pdf</path>\n<type>pdf</type>\n<content>\n"
        "--- page 1 of 3 ---\nHello\n\n--- page 2 of 3 ---\n\n\n--- page 3 of 3 ---\nWorld\n\n\n(End, 9 rows.)\n</content>"
    )
    assert "\n--- page 3 of 3 ---\n\n(More follows: continue with offset=8.)" in await tools(
        "read", file_path="p.pdf", offset=7, limit=1
    )


async def test_a_pdf_without_text_is_attached_and_a_secret_one_refused(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(_pdf("", ""))
    text, document = (await tools.raw("read", file_path="scan.pdf")).content
    assert text.text.endswith("bytes of application/pdf, attached.)")
    assert document.resource.mime_type == "application/pdf"
    (tmp_path / "secret.pdf").write_bytes(_pdf("Hello", password="x"))
    assert await tools.fails("read", file_path="secret.pdf") == f"{tmp_path}/secret.pdf is protected by a password."


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 900))
def test_no_pdf_breaks_reading(junk: bytes, at: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "p.pdf"
        whole = _PDF
        file.write_bytes(whole[: max(8, at)] + junk + whole[max(8, at) + len(junk) :])
        with suppress(ToolFailed):
            shown = reading.read(Place(file.parent, file.parent), "p.pdf", 0, 10, Ledger({}))
            assert "<type>pdf</type>" in shown.text


_PDF = _pdf("Hello", "World")


async def test_a_notebook_is_shown_cell_by_cell_and_can_be_changed(tools: Tools, tmp_path: Path) -> None:
    def cell(kind: str, source: Any, **more: Any) -> dict[str, Any]:
        return {"cell_type": kind, "metadata": {}, "source": source, **more}

    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n"]},
        {"output_type": "execute_result", "data": {"text/plain": "3", "image/png": "AAAA"}},
        {"output_type": "error", "traceback": ["\x1b[31mNameError\x1b[0m: x", "line 2"]},
    ]
    cells = [cell("markdown", "# Title", id="abc"), cell("code", ["a = 1\n", "a"], outputs=outputs)]
    (tmp_path / "n.ipynb").write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}))
    assert await tools("read", file_path="n.ipynb") == (
        f"<path>{tmp_path}/n.ipynb</path>\n<type>notebook</type>\n<content>\n"
        "--- #0 markdown id=abc ---\n# Title\n--- #1 code ---\na = 1\na\n"
        "--- output of #1 ---\none\ntwo\n--- output of #1 ---\n3\n(image/png)\n"
        "--- output of #1 ---\nNameError: x\nline 2\n\n(End, 14 rows.)\n</content>"
    )
    await tools("edit", file_path="n.ipynb", old_string="# Title", new_string="# Other")  # it counts as read
    for text in ("{}", "[1]", '{"cells": [1]}', '{"cells": 3}', "no"):
        (tmp_path / "n.ipynb").write_text(text)
        assert f"1: {text}" in await tools("read", file_path="n.ipynb")


async def test_what_is_no_text_is_refused(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"abc\x00def")
    (tmp_path / "c").write_bytes(bytes(range(1, 9)) * 100)
    for name in "bc":
        assert await tools.fails("read", file_path=name) == (
            f"{tmp_path}/{name} is a binary file, which read does not show."
        )


async def test_a_missing_file_suggests_similar_names(tools: Tools, tmp_path: Path) -> None:
    for name in ("session.py", "sessions.py", "Session.md", "other"):
        (tmp_path / name).touch()
    message = await tools.fails("read", file_path="sesion.py")
    assert message.splitlines()[0] == f"There is no file {tmp_path}/sesion.py. Did you mean:"
    assert set(message.splitlines()[1:]) == {f"{tmp_path}/{n}" for n in ("session.py", "sessions.py", "Session.md")}
    assert "directory does not exist" in await tools.fails("read", file_path="no/such/x")


async def test_nothing_that_never_ends_is_read(tools: Tools, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        for name, kind in {
            "pipe": "a pipe",
            "link": "a pipe",
            "socket": "a socket",
            "/dev/zero": "a device",
            "/dev/tty": "a device",
        }.items():
            path = show(tmp_path / name)
            assert await tools.fails("read", file_path=name) == f"{path} is {kind}, not a file with an end."
    (tmp_path / "round").symlink_to("round")
    assert "circle" in await tools.fails("read", file_path="round")
    assert "environment" in await tools.fails("read", file_path="/proc/self/environ")


async def test_ten_gigabytes_are_read_in_little_time_and_memory(tools: Tools, tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.write(b"first\n" + b"z" * 200_000)
        file.truncate(10_000_000_000)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    shown = await tools("read", file_path="huge")
    assert "1: first\n2: zzz" in shown
    assert shown.splitlines()[-2] == "(The file goes on, further than can be searched here: cut it with a command.)"
    assert "too far into the file" in await tools.fails("read", file_path="huge", offset=1_000_000)
    assert time.monotonic() - start < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KB


@pytest.mark.parametrize(
    ("path", "message"),
    [("", "The path is empty"), ("a\0b", "The path is empty or contains a NUL"), ("x" * 300, "the name is too long")],
)
async def test_impossible_paths(tools: Tools, path: str, message: str) -> None:
    assert message in await tools.fails("read", file_path=path)


# -- write and edit keep what they do not change ------------------------------


@pytest.mark.parametrize(
    ("encoding", "bom"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("latin-1", b""),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
async def test_encoding_mark_and_line_ends_stay(
    tools: Tools, tmp_path: Path, encoding: str, bom: bytes, ends: str
) -> None:
    file = tmp_path / "f"
    text = f"naïve{ends}zwei Straßen{ends}drei"
    file.write_bytes(bom + text.encode(encoding))
    assert "2: zwei Straßen" in await tools("read", file_path="f")
    await tools("edit", file_path="f", old_string="zwei Straßen\ndrei", new_string="2 Straßen\nund\n3")
    assert file.read_bytes() == bom + f"naïve{ends}2 Straßen{ends}und{ends}3".encode(encoding)
    await tools("write", file_path="f", content="ganz\nneu: ä\n")
    assert file.read_bytes() == bom + f"ganz{ends}neu: ä{ends}".encode(encoding)


async def test_what_latin_1_cannot_hold(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"caf\xe9\n")
    await tools("read", file_path="f")
    message = await tools.fails("edit", file_path="f", old_string="café", new_string="カフェ")
    assert message.startswith("The character U+30AB cannot be written in the file's encoding (latin-1)")
    assert (tmp_path / "f").read_bytes() == b"caf\xe9\n"
    assert "is now UTF-8" in await tools("write", file_path="f", content="カフェ\n")
    assert (tmp_path / "f").read_text() == "カフェ\n"


async def test_mode_and_links_stay(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("echo 1\n")
    (tmp_path / "run.sh").chmod(0o751)
    (tmp_path / "link").symlink_to("run.sh")
    await tools("read", file_path="link")
    await tools("edit", file_path="link", old_string="1", new_string="2")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "run.sh").read_text() == "echo 2\n"
    assert stat.S_IMODE((tmp_path / "run.sh").stat().st_mode) == 0o751


async def test_a_link_out_of_the_project_is_not_written_through(tmp_path: Path) -> None:
    root, outside = tmp_path / "app", tmp_path / "app-evil"
    root.mkdir()
    outside.mkdir()
    (outside / "canary").write_text("safe")
    (root / "file").symlink_to(outside / "canary")
    (root / "dir").symlink_to(outside)
    (root / "dangling").symlink_to(outside / "new")
    async with connected(build(Place(root, root)), root) as tools:
        for name in ("file", "dir/canary", "dir/new", "dangling"):
            message = await tools.fails("write", file_path=name, content="gone")
            assert "is a link out of the project" in message
        await tools(
            "write", file_path="dir/../mine", content="x"
        )  # what is meant lies beside `app-evil`: no link is left
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"canary": "safe"}


async def test_a_link_may_lead_out_when_the_place_says_so(tmp_path: Path) -> None:
    root = tmp_path / "app"
    root.mkdir()
    (root / "file").symlink_to(tmp_path / "out")
    async with connected(build(Place(root, root, links_may_leave=True)), root) as tools:
        await tools("write", file_path="file", content="x")
    assert (tmp_path / "out").read_text() == "x"


# -- edit is careful ----------------------------------------------------------


async def test_an_edit_needs_a_fresh_look(tools: Tools, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("one\n")
    assert await tools.fails("edit", file_path="f", old_string="one", new_string="two") == (
        f"Read {file} before editing it."
    )
    await tools("read", file_path="f")
    file.write_text("one \n")
    assert await tools.fails("edit", file_path="f", old_string="one", new_string="two") == (
        f"{file} has changed since it was read; read it again, then edit."
    )
    await tools("read", file_path="f")
    await tools("edit", file_path="f", old_string="one", new_string="two")
    await tools("edit", file_path="f", old_string="two", new_string="three")  # our own edit needs no new look
    assert file.read_text() == "three \n"


async def test_an_edit_that_does_not_fit_changes_nothing(tools: Tools, tmp_path: Path) -> None:
    file = tmp_path / "f.py"
    file.write_text("def a():\n\treturn 1\n\ndef b():\n\treturn 1\n")
    before = _digest(file)
    await tools("read", file_path="f.py")
    assert await tools.fails("edit", file_path="f.py", old_string="return 1", new_string="return 2") == (
        f"old_string occurs 2 times in {file}. Add surrounding lines until it is unique, or set replace_all."
    )
    assert await tools.fails("edit", file_path="f.py", old_string="def b():\n    return 2", new_string="x") == (
        f"old_string does not occur in {file}. The nearest text is at line 4:\ndef b():\n\treturn 1"
    )
    assert "It differs only in indentation or spaces. The nearest text is at line 1" in await tools.fails(
        "edit", file_path="f.py", old_string="def a():\n    return 1", new_string="x", replace_all=True
    )
    assert "The nearest text is at line 4:\ndef b():" in await tools.fails(
        "edit", file_path="f.py", old_string="def bb(x):", new_string="x"
    )
    assert "nothing to change" in await tools.fails("edit", file_path="f.py", old_string="a", new_string="a")
    assert "not empty" in await tools.fails("edit", file_path="f.py", old_string="", new_string="a")
    assert _digest(file) == before
    await tools("edit", file_path="f.py", old_string="return 1", new_string="return 2", replace_all=True)
    assert file.read_text() == "def a():\n\treturn 2\n\ndef b():\n\treturn 2\n"


async def test_lines_are_counted_alike_everywhere(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\x0c\u2028b\x85\nneedle one\n")
    assert "2: needle one" in await tools("read", file_path="f")
    assert "at line 2:\nneedle one" in await tools.fails("edit", file_path="f", old_string="needle two", new_string="x")
    result = await tools.raw("edit", file_path="f", old_string="one", new_string="1")
    assert "@@ -1,2 +1,2 @@" in result.structured_content["diff"]


async def test_an_empty_old_string_creates(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert await tools("edit", file_path="new/f", old_string="", new_string="x\n") == "Created the file."
    await tools("edit", file_path="empty", old_string="", new_string="y\n")
    assert ((tmp_path / "new/f").read_text(), (tmp_path / "empty").read_text()) == ("x\n", "y\n")


async def test_edits_at_the_same_time_do_not_lose_each_other(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("".join(f"<{n}>\n" for n in range(20)))
    await tools("read", file_path="f")
    await asyncio.gather(*(tools("edit", file_path="f", old_string=f"<{n}>", new_string=f"[{n}]") for n in range(20)))
    assert (tmp_path / "f").read_text() == "".join(f"[{n}]\n" for n in range(20))


async def test_a_miss_in_a_large_file_is_quick(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("".join(f"value_{n} = {n * 7919}\n" for n in range(300_000)))
    await tools("read", file_path="f", limit=1)
    start = time.monotonic()
    assert "does not occur" in await tools.fails("edit", file_path="f", old_string="valve_7 = nothing", new_string="x")
    assert time.monotonic() - start < 30


# -- failures leave the original ----------------------------------------------


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    old, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)


async def test_a_write_that_fails_leaves_the_file_as_it_was(tools: Tools, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("a\n" * 1000)
    before = _digest(file)
    await tools("read", file_path="f", limit=1)
    with _largest_file(4096):
        wrote = await tools.fails("write", file_path="f", content="x" * 100_000)
        edited = await tools.fails("edit", file_path="f", old_string="a", new_string="b" * 50, replace_all=True)
    assert (
        wrote
        == edited
        == (f"Cannot write {file}: the file would be larger than the system allows; the file is unchanged.")
    )
    assert (_digest(file), os.listdir(tmp_path)) == (before, ["f"])


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="mounting needs root")
def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no right to mount")
    try:
        file = tmp_path / "f"
        file.write_text("keep me\n")
        with pytest.raises(ToolFailed, match="no space left on the disk; the file is unchanged"):
            saving.save(file, b"x" * 100_000)
        assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("f", "keep me\n")]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_process_killed_while_writing_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    file = tmp_path / "f"
    versions = [bytes([65 + n]) * 2_000_000 for n in range(2)]
    file.write_bytes(versions[0])
    program = f"""if True:
        from pathlib import Path
        from mimocode_plugins.tools.text.saving import save
        for n in range(1_000_000):
            save(Path({str(file)!r}), bytes([65 + n % 2]) * 2_000_000)
            print(n, flush=True)
    """
    env = {"PYTHONPATH": os.pathsep.join(str(Path(__file__).parents[3] / name) for name in ("kernel", "plugins"))}
    for moment in range(1, 5):
        child = subprocess.Popen([sys.executable, "-c", program], env=env, stdout=subprocess.PIPE)
        with child:
            assert child.stdout is not None
            for _ in range(moment):
                child.stdout.readline()
            child.kill()  # somewhere in the next write
        assert file.read_bytes() in versions


def test_a_parent_that_was_exchanged_for_a_link_is_noticed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_text("theirs")
    (tmp_path / "inside").symlink_to("outside")  # what was resolved as a real directory is a link by now
    for act in (
        lambda: saving.save(tmp_path / "inside/f", b"x"),
        lambda: saving.save(tmp_path / "inside/new/deeper/f", b"x"),
        lambda: anchored.remove(tmp_path / "inside/f"),
    ):
        with pytest.raises(ToolFailed, match="inside, became a link at this very moment; nothing was written"):
            act()
    assert [path.name for path in outside.iterdir()] == ["f"]
    assert (outside / "f").read_text() == "theirs"


async def test_a_directory_or_a_pipe_is_not_overwritten(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    os.mkfifo(tmp_path / "p")
    assert await tools.fails("write", file_path="d", content="x") == f"{tmp_path}/d is a directory."
    assert "is a pipe" in await tools.fails("write", file_path="p", content="x")
    assert "Cannot write" in await tools.fails("write", file_path="d/../p/x", content="x")


# -- properties ---------------------------------------------------------------

_LINES = st.lists(st.text(st.sampled_from("ab é\tüß"), max_size=6), max_size=8)
_ENDS = st.sampled_from(["\n", "\r\n"])


@st.composite
def _texts(draw: st.DrawFn) -> str:
    return "".join(line + draw(_ENDS) for line in draw(_LINES)) + draw(st.sampled_from(["", "a", "é"]))


_CODINGS = st.sampled_from(
    [
        coding.Coding(),
        coding.Coding("utf-8", b"\xef\xbb\xbf"),
        coding.Coding("utf-16-le", b"\xff\xfe"),
        coding.Coding("utf-16-be", b"\xfe\xff"),
        coding.Coding("latin-1"),
    ]
)


@given(st.binary(max_size=60))
def test_whatever_the_bytes_decoding_and_encoding_gives_them_back(data: bytes) -> None:
    found = coding.coding_of(data)
    assert found.encode(found.decode(data)) == data


@settings(deadline=None)
@given(_texts(), _CODINGS, st.data(), st.text(st.sampled_from("xyö\n"), max_size=5))
def test_bytes_outside_the_match_never_change(text: str, how: coding.Coding, data: st.DataObject, new: str) -> None:
    flat = text.replace("\r\n", "\n")
    start = data.draw(st.integers(0, len(flat)))
    old = flat[start : data.draw(st.integers(start, len(flat)))]
    if not old or old == new:
        return
    spans = editing.find_all(text, old)
    assert len(spans) == flat.count(old)
    for begin, end in spans:
        assert text[begin:end].replace("\r\n", "\n") == old
    with tempfile.TemporaryDirectory() as directory:
        file = Path(os.path.realpath(directory)) / "f"
        before = how.encode(text)
        file.write_bytes(before)
        ledger, place = Ledger({}), Place(file.parent, file.parent)
        ledger.saw(file, before)
        try:
            editing.edit(place, "f", old, new, len(spans) > 1, ledger)
        except ToolFailed:
            assert file.read_bytes() == before
            return
        after = coding.coding_of(before).decode(file.read_bytes())
        text = coding.coding_of(before).decode(before)
    # Between the matches everything is as it was; only the new lines may end in either way.
    pieces, at = [], 0
    for begin, end in spans:
        pieces.append(re.escape(text[at:begin]))
        at = end
    inserted = re.escape(new).replace("\\\n", "\r?\n")
    assert re.fullmatch(inserted.join([*pieces, re.escape(text[at:])]), after)
    assert after.replace("\r\n", "\n") == flat.replace(old, new)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_a_diff_counts_and_rebuilds(before: list[str], after: list[str]) -> None:
    diff = difference("".join(f"{c}\n" for c in before), "".join(f"{c}\n" for c in after), "f")
    body = [line for line in diff.text.splitlines()[2:] if not line.startswith("@@")]
    assert diff.additions == sum(line.startswith("+") for line in body)
    assert diff.deletions == sum(line.startswith("-") for line in body)
    assert len(after) - len(before) == diff.additions - diff.deletions


def test_a_diff_of_a_million_lines_is_quick_and_short() -> None:
    before = "".join(f"{n}\n" for n in range(1_000_000))
    start = time.monotonic()
    diff = difference(before, before.replace("1", "2"), "f")
    assert (diff.additions > 400_000, len(diff.text) < 31_000) == (True, True)
    assert time.monotonic() - start < 60
