"""What a checkpoint looks like. One table of sections makes the template, the budgets, the check and the cuts.

Sections 1 to 11 are those of runtime.md 2.2; 12 and 13 are what demands.md A 3 wants in every checkpoint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..layout import tokens

NONE = "(none yet)"
LARGEST = 11_000
"""Tokens of a whole checkpoint."""


@dataclass(frozen=True)
class Section:
    """A section: its budget in tokens, what belongs there, and who fills it."""

    number: int
    title: str
    budget: int
    rule: str
    ours: bool = False
    """Filled from the log alone: a model's words are not taken."""

    @property
    def head(self) -> str:
        """Its heading."""
        return f"## §{self.number} {self.title}"


SECTIONS = (
    Section(1, "Active intent", 500, "What the user wants now, in the user's words.", ours=True),
    Section(2, "Next concrete action", 600, "The exact next step."),
    Section(3, "Directives (this session)", 1000, "The user's constraints, word for word.", ours=True),
    Section(4, "Task tree", 800, "Tasks and subagents, as their tools have them.", ours=True),
    Section(5, "Current work", 1000, "What was being done, and how far it is."),
    Section(6, "Files and code sections", 1200, "Paths and symbols, and why they matter."),
    Section(7, "Discovered knowledge (cross-task)", 1200, "Facts that took work to find out."),
    Section(8, "Errors and fixes", 900, "Symptom, cause, fix."),
    Section(9, "Live resources", 400, "Ports, processes, branches, ids that exist now."),
    Section(10, "Design decisions and discussion outcomes", 1500, "What was decided, why, what was rejected."),
    Section(11, "Open notes", 300, "Loose ends."),
    Section(12, "Tried and failed", 700, "What was tried, and how it failed: not to be tried again unchanged."),
    Section(
        13, "Identifiers and artifacts", 900, "Names, paths, numbers, commands exactly as they are; what was written."
    ),
)
Body = dict[int, str]
"""The text of each section by its number."""
_HEAD = re.compile(r"^##\s*§\s*(\d+)[^\n]*$", re.MULTILINE)


def parse(text: str) -> Body:
    """The sections of a text, without headings and the lines that say what belongs there."""
    found = list(_HEAD.finditer(text))
    ends = [*(hit.start() for hit in found[1:]), len(text)][: len(found)]
    bodies: Body = {}
    for hit, end in zip(found, ends, strict=True):
        lines = text[hit.end() : end].strip().splitlines()
        if lines and re.fullmatch(r"_.*_", lines[0].strip()):
            lines = lines[1:]
        body = "\n".join(lines).strip()
        bodies[int(hit[1])] = "" if body == NONE else body
    return bodies


def render(bodies: Mapping[int, str], title: str = "", scale: float = 1.0) -> str:
    """A whole checkpoint; every section is cut to its own budget, so that none can starve another."""
    parts = [f"# Checkpoint{f': {title}' if title else ''}"]
    for section in SECTIONS:
        body = fitted(bodies.get(section.number, ""), int(section.budget * scale), keep_first=section.number == 1)
        parts.append(f"{section.head}\n_{section.rule}_\n{body or NONE}")
    return "\n\n".join(parts) + "\n"


def fitted(body: str, budget: int, *, keep_first: bool = False) -> str:
    """The newest lines that fit (or the first ones), with a word on what is gone.

    Words that look like a heading begin no section: somebody could say what the user is said to want.
    """
    body = _HEAD.sub(r"> \g<0>", body)
    if tokens(body) <= budget:
        return body
    lines = body.splitlines()
    kept: list[str] = []
    room = budget - min(12, budget // 3)
    for line in lines if keep_first else reversed(lines):
        if (cost := tokens(line) + 1) > room:
            if not kept and room > 5:
                kept.append(line[: room * 3])
            break
        kept.append(line)
        room -= cost
    gone = len(lines) - len(kept)
    shown = kept if keep_first else kept[::-1]
    note = [f"[{gone} lines left out: see the history tool]"] if gone else []
    return "\n".join([*shown, *note] if keep_first else [*note, *shown])


def added(body: str, lines: list[str]) -> str:
    """A section with more lines; what is there already is not said twice, and moves to the end as the newest.

    A line ends with the number of the fact that it comes from, "[#12]", which is no part of what it says.
    """
    known = [line for line in body.splitlines() if line.strip() and not line.startswith("[")]
    fresh = {_bare(line): line for line in lines if line.strip()}
    return "\n".join([*(line for line in known if _bare(line) not in fresh), *fresh.values()])


def _bare(line: str) -> str:
    return re.sub(r"\s*\[#\d+\]$", "", line.strip())


def problems(text: str) -> list[str]:
    """What is wrong with a checkpoint, in words that its writer can act on. Empty: nothing."""
    bodies = parse(text)
    wanted = [section for section in SECTIONS if not section.ours]
    wrong = [f'the section "{s.head}" is missing' for s in wanted if s.number not in bodies]
    wrong += [
        f'"{s.head}" has about {size} tokens, {s.budget} are allowed: keep what matters most'
        for s in wanted
        if (size := tokens(bodies.get(s.number, ""))) > s.budget * 1.25
    ]
    if not any(bodies.get(section.number) for section in wanted):
        wrong.append("every section is empty")
    if (size := tokens(text)) > LARGEST:
        wrong.append(f"it has about {size} tokens, {LARGEST} are allowed")
    return wrong
