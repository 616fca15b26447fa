"""Text as bytes: which encoding and line ends a file has, so that it keeps them."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from mimocode.errors import ToolFailed

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_SNIFF = 4096
_CONTROL = bytes(c for c in range(32) if c not in b"\t\n\v\f\r\x1b\b")


@dataclass(frozen=True)
class Coding:
    """How a file is written down: `bom` is in front and not part of the text."""

    encoding: str = "utf-8"
    bom: bytes = b""

    def decode(self, data: bytes) -> str:
        """The text of a file in this coding."""
        return data[len(self.bom) :].decode(self.encoding)

    def encode(self, text: str) -> bytes:
        """The bytes of a text in this coding.

        Raises:
            ToolFailed: a character cannot be written in it.
        """
        try:
            return self.bom + text.encode(self.encoding)
        except UnicodeEncodeError as error:
            character = text[error.start]
            raise ToolFailed(
                f"The character U+{ord(character):04X} cannot be written in the file's encoding ({self.encoding}); "
                "the file is unchanged."
            ) from None


def coding_of(data: bytes) -> Coding:
    """The coding in which `data` survives decoding and encoding byte for byte; Latin-1 when nothing else fits."""
    for bom, encoding in (*_BOMS, (b"", "utf-8")):
        if data.startswith(bom):
            try:
                data[len(bom) :].decode(encoding)
            except UnicodeDecodeError:
                break
            return Coding(encoding, bom)
    return Coding("latin-1")


def is_binary(data: bytes) -> bool:
    """Whether a file that starts like this is no text: NUL or more than 30 % control characters (surface 6.2)."""
    head = data[:_SNIFF]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16-le" if head.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
        return "\0" in head[2 : len(head) & ~1].decode(encoding, "replace")
    return b"\0" in head or len(head) - len(head.translate(None, _CONTROL)) > 0.3 * len(head)


def line_ends(text: str) -> str:
    r"""The line end that most lines of a text have: "\n" or "\r\n"."""
    crlf = text.count("\r\n")
    return "\r\n" if crlf * 2 > text.count("\n") else "\n"


def with_line_ends(text: str, ends: str) -> str:
    """The text with these line ends throughout."""
    unix = text.replace("\r\n", "\n")
    return unix if ends == "\n" else unix.replace("\n", ends)
