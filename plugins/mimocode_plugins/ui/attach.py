"""`--file` and `@file`: what the user hands over with the message."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import UsageError
from mimocode.messages import Media

if TYPE_CHECKING:
    from mimocode.session import Session

LIMIT = 256 * 1024
"""Bytes of text per file that go into the message; a longer file is named instead, for the read tool."""
MEDIA_LIMIT = 20 * 1024 * 1024
ENTRIES = 500
_NAMES = {"image": "images", "pdf": "PDF documents", "audio": "sound", "video": "films"}


def attach(files: Iterable[str], directory: Path, sign: str = "--file ") -> tuple[str, tuple[Media, ...]]:
    """Text to put after the message, and images and documents to send along.

    Args:
        files: paths as typed, relative to `directory`.
        directory: where the user is.
        sign: how the user named them, for what is said of them.

    Raises:
        UsageError: a file is missing, unreadable, or of a kind that cannot be sent.
    """
    texts, media = [], []
    for name in files:
        path = directory / Path(name).expanduser()
        try:
            part = _attach(path, f"{sign}{name}")
        except OSError as error:
            raise UsageError(f"{sign}{name}: {error.strerror or error}.") from error
        if isinstance(part, Media):
            media.append(part)
        else:
            texts.append(part)
    return "\n\n".join(texts), tuple(media)


async def unread(media: Iterable[Media], session: Session) -> str:
    """What the model is not known to read of what goes along, as a sentence; "" when there is nothing to say."""
    kinds = {one.mime.partition("/")[0] if one.mime != "application/pdf" else "pdf" for one in media}
    host = session.host
    if "vision_model" in host.settings and host.settings["vision_model"]:  # noqa: RUF019  not a dict
        kinds.discard("image")  # described in words
    if not kinds:
        return ""
    ref = session.model_ref or await host.default_model()
    info = next((info for info in await host.models() if info.ref == ref), None)
    blind = sorted(kinds - set(info.media)) if info else []
    if not blind:
        return ""
    way = (
        'or let another one describe them, with "vision_model" in the settings' if "image" in blind else "or send text"
    )
    return f"{ref} is not known to read {_NAMES[blind[0]]}: it may refuse this. Choose another model, {way}."


def _attach(path: Path, name: str) -> str | Media:
    if path.is_dir():
        return _listing(path)
    if path.exists() and not path.is_file():
        raise UsageError(f"{name}: neither a file nor a directory.")
    mime = mimetypes.guess_type(path.name)[0] or ""
    size = path.stat().st_size
    if mime == "application/pdf" or (mime.startswith(("image/", "audio/", "video/")) and mime != "image/svg+xml"):
        if size > MEDIA_LIMIT:
            raise UsageError(f"{name}: {size} bytes are too many to send; the limit is {MEDIA_LIMIT}.")
        return Media(mime, base64.b64encode(path.read_bytes()).decode("ascii"), path.name)
    if size > LIMIT:
        return f'<file path="{path}">{size} bytes, too long to include: read the parts you need.</file>'
    data = path.read_bytes()
    if b"\0" in data:
        raise UsageError(f"{name}: a binary file of a kind that models do not read.")
    return f'<file path="{path}">\n{data.decode("utf-8", errors="replace")}\n</file>'


def _listing(path: Path) -> str:
    names = sorted(entry.name + "/" * entry.is_dir() for entry in path.iterdir())
    more = f"\n({len(names) - ENTRIES} more)" if len(names) > ENTRIES else ""
    return f'<directory path="{path}">\n' + "\n".join(names[:ENTRIES]) + more + "\n</directory>"
