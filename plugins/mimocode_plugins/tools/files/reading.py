"""Show the model a file or a directory: numbered lines, bounded however large the file is."""

from __future__ import annotations

import base64
import codecs
import io
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mimocode.errors import ToolFailed

from ..place import Place, because, show
from ..text.coding import Coding, coding_of, is_binary
from ..text.editing import LARGEST
from ..text.ledger import Ledger
from ..text.opening import open_file
from .documents import notebook_lines, pdf_lines

LINES, LINE, BYTES = 2_000, 2_000, 50 * 1024
"""What one call shows at most (surface 6.2)."""
_CHUNK = 65_536
_SECONDS = 3.0
"""How long one call may look for lines."""
_MEDIA = (
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_MEDIA_BYTES = 5_000_000


@dataclass(frozen=True)
class Shown:
    """What a read found: text, and for images and documents their base64 `data` of type `mime`."""

    path: Path
    text: str
    mime: str = ""
    data: str = ""


def read(place: Place, path: str, offset: int, limit: int, ledger: Ledger) -> Shown:
    """Show a file from line `offset` (1-based), or the entries of a directory.

    Raises:
        ToolFailed: missing, binary, no regular file, or the offset is past the end.
    """
    if offset < 0 or limit < 1:
        raise ToolFailed("offset counts lines from 1 and limit is at least 1.")
    file, offset, limit = place.find(path), max(1, offset), min(limit, LINES)
    if file.is_dir():
        return Shown(file, _framed(file, "directory", _page(iter(_entries(file)), offset, limit, "entry", "entries")))
    with open_file(file) as stream:
        head = stream.read(_CHUNK)
        if mime := _media_type(head):
            return _document(file, mime, head + stream.read(LARGEST), offset, limit)
        if is_binary(head):
            raise ToolFailed(f"{show(file)} is a binary file, which read does not show.")
        data = head + stream.read(LARGEST + 1 - len(head))
        whole: BinaryIO = io.BytesIO(data)
        if len(data) <= LARGEST:
            ledger.saw(Path(os.path.realpath(file)), data)
            coding = coding_of(data)
            if file.suffix == ".ipynb" and (cells := notebook_lines(coding.decode(data))) is not None:
                return Shown(file, _framed(file, "notebook", _page(iter(cells), offset, limit, "row", "rows")))
        else:
            coding = coding_of(head[: len(head) // 2 * 2])
            coding = coding if coding.encoding.startswith("utf-16") else Coding("utf-8", coding.bom)
            whole = stream
        whole.seek(len(coding.bom))
        lines = lines_of(whole, coding.encoding)
        return Shown(file, _framed(file, "file", _page(lines, offset, limit, "line", "lines")))


def _framed(file: Path, kind: str, content: str) -> str:
    return f"<path>{show(file)}</path>\n<type>{kind}</type>\n<content>\n{content}\n</content>"


def _page(lines: Iterator[str], offset: int, limit: int, one: str, many: str) -> str:
    """Lines from `offset` on, and a footer that says where they end."""
    shown: list[str] = []
    size = number = 0
    try:
        for number, line in enumerate(lines, 1):
            if number < offset:
                continue
            text = f"{number}: {_cut(line)}" if one == "line" else line
            size += len(text.encode()) + 1
            if len(shown) == limit or (size > BYTES and shown):
                why = " (50 KB at a time)" if size > BYTES else ""
                shown.append(f"\n(More follows{why}: continue with offset={number}.)")
                return "\n".join(shown)
            shown.append(text)
    except TimeoutError:
        if not shown:
            raise ToolFailed(f"Line {offset} is too far into the file to reach; cut it out with a command.") from None
        return "\n".join([*shown, "\n(The file goes on, further than can be searched here: cut it with a command.)"])
    if number < offset and (number or offset > 1):
        raise ToolFailed(f"offset {offset} is past the end: there are {number} {one if number == 1 else many}.")
    shown.append(f"\n(End, {number} {one if number == 1 else many}.)" if number else "(Empty.)")
    return "\n".join(shown)


def _cut(line: str) -> str:
    line = line.removesuffix("\r")
    return line if len(line) <= LINE else f"{line[:LINE]}... (cut at {LINE} characters)"


def lines_of(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """The lines of a stream, of long ones only the start, so that memory stays flat.

    Raises:
        TimeoutError: the end was not reached in time; a line that was begun has been given.
    """
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    rest, deadline = "", time.monotonic() + _SECONDS
    while chunk := stream.read(_CHUNK):
        first, *more = decoder.decode(chunk).split("\n")
        rest += first
        for line in more:
            yield rest
            rest = line
        rest = rest[: LINE + 2]
        if time.monotonic() > deadline:
            yield rest
            raise TimeoutError
    rest += decoder.decode(b"", True)
    if rest:
        yield rest


def _entries(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return sorted(show(entry.name) + ("/" if entry.is_dir() else "") for entry in entries)
    except OSError as error:
        raise ToolFailed(f"Cannot list {show(directory)}: {because(error)}.") from None


def _media_type(head: bytes) -> str:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for magic, mime in _MEDIA if head.startswith(magic)), "")


def _document(file: Path, mime: str, data: bytes, offset: int, limit: int) -> Shown:
    """The text of a PDF; what has none, and every image, is attached."""
    if mime == "application/pdf" and len(data) <= LARGEST:
        try:
            return Shown(file, _framed(file, "pdf", _page(pdf_lines(file, data), offset, limit, "row", "rows")))
        except ValueError:
            pass
    return _media(file, mime, data)


def _media(file: Path, mime: str, data: bytes) -> Shown:
    if len(data) > _MEDIA_BYTES:
        raise ToolFailed(f"{show(file)} is larger than {_MEDIA_BYTES // 1_000_000} MB; make a smaller copy.")
    kind = "pdf" if mime == "application/pdf" else "image"
    text = f"<path>{show(file)}</path>\n<type>{kind}</type>\n({len(data)} bytes of {mime}, attached.)"
    return Shown(file, text, mime, base64.b64encode(data).decode())
