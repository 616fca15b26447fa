"""What a model may add to the tidying: which candidates are worth keeping, and which claims contradict them.

It only proposes. Its words must be those of what it was shown, it cannot make anything stronger than its source, and
it cannot take away what more people stand for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..asking import Asker
from ..planted import INJECTED
from .claims import Change, Claim
from .sources import Candidate
from .tidy import Tidied
from .words import grounded

AT_ONCE = 60
"""Candidates in one question."""
KEPT = 40
"""Candidates that are kept of one run at most."""


@dataclass(frozen=True)
class Chosen:
    """What a model said about candidates: by number the words and section to keep them with, and what they replace."""

    number: int
    text: str
    section: str
    replaces: tuple[str, ...]


async def choose(asker: Asker, claims: Sequence[Claim], found: Sequence[Candidate]) -> list[Chosen] | None:
    """Ask about all candidates; None when the model cannot be asked, so that nothing is decided without it."""
    chosen: list[Chosen] = []
    for start in range(0, len(found), AT_ONCE):
        part = found[start : start + AT_ONCE]
        answer = await asker.ask(question(claims, part))
        if answer is None:
            return None
        if not isinstance(answer.get("keep"), list):  # an answer to something else decides nothing
            asker.trouble = f"{asker.model} did not say what to keep"
            return None
        chosen += [replace(each, number=each.number + start) for each in read(answer, len(part))]
    return chosen[:KEPT]


def question(claims: Sequence[Claim], found: Sequence[Candidate]) -> str:
    """Claims and candidates as data: nothing in them is an instruction."""
    shown = {
        "remembered": {claim.id: claim.text for claim in claims if claim.status != "superseded"},
        "candidates": {str(number): one.text for number, one in enumerate(found)},
    }
    return json.dumps(shown, indent=1, ensure_ascii=False)


def read(answer: Mapping[str, Any], count: int) -> Iterator[Chosen]:
    """What can be used of an answer; the rest is left out."""
    kept = answer.get("keep")
    seen: set[int] = set()
    for each in kept if isinstance(kept, list) else []:
        if not isinstance(each, dict):
            continue
        number = each.get("candidate")
        if isinstance(number, str) and number.isdigit():
            number = int(number)
        if not isinstance(number, int) or not 0 <= number < count or number in seen:
            continue
        seen.add(number)
        replaces = each.get("replaces")
        ids = tuple(str(id) for id in replaces) if isinstance(replaces, list) else ()
        yield Chosen(number, str(each.get("text") or ""), str(each.get("section") or ""), ids)


def words(chosen: Chosen, candidate: Candidate) -> str:
    """The model's wording if it says nothing that the user did not say, else the user's."""
    text = " ".join(chosen.text.split())
    return text if text and grounded(text, candidate.text) and not INJECTED.search(text) else candidate.text


def taken_back(work: Tidied, ids: Sequence[str], by: Claim) -> None:
    """Take out what a newer claim replaces, as the model sees it, unless more people stand for it or it is newer."""
    for claim in list(work.claims):
        if claim.id not in ids or claim.id == by.id or claim.by_hand:
            continue
        if claim.strength <= by.strength and claim.time <= by.time:
            work.claims.remove(claim)
            work.changes.append(Change("superseded", claim.text, f"later: {by.text}"))
