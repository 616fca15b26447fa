"""Take an image from disk, if it is one."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from mimocode.errors import ToolFailed

from ..place import Place, show
from ..text.opening import open_file

LARGEST = 5_000_000
"""Bytes of an image that providers take."""


@dataclass(frozen=True)
class Image:
    """An image: its bytes, type, and width and height in pixels where they are easy to tell (else 0)."""

    path: Path
    mime: str
    data: bytes
    width: int = 0
    height: int = 0


def look(place: Place, path: str) -> Image:
    """Read an image.

    Raises:
        ToolFailed: it is missing, too large, or no image that models read.
    """
    file = place.find(path)
    with open_file(file) as stream:
        data = stream.read(LARGEST + 1)
    mime = kind(data)
    if not mime:
        raise ToolFailed(f"{show(file)} is no PNG, JPEG, GIF or WebP image.")
    if len(data) > LARGEST:
        raise ToolFailed(f"{show(file)} is larger than {LARGEST // 1_000_000} MB; make a smaller copy.")
    return Image(file, mime, data, *_size(data, mime))


def kind(data: bytes) -> str:
    """The media type by how the bytes begin; "" when it is none that models read."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    for magic, mime in ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif")):
        if data.startswith(magic):
            return mime
    return ""


def _size(data: bytes, mime: str) -> tuple[int, int]:
    if mime == "image/png" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if mime == "image/gif" and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return width, height
    return 0, 0
