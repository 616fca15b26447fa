"""Where tools work: how a path that a model wrote becomes a path on disk.

Shared by the tool servers. It knows no tool and no protocol.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mimocode.errors import ToolFailed

DIRECTORY, CALL = "mimocode/directory", "mimocode/call"
"""Keys of a call's meta: the session's working directory, and the call itself."""


def _unruled(call: str) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Place:
    """The project and the directory in it that relative paths start from.

    `links_may_leave` is the seam for a sandbox or a setting: by default nothing is written through a link that
    lies in the project and leads out of it. Whether paths outside the project are touched at all is for guards to say.
    """

    root: Path
    directory: Path
    links_may_leave: bool = False
    ruled: Callable[[str], Sequence[str]] = _unruled
    """What a guard said that a call changes, by its id; nothing when no guard spoke of files."""
    call: str = ""

    def during(self, meta: Mapping[str, Any] | None) -> Place:
        """The same project, seen from the directory that a call names in its meta."""
        directory, call = ((meta or {}).get(key) for key in (DIRECTORY, CALL))
        now = replace(self, call=call) if isinstance(call, str) else self
        return replace(now, directory=Path(directory)) if isinstance(directory, str) and directory else now

    def find(self, path: str) -> Path:
        """The absolute path that is meant; links are kept unless the path climbs with "..".

        Raises:
            ToolFailed: the path cannot name a file.
        """
        if not path.strip() or "\0" in path:
            raise ToolFailed("The path is empty or contains a NUL character; give the path of a file or directory.")
        try:
            found = self.directory / Path(path).expanduser()
            os.fsencode(found)
        except (RuntimeError, UnicodeEncodeError):  # nobody's home, or half a character
            raise ToolFailed(f"{path!r} cannot be a path on this system.") from None
        return Path(os.path.realpath(found)) if ".." in found.parts else found

    def target(self, path: Path) -> Path:
        """The real file that a write to `path` would change: links are followed and stay links.

        Raises:
            ToolFailed: a link in the project leads out of it, or the path leads elsewhere than when it was allowed.
        """
        real, root = Path(os.path.realpath(path)), Path(os.path.realpath(self.root))
        inside = path.is_relative_to(self.root) or path.is_relative_to(root)
        if inside and not real.is_relative_to(root) and not self.links_may_leave:
            raise ToolFailed(f"{show(path)} is a link out of the project, to {show(real)}; nothing was written.")
        if (known := self.ruled(self.call)) and show(real) == str(real) and not self._names(real) & {*known}:
            raise ToolFailed(
                f"{show(path)} leads to {show(real)}, and did not when it was allowed; nothing was written."
            )
        return real

    def _names(self, real: Path) -> set[str]:
        """What a guard calls a file: by its real path, in the project relative to it."""
        roots = {Path(os.path.realpath(each)) for each in (self.root, self.directory)}
        return {str(real), *(str(real.relative_to(root)) for root in roots if real.is_relative_to(root))}

    def short(self, path: Path) -> str:
        """A path as people like to read it: relative to the directory when it lies in it."""
        return show(path.relative_to(self.directory) if path.is_relative_to(self.directory) else path)


def show(path: Path | str) -> str:
    """A path as text that can be printed and encoded: control characters and stray bytes are escaped."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def because(error: OSError) -> str:
    """Why the system refused, in words."""
    reasons = {
        errno.EACCES: "permission denied",
        errno.EPERM: "permission denied",
        errno.ENOSPC: "no space left on the disk",
        errno.EDQUOT: "the disk quota is used up",
        errno.EFBIG: "the file would be larger than the system allows",
        errno.EROFS: "the file system is read-only",
        errno.ENOENT: "there is no such file or directory",
        errno.ENOTDIR: "a part of the path is not a directory",
        errno.EISDIR: "it is a directory",
        errno.ELOOP: "its links go round in a circle",
        errno.ENAMETOOLONG: "the name is too long",
    }
    return reasons.get(error.errno or 0) or (error.strerror or str(error)).lower()
