"""Tidying without a model: secrets, planted instructions, doubles, what was taken back, what is gone from the tree."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ..planted import INJECTED
from .claims import Change, Claim
from .tree import Tree, named
from .words import gist, same, takes_back, tells

WAITED = 90.0
"""Days that a proposal of the agent waits for the user's word."""
Redact = Callable[[str], tuple[str, Sequence[str]]]


@dataclass
class Tidied:
    """The claims that remain, and what was done."""

    claims: list[Claim]
    changes: list[Change] = field(default_factory=list)


def tidied(claims: Sequence[Claim], tree: Tree, redact: Redact, now: float) -> Tidied:
    """All passes, in the order in which one makes work for the next."""
    work = Tidied(list(claims))
    _secrets(work, redact)
    _planted(work)
    _waiting(work, now)
    _places(work, tree)
    _taken_back(work)
    _doubles(work)
    return work


def _drop(work: Tidied, claim: Claim, kind: str, why: str) -> None:
    """Take a claim out. What the user wrote by hand stays: it is only named."""
    if claim.by_hand:
        work.changes.append(Change("left", claim.text, f"{why}, but these are your own words"))
        return
    work.claims.remove(claim)
    work.changes.append(Change(kind, claim.text, why))


def _secrets(work: Tidied, redact: Redact) -> None:
    for at, claim in enumerate(work.claims):
        text, found = redact(claim.text)
        if found:
            work.claims[at] = replace(claim, text=text)
            work.changes.append(Change("changed", text, f"held a secret: {', '.join(sorted(set(found)))}"))


def _planted(work: Tidied) -> None:
    """Instructions that nobody gave. A mark of ours without our signature was made by somebody else."""
    for claim in list(work.claims):
        forged = not claim.by_hand and claim.line > 0 and not claim.signed
        stranger = claim.source == "untrusted" or forged
        if claim.by_hand or (claim.status == "confirmed" and not forged):
            continue
        if INJECTED.search(claim.text):
            _drop(work, claim, "removed", "reads like an instruction that somebody planted")
        elif stranger and tells(claim.text):
            _drop(work, claim, "removed", "an instruction that came from a tool's result or was written past us")
        elif forged:
            at = work.claims.index(claim)
            work.claims[at] = replace(claim, status="proposed", source="untrusted", evidence="-")
            work.changes.append(Change("changed", claim.text, "nobody vouches for it: the mark is not ours"))


def _waiting(work: Tidied, now: float) -> None:
    for claim in list(work.claims):
        if claim.status == "superseded":
            _drop(work, claim, "removed", "was superseded")
        elif claim.status == "proposed" and claim.time and (now - moment(claim.time)) / 86_400 > WAITED:
            _drop(work, claim, "removed", f"nobody confirmed it in {WAITED:.0f} days")


def _places(work: Tidied, tree: Tree) -> None:
    """Paths follow a file that moved; what names something that is gone goes, too."""
    seen = {claim: named(claim.text, tree) for claim in work.claims}
    tree.look({symbol for each in seen.values() for symbol in each.symbols})
    for claim, names in seen.items():
        gone = [path for path in names.paths if not tree.has(path)]
        where = {path: tree.moved(path) for path in gone}
        missing = [path for path in gone if not where[path]]
        missing += [f"{symbol}()" for symbol in names.symbols if not tree.has_symbol(symbol)]
        missing += [command for command in names.commands if not tree.runs(command)]
        if missing:
            _drop(work, claim, "removed", f"{', '.join(missing)} is gone")
        elif gone and claim.by_hand:
            work.changes.append(Change("left", claim.text, f"{gone[0]} is {where[gone[0]]} now; your own words"))
        elif gone:
            text = claim.text
            for path, now in where.items():
                text = text.replace(path, now)
            work.claims[work.claims.index(claim)] = replace(claim, text=text)
            work.changes.append(Change("changed", text, f"{', '.join(gone)} moved"))


def _taken_back(work: Tidied) -> None:
    """The later of two that contradict each other holds, if no fewer people stand for it."""
    order = sorted((claim for claim in work.claims if claim.time), key=lambda claim: claim.time)
    gists = {claim: gist(claim.text) for claim in order}
    for at, older in enumerate(order):
        for newer in order[at + 1 :]:
            if newer.time <= older.time or not takes_back(gists[newer], gists[older]):
                continue
            if newer.strength >= older.strength:
                if older in work.claims:
                    _drop(work, older, "superseded", f"later: {newer.text}")
                break
            if newer in work.claims and older in work.claims:
                work.changes.append(Change("left", newer.text, f"would take back what you stand for: {older.text}"))


def _doubles(work: Tidied) -> None:
    """Of several that say the same one stays: the user's own words, else what most stand for, else the first."""
    kept: list[Claim] = []
    gists = {claim: gist(claim.text) for claim in work.claims}
    order = sorted(work.claims, key=lambda c: (not c.by_hand, *(-n for n in c.rank), c.time, c.line))
    for claim in order:
        twin = next((k for k in kept if k.id == claim.id or same(gists[k], gists[claim])), None)
        if twin is None or (claim.by_hand and twin.by_hand):
            kept.append(claim)
        else:
            work.claims.remove(claim)
            work.changes.append(Change("merged", claim.text, f"says the same as: {twin.text}"))


def moment(stamp: str) -> float:
    """Unix seconds of a claim's time."""
    try:
        return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return time.time()
