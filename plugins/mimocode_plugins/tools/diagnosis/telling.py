"""Put the problems before the output they were found in."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.messages import Text

from .placing import Item, Places, placed
from .reading import LARGEST, problems

if TYPE_CHECKING:
    from mimocode.ports import ToolResult
    from mimocode.session import Session

SHOWN = 10
"""Problems that the model is told."""
LENGTH = 200
"""Characters of a message that it is told."""
ASIDE = 100_000
"""Characters that are read at once; more is read in a thread."""


async def tell(result: ToolResult, session: Session) -> ToolResult | None:
    """The result with its problems first; None when none were found."""
    display = result.display or {}
    file, text = display.get("file"), result.text
    if isinstance(file, str) or len(text) > ASIDE:
        items = await asyncio.to_thread(_found, text, file, session.directory, session.host.root)
    else:
        items = _found(text, None, session.directory, session.host.root)
    if not items:
        return None
    content = (Text(shown(items) + "\n\n"), *result.content)
    return replace(result, content=content, display={**display, "problems": [asdict(i) for i in items[:SHOWN]]})


def _found(text: str, file: str | None, directory: Path, root: Path) -> list[Item]:
    whole = _whole(Path(file)) if file else ""
    return placed(problems(whole or text), Places(directory, root))


def _whole(file: Path) -> str:
    """All that a command printed, where the result has only a part; bounded."""
    try:
        with file.open("rb") as stream:
            head = stream.read(LARGEST // 2)
            size = stream.seek(0, 2)
            stream.seek(max(len(head), size - LARGEST // 2))
            return (head + stream.read(LARGEST // 2)).decode("utf-8", "replace")
    except OSError:
        return ""


def shown(items: list[Item]) -> str:
    """The problems as the model reads them."""
    own = [item for item in items if item.own]
    told = (own or items)[:SHOWN]
    lines = [line(item) for item in told]
    if more := len(own or items) - len(told):
        lines.append(f"... and {more} more")
    return "\n".join(["<problems>", *lines, "</problems>"])


def line(item: Item) -> str:
    """One problem: `file:line:column: message`."""
    where = ":".join(filter(None, (item.path, str(item.line or ""), str(item.column or ""))))
    message = " ".join(item.message.split())
    message = message if len(message) <= LENGTH else message[: LENGTH - 3] + "..."
    warning = "warning: " if item.severity == "warning" else ""
    caller = f" (from {item.caller})" if item.caller else ""
    return f"{where}: {warning}{message}{caller}"
