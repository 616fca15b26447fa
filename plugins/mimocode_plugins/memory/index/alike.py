"""What means the same in other words joins what was found by words: the better of both scores counts (DESIGN.md 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .hookspecs import find_alike
from .ranking import STANDING, Hit, Where, weight

if TYPE_CHECKING:
    from mimocode.host import Host

    from .database import Index

MOST = 20_000
"""Entries that are compared, the newest first."""
_ENTRIES = (
    "SELECT e.id, e.text, d.scope, d.owner, d.type FROM entries e JOIN documents d ON d.id = e.document"
    " ORDER BY e.time DESC, e.id DESC"
)
_HITS = (
    "SELECT e.id, d.path, d.scope, d.owner, d.type, e.key, e.text, e.time, e.status FROM entries e"
    " JOIN documents d ON d.id = e.document WHERE e.id IN ({})"
)


async def joined(
    hits: list[Hit], query: str, index: Index, where: Sequence[Where], types: Sequence[str], limit: int, host: Host
) -> list[Hit]:
    """The hits of a search by words, with those that only mean the same; as they were when nobody knows such."""

    def texts() -> Mapping[int, str]:
        found: dict[int, str] = {}
        with index.reading() as db:
            for id, text, scope, owner, type in db.execute(_ENTRIES):
                if weight(scope, owner, where) and (not types or type in types):
                    found[id] = text
                    if len(found) == MOST:
                        break
        return found

    alike = await host.hooks.first(find_alike, query=query, texts=texts, host=host)
    if not alike:
        return hits
    best = max((hit.score for hit in hits), default=0.0) or 1.0
    by_words = {hit.id: hit.score / best for hit in hits}
    with index.reading() as db:
        marks = ",".join(str(id) for id in {*by_words, *alike})
        rows = db.execute(_HITS.format(marks)).fetchall()
    scored: list[Hit] = []
    for id, path, scope, owner, type, key, text, time, status in rows:
        prior = min(weight(scope, owner, where) * STANDING.get(status, 1.0), 1.0)
        score = max(by_words.get(id, 0.0), alike.get(id, 0.0) * prior) * best
        scored.append(Hit(id, path, scope, owner, type, key, text, time, status, score))
    return sorted(scored, key=lambda hit: (-hit.score, -hit.time, -hit.id))[:limit]
