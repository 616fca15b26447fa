"""From a query and texts to how alike they are. What fails costs meanings, never a search."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2

from mimocode.errors import MimoError
from mimocode.ports import StashKey

from .vectors import Vectors, sum_of

if TYPE_CHECKING:
    from mimocode.host import Host

    from .settings import Embeddings

LEARNT = 256
"""Texts that one search asks vectors for at most, the newest first; the others' turn comes with later searches."""
FOUND = 50
LONGEST = 8_000
"""Characters of a text that are sent."""
PAUSE = 60.0
"""Seconds without asking after a failure."""


@dataclass
class _State:
    vectors: Vectors | None = None
    quiet_until: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


STATE: StashKey[_State] = StashKey("memory.embeddings")


async def likeness(
    query: str, texts: Callable[[], Mapping[int, str]], settings: Embeddings, host: Host
) -> Mapping[int, float] | None:
    """Numbers from 0 to 1 for the entries that are alike: how far their cosine is from `floor` to 1.

    None when there are no vectors now; why is reported.
    """
    state: _State = host.stash.setdefault(STATE, _State())
    if time.monotonic() < state.quiet_until:
        return None
    async with state.turn:
        try:
            if state.vectors is None:
                state.vectors = await asyncio.to_thread(Vectors, host.paths.data / "vectors.db")
            return await _compare(query, texts, settings, state.vectors)
        except MimoError as error:
            state.quiet_until = time.monotonic() + PAUSE
            host.report("embeddings", error)
            return None


async def _compare(
    query: str, texts: Callable[[], Mapping[int, str]], settings: Embeddings, vectors: Vectors
) -> dict[int, float]:
    entries = await asyncio.to_thread(texts)
    sums = {id: sum_of(text) for id, text in entries.items()}
    await asyncio.to_thread(vectors.ask, sums.values())
    missing = await asyncio.to_thread(vectors.missing, settings.model)
    fresh: dict[bytes, str] = {}
    for id, each in sums.items():
        if each in missing and len(fresh) < LEARNT and entries[id].strip():
            fresh[each] = entries[id]
    asked = [query, *fresh.values()]
    answers: list[Sequence[float]] = []
    async with httpx2.AsyncClient(timeout=settings.timeout) as client:
        for at in range(0, len(asked), max(settings.batch, 1)):
            answers += await _vectors(asked[at : at + max(settings.batch, 1)], settings, client)
    await asyncio.to_thread(vectors.keep, settings.model, dict(zip(fresh, answers[1:], strict=True)))
    found = await asyncio.to_thread(vectors.alike, settings.model, answers[0], settings.floor, FOUND)
    scale = max(1.0 - settings.floor, 1e-6)
    return {id: min((found[each] - settings.floor) / scale, 1.0) for id, each in sums.items() if each in found}


async def _vectors(texts: list[str], settings: Embeddings, client: httpx2.AsyncClient) -> list[Sequence[float]]:
    """Ask for the vectors of a batch.

    Raises:
        MimoError: they did not come, or make no sense.
    """
    url = settings.url.rstrip("/") + "/embeddings"
    headers = {"authorization": f"Bearer {settings.apiKey}"} if settings.apiKey else {}
    body = {"model": settings.model, "input": [text[:LONGEST] for text in texts], "encoding_format": "float"}
    try:
        answer = await client.post(url, json=body, headers=headers)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise MimoError(f"no embeddings from {url}: {str(error) or type(error).__name__}") from None
    if answer.status_code != 200:
        raise MimoError(f"no embeddings from {url}: status {answer.status_code}; check embeddings.model and apiKey")
    try:
        return _read(answer.json(), len(texts))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MimoError(f"what {url} answers are no embeddings: {type(error).__name__} {error}") from None


def _read(answer: Any, count: int) -> list[Sequence[float]]:
    rows = sorted(answer["data"], key=lambda row: int(row["index"]))
    vectors = [[float(number) for number in row["embedding"]] for row in rows]
    if len(vectors) != count or len({len(vector) for vector in vectors}) != 1 or not vectors[0]:
        raise ValueError(f"{len(vectors)} vectors for {count} texts")
    return vectors  # type: ignore[return-value]
