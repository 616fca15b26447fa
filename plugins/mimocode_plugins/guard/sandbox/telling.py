"""A word to the model when the sandbox may be why a command failed: it cannot know what it cannot reach."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

from mimocode.messages import Text
from mimocode.ports import ToolResult

from ..confinement import Confined, confined, outermost
from .box import BOX
from .mending import mend

if TYPE_CHECKING:
    from mimocode.messages import ToolCall
    from mimocode.session import Session

_DISK = re.compile(
    r"read-only file system|\bEROFS\b|permission denied|\bEACCES\b|operation not permitted", re.IGNORECASE
)
_NET = re.compile(
    r"could not resolve|name resolution|getaddrinfo|network is unreachable|\bENOTFOUND\b|\bEAI_AGAIN\b|\bENETUNREACH\b"
    r"|failed to establish a new connection|couldn.t connect to server|no route to host|tunnel failed"
    r"|mimo sandbox:|ProxyError|unable to access 'https?:",
    re.IGNORECASE,
)


def explained(result: ToolResult, call: ToolCall, session: Session) -> ToolResult | None:
    """The result with a hint at its end; None when there is nothing to say."""
    spec = session.toolbox.specs.get(call.name)
    said = spec.meta.get("mimocode") if spec is not None else None
    if not isinstance(said, dict) or not said.get("wrapped") or (held := confined(session)) is None:
        return None
    hints = _mended(session)
    if result.error or (result.display or {}).get("exit"):
        hints += _hints(result.text, held)
    hint = "\n".join(hints)
    return ToolResult((*result.content, Text("\n\n" + hint)), result.error, result.display) if hint else None


def _mended(session: Session) -> list[str]:
    box = outermost(session).stash.get(BOX)
    mended = mend(box.watch) if box is not None else []
    names = ", ".join(map(str, mended))
    return [f"(Put back as it was, because no command may change it: {names}.)"] if names else []


def _hints(text: str, held: Confined) -> list[str]:
    disk, net = _DISK.search(text) is not None, held.network != "open" and _NET.search(text) is not None
    names = [name for name, found in (("disk", disk), ("network", net)) if found]
    return [files(__package__).joinpath(f"{name}.md").read_text("utf-8").strip() for name in names]
