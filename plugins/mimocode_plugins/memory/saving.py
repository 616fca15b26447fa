"""How memory files are written: whole or not at all, by one process at a time."""

from __future__ import annotations

import codecs
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LONE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Halves of characters. Those that stand for a byte of the file (PEP 383) are none of them."""


@contextmanager
def locked(base: Path) -> Iterator[None]:
    """Be the only one who changes what lies below `base`, across processes; others wait.

    Raises:
        OSError: the folder cannot be made or written.
    """
    import fcntl

    base.mkdir(parents=True, exist_ok=True)
    handle = os.open(base / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def replace(path: Path, text: str) -> None:
    """Put `text` in place of the file at once; after a crash there is the old text or the new one.

    What the user made of the file stays: where a link leads, its mode, its line ends, its byte order mark.

    Raises:
        OSError: it cannot be written; nothing has changed then.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as file:
            file.write(_formed(text, path))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            draft.chmod(path.stat().st_mode & 0o777)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def keep(path: Path, secret: bytes) -> None:
    """Make a file that the user alone can read, whole from the first moment, unless another process was quicker.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret)
        if path.is_file() and not path.stat().st_size:  # what a full disk left of one
            draft.replace(path)
        else:
            with suppress(FileExistsError):
                path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


def _formed(text: str, path: Path) -> bytes:
    try:
        old = path.read_bytes()
    except OSError:
        old = b""
    mark = codecs.BOM_UTF8 if old.startswith(codecs.BOM_UTF8) else b""
    if old.count(b"\r\n") * 2 > old.count(b"\n"):
        text = text.replace("\n", "\r\n")
    return mark + _LONE.sub("?", text).encode("utf-8", "surrogateescape")


def read(path: Path) -> str:
    """The text of a memory file, "" when there is none or it cannot be read."""
    try:
        return decoded(path.read_bytes())
    except OSError:
        return ""


def whole(path: Path) -> str:
    """The text of a memory file that is to be changed: `replace` gives back each byte that is no UTF-8.

    Raises:
        OSError: it is there and cannot be read, so nothing may be put in its place.
    """
    try:
        return decoded(path.read_bytes(), "surrogateescape")
    except FileNotFoundError:
        return ""


def decoded(raw: bytes, errors: str = "replace") -> str:
    """The text of a file that any editor on any system may have written."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace").replace("\r\n", "\n")
    text = raw.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors)
    return text.replace("\r\n", "\n").replace("\r", "\n")
