"""What a new window is told of memory: the items somebody stands for, within a budget, and where the rest is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from .. import saving
from ..items import HEAD, SHOWN, shown
from ..layout import tokens
from ..shelf import Shelf, shelf

if TYPE_CHECKING:
    from mimocode.session import Session

PROJECT_BUDGET, GLOBAL_BUDGET = 3000, 1000
"""Tokens. The rest is found by searching."""
FIRST = ("rules", "project context", "architecture decisions", "discovered durable knowledge")
"""When room is short, sections keep it in this order; others come after."""


@dataclass
class Opening:
    """The text for the model and a line for the user."""

    text: str
    report: str = ""
    loaded: tuple[Mapping[str, str], ...] = ()
    """The items that the window opens with: id, text, scope, and why."""
    left: tuple[str, ...] = ()
    """What had no room."""
    waiting: int = 0
    """Items that nobody stands for yet."""


@dataclass
class _Taken:
    items: int = 0
    left: list[str] = field(default_factory=list)
    text: str = ""


def gather(session: Session) -> Opening:
    """Read the files and choose. Reads two files; the first call of a host may run git."""
    kept = shelf(session.host, session.id)
    place, caps = kept.layout, _caps(session)
    said = [
        ("Remembered for every project", place.global_file, min(GLOBAL_BUDGET, caps.get("global_", GLOBAL_BUDGET))),
        ("Remembered for this project", place.project_file, min(PROJECT_BUDGET, caps.get("memory", PROJECT_BUDGET))),
    ]
    parts = [
        files(__package__)
        .joinpath("opening.md")
        .read_text("utf-8")
        .strip()
        .format(project=place.project_file, everywhere=place.global_file, sessions=place.base / "sessions")
    ]
    items, left, loaded = 0, list[str](), list[Mapping[str, str]]()
    for title, path, budget in said:
        taken = _take(saving.read(path), budget) if path.is_file() else _Taken()
        items, left = items + taken.items, left + [f"{path.name}: {what}" for what in taken.left]
        loaded += _loaded(kept, "global" if path == place.global_file else "project", taken.text)
        if taken.text:
            more = "\n[More was left out for room: search.]" if taken.left else ""
            parts.append(f"## {title}\n{taken.text}{more}")
    waiting = _waiting(kept, place.project_file, place.global_file)
    text = "\n\n".join(parts)
    return Opening(text, _report(items, tokens(text), left, waiting), tuple(loaded), tuple(left), waiting)


def _caps(session: Session) -> Mapping[str, int]:
    """`checkpoint.push_caps`: they can only lower what is told."""
    settings = session.host.settings
    said = settings["checkpoint"] if "checkpoint" in settings else None  # noqa: SIM401 - no mapping
    caps = getattr(said, "push_caps", None)
    return vars(caps) if caps is not None else {}


def _loaded(kept: Shelf, scope: str, text: str) -> list[Mapping[str, str]]:
    lines = {line.lstrip("-*+ ").strip() for line in text.splitlines()}
    return [
        {"id": item.id, "text": item.text, "scope": scope, "why": f"{item.status}, {item.source}"}
        for item in (kept.items(scope) if text else [])
        if item.status in SHOWN and item.text in lines
    ]


def _report(items: int, size: int, left: list[str], waiting: int) -> str:
    if not (items or left or waiting):
        return ""
    said = f"{items} item{'s' * (items != 1)} loaded, about {size} tokens"
    if left:
        said += f"; left out for room: {', '.join(left)}"
    return said + (f"; {waiting} not confirmed and not loaded (`/memory` shows them)" if waiting else "")


def _waiting(kept: Shelf, *paths: Path) -> int:
    return sum(item.status == "proposed" for item in kept.items()) if any(p.is_file() for p in paths) else 0


def _take(text: str, budget: int) -> _Taken:
    """Whole lines, the most important sections first, shown in the order of the file.

    Of a section that has no room for all, what the user wrote by hand stays longest, then what is newest.
    """
    blocks: list[tuple[str, list[tuple[str, str]]]] = [("", [])]
    for kind, line, time in shown(text):
        if kind == HEAD:
            blocks.append((line.lstrip("# ").strip(), []))
        elif line.strip():
            blocks[-1][1].append((line, time))
    taken, chosen = _Taken(), dict[int, str]()
    for at in sorted(range(len(blocks)), key=lambda at: (_importance(blocks[at][0]), at)):
        head, lines = blocks[at]
        fits = set[int]()
        by_hand = [n for n, (_, time) in enumerate(lines) if not time]
        newest = sorted((n for n, (_, time) in enumerate(lines) if time), key=lambda n: (lines[n][1], n), reverse=True)
        for number in (*by_hand, *newest):
            if (cost := tokens(lines[number][0]) + 1) <= budget:
                budget -= cost
                fits.add(number)
        if missing := len(lines) - len(fits):
            taken.left.append(f"{missing} line{'s' * (missing != 1)} of {head or 'its beginning'}")
        if fits:
            taken.items += len(fits)
            chosen[at] = "\n".join([f"### {head}"] * bool(head) + [lines[n][0] for n in sorted(fits)])
    taken.text = "\n".join(chosen[at] for at in sorted(chosen))
    return taken


def _importance(head: str) -> int:
    return FIRST.index(head.lower()) if head.lower() in FIRST else len(FIRST)
