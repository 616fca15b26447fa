"""What remembering costs: `python tests/bench/bench_memory.py [entries ...]`. Not collected by pytest.

Fills an index with a made-up log of coding work (words by Zipf's law, identifiers, error strings), fifty entries to
a document, and prints milliseconds per insert and per query, and the size of the file, which is its growth, too. A
query is asked everywhere, and as the tool `memory` does: in one project with twenty sessions. Next to the time that
passed stands that of the processor, as it would be if nothing else ran on the machine: each time is divided by what a
fixed piece of work took just before, and multiplied by the least that it ever took.
"""

from __future__ import annotations

import itertools
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "kernel"), str(ROOT / "plugins")]

from mimocode_plugins.memory.index.database import Document, Entry, Index  # noqa: E402
from mimocode_plugins.memory.index.ranking import EVERYWHERE, Where, search  # noqa: E402

WORDS, LENGTH, DOCUMENT = 30_000, 25, 50
SYLLABLES = [a + b for a in "bcdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "or")]


class Speech:
    """Texts as a working session makes them, the same every time."""

    def __init__(self, seed: int = 7) -> None:
        self.dice = random.Random(seed)
        self.words = list({"".join(self.dice.choices(SYLLABLES, k=self.dice.randint(2, 4))) for _ in range(WORDS)})
        self.words.sort()
        self.dice.shuffle(self.words)
        self.weights = list(itertools.accumulate(1 / (rank + 8) for rank in range(len(self.words))))

    def text(self) -> str:
        """One entry."""
        said = self.dice.choices(self.words, cum_weights=self.weights, k=LENGTH)
        if self.dice.random() < 0.3:
            said[3] = "_".join(self.dice.choices(self.words, k=2))
        return " ".join(said)

    def question(self, text: str) -> str:
        """Two to five words of an entry, as somebody would ask for it."""
        return " ".join(self.dice.sample(text.split(), self.dice.randint(2, 5)))


def measure(count: int) -> None:
    """Print one line."""
    speech = Speech()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.db"
        index, sample = Index(path), list[tuple[str, str]]()
        bulk = count - 1000
        for start in range(0, bulk, DOCUMENT):
            texts = [speech.text() for _ in range(min(DOCUMENT, bulk - start))]
            entries = [Entry(str(at), text, 1.7e9 + start + at) for at, text in enumerate(texts)]
            index.put(_document(start), entries)
            sample.append((f"{_document(start).path}", texts[speech.dice.randrange(len(texts))]))
        inserts = list[tuple[float, float]]()
        for at in range(1000):
            _timed(lambda at=at: index.append(_document(at), Entry("x", speech.text(), 1.8e9)), inserts)  # type: ignore[misc]
        asked = speech.dice.sample(sample, min(1000, len(sample)))
        found = 0
        everywhere, here = list[tuple[float, float]](), list[tuple[float, float]]()
        mine = [Where("projects", "p0", 1.1), Where("global")]
        mine += [Where("projects", f"p{owner}", 0.9) for owner in range(2, 42, 2)]
        for path_, text in asked:
            question = speech.question(text)
            hits = _timed(lambda q=question: search(index, q, EVERYWHERE), everywhere)  # type: ignore[misc]
            _timed(lambda q=question: search(index, q, mine), here)  # type: ignore[misc]
            found += any(hit.text == text and hit.path == path_ for hit in hits)
        size = sum(p.stat().st_size for p in Path(folder).iterdir()) / 2**20
        index.close()
    print(
        f"{count:,} entries: found {found / len(asked):.1%} in 10; {size:.0f} MiB, {size * 1024 / count:.2f} KiB each"
    )
    for name, times in (("insert", inserts), ("query", everywhere), ("query in a project", here)):
        passed, used = zip(*times, strict=True)
        print(f"  {name:<20} {_line(passed)}; processor {_line(used)}")


def _document(at: int) -> Document:
    return Document(f"/made/up/{at // DOCUMENT}.md", "projects", f"p{at // DOCUMENT % 50}", "memory")


def _work() -> float:
    """Seconds of the processor for a fixed piece of work."""
    used, sum, held = time.thread_time(), 0, dict[int, int]()
    for at in range(2000):
        held[at & 255] = at
        sum += held[at & 127]
    return time.thread_time() - used


USUAL = min(_work() for _ in range(2000))


def _timed(run: Callable[[], Any], times: list[tuple[float, float]]) -> Any:
    speed = USUAL / _work()
    began, used = time.perf_counter(), time.thread_time()
    made = run()
    times.append(((time.perf_counter() - began) * 1000, (time.thread_time() - used) * 1000 * speed))
    return made


def _line(times: Sequence[float]) -> str:
    ordered = sorted(times)
    return f"median {statistics.median(ordered):.2f} ms, p99 {ordered[int(len(ordered) * 0.99)]:.2f} ms"


if __name__ == "__main__":
    for number in [int(word.replace("_", "")) for word in sys.argv[1:]] or [10_000, 100_000]:
        measure(number)
