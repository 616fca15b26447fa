"""One run: gather, tidy, ask, write. A copy is worked on; the file changes at once, with a backup, or not at all."""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.errors import UsageError

from .. import keeping
from ..asking import Asker, held
from ..ports import Memory
from .asking import choose, taken_back, words
from .claims import Change, Claim
from .document import plain, rendered, spared
from .sources import Candidate, candidates, section
from .tidy import Tidied, tidied
from .tree import Tree
from .words import gist, same, takes_back

if TYPE_CHECKING:
    from mimocode.host import Host

PLUGIN = "dream"
BACKUPS = 5
"""Backups that are kept."""
OVERFLOW = "knowledge.md"
"""Beside MEMORY.md: what has no room there."""


Known = dict[str, float]
"""Claims that were considered, by id, and when: what was said before then is not considered again."""


@dataclass
class Night:
    """What a run would do, or did."""

    before: str
    after: str
    changes: list[Change] = field(default_factory=list)
    moved: list[Claim] = field(default_factory=list)
    sessions: int = 0
    trouble: str = ""
    """Why no model was asked."""
    known: Known = field(default_factory=dict)

    @property
    def diff(self) -> str:
        """What changes, as people read it."""
        lines = difflib.unified_diff(plain(self.before), plain(self.after), "before", "after", "", "", 1, "")
        return "\n".join(lines)

    @property
    def counts(self) -> str:
        """How many of each kind."""
        kinds = [change.kind for change in self.changes]
        return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)) or "nothing to do"


async def dream(host: Host, memory: Memory, asker: Asker | None, since: float | None = None) -> Night:
    """Work out what to do; nothing is written.

    Args:
        since: look at sessions that changed after this; None: after the last run.
    """
    state = keeping.load(place(host, memory))
    known: Known = dict(state.get("known", {}))
    after = float(state.get("last", 0)) if since is None else since
    found, count = await gathered(host, memory, after)
    text = await asyncio.to_thread(_read, memory.file) or memory.empty()
    if state.get("made") == _digest(text):  # also when the run that wrote it was killed right then
        known |= state.get("pending", {})
    claims = await asyncio.to_thread(lambda: [Claim.of(claim) for claim in memory.claims(text)])
    tree = Tree(host.root)
    work = await asyncio.to_thread(tidied, claims, tree, memory.redact, time.time())
    fresh = await asyncio.to_thread(lambda: [one for one in found if _new(one, work.claims, known, memory)])
    trouble = await _add(work, fresh, memory, asker, known)
    done = await asyncio.to_thread(tidied, work.claims, tree, memory.redact, time.time())
    changes = work.changes + [change for change in done.changes if change not in work.changes]
    before = {claim.line: claim for claim in claims}
    stay, moved, more = await asyncio.to_thread(spared, text, before, done.claims, memory)
    known |= dict.fromkeys({claim.id for claim in claims} - {claim.id for claim in stay}, time.time())
    made = await asyncio.to_thread(rendered, text, before, stay, memory) if changes or moved else text
    return Night(text, made, _settled(changes + more), moved, count, trouble, known)


def _settled(changes: Sequence[Change]) -> list[Change]:
    """Without what was added and taken away in the same run."""
    gone = {change.text for change in changes if change.kind in ("removed", "superseded", "merged")}
    added = {change.text for change in changes if change.kind == "added"}
    both = gone & added
    return [change for change in changes if change.text not in both]


async def gathered(host: Host, memory: Memory, after: float) -> tuple[list[Candidate], int]:
    """The candidates of all sessions that changed since, in the order in which they were said."""
    store = await host.store()
    infos = [info for info in held(await memory.sessions()) if info.updated > after and not info.parent]

    def read() -> list[Candidate]:
        return [one for info in infos for one in candidates(info.id, store.read(info.id)) if one.time > after]

    found = sorted(await asyncio.to_thread(read), key=lambda one: (one.time, one.evidence))
    return [replace(one, text=memory.redact(one.text)[0]) for one in found], len(infos)  # before a model sees it


def _new(one: Candidate, claims: Sequence[Claim], known: Known, memory: Memory) -> bool:
    """Whether it is neither remembered nor taken back already."""
    claim = _claim(one, one.text, one.section, memory)
    if one.time <= known.get(claim.id, 0) or any(
        claim.id == each.id and each.strength >= claim.strength for each in claims
    ):
        return False
    mine = gist(claim.text)
    if any(same(mine, gist(each.text)) and each.strength >= claim.strength for each in claims):
        return False
    return not any(each.time > claim.time and takes_back(gist(each.text), mine) for each in claims)


def _claim(one: Candidate, text: str, where: str, memory: Memory) -> Claim:
    clean, _ = memory.redact(text)
    return Claim.of(memory.claim(clean, one.time, "verified", "user", one.evidence, where))


