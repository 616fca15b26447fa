"""Which entries hold a word: whatever is added, changed and forgotten, by one process or another."""

from __future__ import annotations

import sqlite3
from array import array
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mimocode_plugins.memory.index import database, gather, postings
from mimocode_plugins.memory.index.database import Document, Entry, Index
from mimocode_plugins.memory.index.ranking import Where, search

WORDS = ["apple", "birch", "cedar", "maple", "端口", "接"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "append", "drop", "settle"]),
        st.sampled_from(["a", "b", "c"]),
        st.lists(st.sampled_from(WORDS), max_size=4),
        st.booleans(),
    ),
    max_size=25,
)


NUMBERED_ANEW = [("put", name, ["apple"] * n, True) for name, n in (("a", 1), ("b", 1), ("a", 0), ("b", 0), ("b", 1))]
"""SQLite gives the number of the last entry again when that entry is gone."""


@settings(max_examples=25, deadline=None)
@example(NUMBERED_ANEW)
@given(STEPS)
def test_what_two_processes_put_and_drop_is_found_as_it_is(steps: list[tuple[str, str, list[str], bool]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = (Index(Path(folder) / "memory.db") for _ in range(2))
        kept: dict[str, list[str]] = {}
        for what, name, said, other in steps:
            index = theirs if other else ours
            where = Document(name, "projects", name, "memory")
            if what == "put":
                kept[name] = said
                index.put(where, [Entry(str(at), word) for at, word in enumerate(said)])
            elif what == "append" and said:
                kept.setdefault(name, []).append(said[0])
                index.append(where, Entry("x", said[0]))
            elif what == "drop":
                kept.pop(name, None)
                index.drop([name])
            else:
                index.settle()
            for word in WORDS:
                for name in ("a", "b", "c"):
                    hits = search(ours, word, [Where("projects", name)], limit=50, floor=0)
                    texts = sorted(hit.text for hit in hits if word in hit.text)
                    assert texts == sorted(text for text in kept.get(name, []) if word in text)
        ours.close()
        theirs.close()


def test_what_lies_in_many_parts_is_found_newest_first(tmp_path: Path) -> None:
    index = Index(tmp_path / "memory.db")
    with index.writing() as db:
        entries = [(at * postings.PART, {"often"} | ({"rare"} if at in (3, 170) else set())) for at in range(1, 200)]
        postings.add(db, entries)
        last = entries[-1][0]
        rare, often = postings.Lists("rare", last), postings.Lists("often", last)
        assert [part for part, _ in rare.parts(db)] == [170, 3]
        assert [part for part, _ in often.parts(db)] == list(range(199, 0, -1))
        assert (list(often.at(db, 5)), list(often.at(db, 0))) == ([0], [])
        postings.remove(db, [(3 * postings.PART, {"rare"})])
        assert [part for part, _ in postings.Lists("rare", last).parts(db)] == [170]
    index.close()


PLACES = st.sets(st.integers(0, postings.PART - 1)) | st.builds(
    lambda start, end, step: set(range(start, end, step)),
    st.integers(0, 3000),
    st.integers(3000, postings.PART),
    st.integers(1, 90),
)


@given(PLACES, PLACES, st.booleans(), st.booleans())
def test_lists_and_bits_are_compared_alike(one: set[int], two: set[int], bits: bool, other_bits: bool) -> None:
    first, second = (
        postings.bits(held) if as_bits else array("H", sorted(held))
        for held, as_bits in ((one, bits), (two, other_bits))
    )
    assert list(postings.newest(postings.both(first, second))) == sorted(one & two, reverse=True)


def test_what_many_entries_of_a_full_part_hold_is_kept_as_bits(tmp_path: Path) -> None:
    index = Index(tmp_path / "memory.db")
    all = range(1, postings.PART + 3)
    with index.writing() as db:
        postings.add(db, ((id, {"all"} | ({"some"} if id % 100 == 0 else set())) for id in all[:-3]))
        postings.add(db, ((id, {"all"}) for id in all[-3:]))
        kinds = dict(db.execute("SELECT stem, length(ids) % 2 FROM postings WHERE part = 0"))
        assert kinds == {"all": 1, "some": 0}
        postings.remove(db, [(7, {"all"}), (100, {"some"}), (postings.PART, {"all"})])
        left = {stem: [held(db, stem, part) for part in (0, 1)] for stem in ("all", "some")}
    assert left["all"] == [[id for id in all if id < postings.PART and id != 7], [1, 2]]
    assert left["some"] == [list(range(200, postings.PART, 100)), []]
    index.close()


def held(db: sqlite3.Connection, stem: str, part: int) -> list[int]:
    return sorted(postings.newest(postings.Lists(stem, 2 * postings.PART).at(db, part)))


def test_an_index_of_an_older_version_is_made_anew(tmp_path: Path) -> None:
    index = Index(tmp_path / "memory.db")
    index.append(Document("a.md", "projects", "a", "memory"), Entry("1", "kept in a file"))
    index.db.execute(f"PRAGMA user_version={database.VERSION - 1}")
    index.close()
    index = Index(tmp_path / "memory.db")
    assert search(index, "kept", gather.EVERYWHERE) == []
    index.close()
