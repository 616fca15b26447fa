"""What taking back would do to which file, and what stands in its way."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..place import Place, show
from ..text.coding import coding_of, is_binary
from ..text.difference import difference
from .blobs import Blobs
from .record import Touched
from .shape import content, kept, shape, why_not

Choice = Literal["", "keep", "force"]


@dataclass(frozen=True)
class Step:
    """One file: what it is now and what it shall be."""

    path: str
    now: str
    want: str


@dataclass(frozen=True)
class Plan:
    """What to do, and the files that somebody else changed (`contested`) or that cannot be put back (`lost`)."""

    steps: tuple[Step, ...]
    contested: tuple[Step, ...] = ()
    lost: tuple[tuple[str, str], ...] = ()
    """Path and reason."""
    blind: tuple[tuple[str, str], ...] = ()
    """What stays because nobody looked at it when it changed: path and reason."""

    def chosen(self, choice: Choice) -> Plan:
        """The plan when contested files are left alone, or put back like the others."""
        steps = (*self.steps, *self.contested) if choice == "force" else self.steps
        return replace(self, steps=steps)


def make(files: Mapping[str, Touched], blobs: Blobs) -> Plan:
    """Look at every file. What is there now is kept, so that nothing is lost whatever is decided.

    Raises:
        OSError: it could not be kept.
    """
    steps, contested, lost = [], [], []
    for path, file in sorted(files.items()):
        now = shape(Path(path), blobs)
        if now == file.want:
            continue
        step = Step(path, now, file.want)
        if reason := _hindered(path, now, file.want, blobs):
            lost.append((path, reason))
        elif now != file.left or file.between:
            contested.append(step)
        else:
            steps.append(step)
    return Plan(tuple(steps), tuple(contested), tuple(lost))


def _hindered(path: str, now: str, want: str, blobs: Blobs) -> str:
    if not kept(want, blobs):
        return why_not(want)
    if now.startswith("?"):
        return why_not(now).replace("it was", "it is now")
    if os.path.realpath(path) != path:
        return "a link is in its way"
    return ""


def described(plan: Plan, place: Place, blobs: Blobs, diff: bool = False) -> list[str]:
    """The plan in lines: A for a file that comes back, D for one that goes, M for one that changes."""
    lines = [line for step in plan.steps for line in _described(step, place, blobs, diff)]
    for step in plan.contested:
        lines.append(f"! {_short(place, step.path)}  was changed by somebody else since")
        lines += _described(step, place, blobs, diff)[1:]
    return lines + [f"? {_short(place, path)}  stays as it is: {why}" for path, why in (*plan.lost, *plan.blind)]


def _described(step: Step, place: Place, blobs: Blobs, diff: bool) -> list[str]:
    name, mark = _short(place, step.path), "A" if not step.now else "D" if not step.want else "M"
    texts = [_text(content(state, blobs)) for state in (step.now, step.want)]
    if texts[0] is None or texts[1] is None:
        return [f"{mark} {name}  (binary)"]
    compared = difference(texts[0], texts[1], name)
    counts = f"+{compared.additions} -{compared.deletions}" if compared.text else "mode"
    return [f"{mark} {name}  {counts}", *(compared.text.splitlines() if diff else ())]


def _short(place: Place, path: str) -> str:
    return place.short(Path(path)) if Path(path).is_relative_to(place.directory) else show(path)


def _text(data: bytes | None) -> str | None:
    return None if data is None or is_binary(data) else coding_of(data).decode(data)