async def _add(work: Tidied, fresh: Sequence[Candidate], memory: Memory, asker: Asker | None, known: Known) -> str:
    """Add what is worth keeping; why no model had a say, if so."""
    if not fresh:
        return ""
    chosen = await choose(asker, work.claims, fresh) if asker else None
    if chosen is None:
        for one in fresh:
            if one.wish:  # without a model only what the user asked for in so many words
                known[_join(work, _claim(one, one.text, one.section, memory), one)] = time.time()
        return asker.trouble if asker else "no model was asked"
    for each in chosen:
        one = fresh[each.number]
        claim = _claim(one, words(each, one), each.section if len(each.section) < 60 else "", memory)
        claim = replace(claim, section=_known_section(claim.section, work.claims) or section(one.text))
        taken_back(work, each.replaces, claim)
        _join(work, claim, one)
    known |= dict.fromkeys((_claim(one, one.text, "", memory).id for one in fresh), time.time())
    return ""


def _known_section(name: str, claims: Sequence[Claim]) -> str:
    ours = ("Project context", "Rules", "Architecture decisions", "Discovered durable knowledge")
    return next((each for each in (*ours, *(c.section for c in claims)) if each and each.lower() == name.lower()), "")


def _join(work: Tidied, claim: Claim, one: Candidate) -> str:
    """Add a claim; one of the same words that fewer people stand for becomes it."""
    twin = next((each for each in work.claims if each.id == claim.id), None)
    why = f"you said so in {one.evidence}"
    if twin is None:
        work.claims.append(claim)
        work.changes.append(Change("added", claim.text, why))
    elif twin.strength < claim.strength:
        work.claims[work.claims.index(twin)] = replace(claim, section=twin.section, line=twin.line, signed=twin.signed)
        work.changes.append(Change("changed", claim.text, why))
    return claim.id


def place(host: Host, memory: Memory) -> Path:
    """Where backups and the time of the last run are kept."""
    return keeping.folder(host, PLUGIN, memory.file)


def write(host: Host, memory: Memory, night: Night, now: float) -> None:
    """Put the new file in place of the old one, with a backup; then remember that this was done.

    Killed between any two steps, the next run finds the old file or the new one, and does the rest again.

    Raises:
        UsageError: memory is read-only, or somebody else wrote meanwhile.
        OSError: it cannot be written.
    """
    if not memory.writable:
        raise UsageError("memory is read-only here: memory.disable_write is set")
    kept = place(host, memory)
    state = keeping.load(kept)
    if night.after != night.before or night.moved:
        with memory.locked():
            if (_read(memory.file) or memory.empty()) != night.before:
                raise UsageError("the memory changed meanwhile; try again")
            name = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S.%f")
            keeping.write(kept / name, night.before)
            state |= {"undo": name, "made": _digest(night.after), "pending": night.known}
            keeping.save(kept, state)
            if night.moved:
                _overflow(memory, night.moved)
            memory.replace(memory.file, night.after)
        for old in sorted(each for each in kept.iterdir() if each.name[:1].isdigit())[:-BACKUPS]:
            old.unlink()
    state |= {"ran": now, "known": night.known, "pending": {}}
    if not night.trouble:  # what no model has seen is shown to it next time
        state["last"] = now
    keeping.save(kept, state)


def _overflow(memory: Memory, moved: Sequence[Claim]) -> None:
    """Add claims to the file beside MEMORY.md; those that are there already stay as they are."""
    path = memory.file.with_name(OVERFLOW)
    text = _read(path) or "# More that is known of this project\n"
    there = {claim["id"] for claim in memory.claims(text)}
    lines = [memory.line(claim.raw) for claim in moved if claim.id not in there]
    memory.replace(path, "\n".join([text.rstrip(), *lines]) + "\n")


def undo(host: Host, memory: Memory, *, force: bool = False) -> str:
    """Put the file back as it was before the last run; the diff of that.

    Raises:
        UsageError: there is nothing to put back, or the file changed since and `force` is not said.
    """
    kept = place(host, memory)
    state = keeping.load(kept)
    name = str(state.get("undo") or "")
    if not name or not (kept / name).is_file():
        raise UsageError("there is no dream to take back")
    with memory.locked():
        now, then = _read(memory.file), _read(kept / name)
        again: dict[str, Any] = {key: value for key, value in state.items() if key != "undo"}
        if not force and _digest(now) != state.get("made"):
            raise UsageError("the memory changed since the dream; `mimo dream --undo --force` puts the backup back")
        memory.replace(memory.file, then)
    keeping.save(kept, again)
    return Night(now, then).diff


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()


def _read(path: Path) -> str:
    """The text of a file, "" when there is none.

    Raises:
        UsageError: it cannot be read as it is, so nothing may be put in its place.
    """
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8: save it as UTF-8, then it can be tidied") from None
