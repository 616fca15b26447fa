"""`/memory` and `mimo memory`: what is remembered, why, and the user's say in it. Plain text."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from mimocode.errors import MimoError, ToolFailed, UsageError

from ..items import Item
from ..layout import ready
from .desk import Desk, close, describe
from .ranking import Hit

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.session import Session

USAGE = "/memory [list | why [ID] | confirm ID | forget ID | edit [global] | search WORDS]"


async def slash(arguments: str, session: Session) -> None:
    """Run `/memory ...` and show what comes of it as a notice; the agent hears nothing of it."""
    words = arguments.split()
    desk = Desk(session.host, session)
    try:
        text = await _run(words[0] if words else "list", words[1:], desk)
        await session.notice("memory", text, "info")
    except MimoError as error:
        await session.notice("memory", str(error), "warning")


async def _run(word: str, rest: list[str], desk: Desk) -> str:
    await ready(desk.host)
    match word, rest:
        case "list", []:
            return listing(desk.shelf.items()) or "Nothing is remembered yet."
        case "why", []:
            from .upkeep import why

            return await why(desk.host, "")
        case (("why" | "show"), [id]):
            return describe(desk.shelf.find(id.removeprefix("m:")))
        case "confirm", [id]:
            return f"confirmed: {(await desk.confirm(id)).text}"
        case "forget", [id]:
            return f"forgotten: {(await desk.forget(id)).text}"
        case "edit", ([] | ["global"] | ["project"]):
            path = desk.shelf.layout.file(rest[0] if rest else "project")
            return f"edit it as you like, plain lines count as yours: {path}"
        case "search", [_, *_]:
            return found(await desk.search(" ".join(rest)), desk) or "Nothing found."
    raise ToolFailed(f"Usage: {USAGE}")


def listing(kept: list[Item]) -> str:
    """Items by scope and section, a line each."""
    lines, head = list[str](), ""
    for item in kept:
        if (title := f"{item.scope}: {item.section or '(no section)'}") != head:
            head = title
            lines.append(title)
        lines.append(f"  [{item.id}] {item.status:<10} {_printable(item.text)}")
    return "\n".join(lines)


def found(hits: list[Hit], desk: Desk) -> str:
    """What a search found, a line each, by the id or the place that `show` takes."""
    base = f"{desk.shelf.layout.base}/"
    places = [f"[{hit.key[2:]}]" if hit.key[:2] == "m:" else f"{hit.path.removeprefix(base)}:{hit.key}" for hit in hits]
    return "\n".join(
        f"{hit.score:6.2f}  {place}  {_printable(hit.text)[:200]}" for hit, place in zip(hits, places, strict=True)
    )


def _printable(text: str) -> str:
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() or c.isspace() else "?" for c in text))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


async def list_(args: argparse.Namespace, host: Host) -> int:
    """`mimo memory list`."""
    await ready(host)
    kept = Desk(host).shelf.items(*([args.scope] if args.scope else []))
    if args.json:
        _say(json.dumps([{name: getattr(i, name) for name in _FIELDS} for i in kept], ensure_ascii=False, indent=1))
    elif kept:
        _say(listing(kept))
    else:
        sys.stderr.write("Nothing is remembered of this project yet.\n")
    return 0


_FIELDS = ("id", "text", "status", "source", "evidence", "time", "by", "section", "scope")


async def search(args: argparse.Namespace, host: Host) -> int:
    """`mimo memory search WORDS`; 1 when nothing was found."""
    desk = Desk(host)
    try:
        hits = await desk.search(" ".join(args.words), args.scope or "", limit=args.limit, everywhere=args.all)
    finally:
        await close(host)
    if not hits:
        sys.stderr.write(f"Nothing found{'' if args.all else '; --all searches other projects, too'}.\n")
        return 1
    _say(found(hits, desk))
    return 0


async def show(args: argparse.Namespace, host: Host) -> int:
    """`mimo memory show ID|PATH`: an item and why it is there, or a file."""
    return await _said(Desk(host).open(args.what, 10**9))


async def forget(args: argparse.Namespace, host: Host) -> int:
    """`mimo memory forget ID`."""
    desk = Desk(host)

    async def gone() -> str:
        return f"forgotten: {(await desk.forget(args.id)).text}"

    return await _said(gone())


async def confirm(args: argparse.Namespace, host: Host) -> int:
    """`mimo memory confirm ID`."""
    desk = Desk(host)

    async def kept() -> str:
        return f"confirmed: {(await desk.confirm(args.id)).text}"

    return await _said(kept())


async def _said(work: Awaitable[str]) -> int:
    try:
        _say(await work)
    except ToolFailed as error:
        raise UsageError(str(error)) from None
    return 0


async def eval_(args: argparse.Namespace, host: Host) -> int:
    """`mimo memory eval`."""
    from .evaluation import evaluate

    return await asyncio.to_thread(evaluate, args)


async def why(args: argparse.Namespace, host: Host) -> int:
    """`mimo memory why [ID]`."""
    from . import upkeep

    return await _said(upkeep.why(host, args.id))


async def edit(args: argparse.Namespace, host: Host) -> int:
    """`mimo memory edit [project|global]`."""
    from . import upkeep

    return await upkeep.edit(host, args.scope)


async def stats(args: argparse.Namespace, host: Host) -> int:
    """`mimo memory stats`."""
    from . import upkeep

    try:
        return await _said(upkeep.stats(host))
    finally:
        await close(host)


async def doctor(args: argparse.Namespace, host: Host) -> int:
    """`mimo memory doctor`; 1 when something is wrong."""
    from . import upkeep

    try:
        found = await upkeep.doctor(host)
    finally:
        await close(host)
    _say("\n".join(map(_printable, found)) or "All is well.")
    return 1 if found else 0
