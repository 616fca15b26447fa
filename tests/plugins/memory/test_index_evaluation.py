"""`mimo memory eval`: anyone's questions against anyone's corpus, through the ways that memory itself takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mimocode_plugins.memory.index.database import TAIL, Document, Entry, Index
from mimocode_plugins.memory.index.evaluation import moment
from mimocode_plugins.memory.index.ranking import search
from support.cli import Cli

TALK = [
    ("a1", "monday", "2023-05-08T13:56:00", "Caroline: I went to the pottery class yesterday."),
    ("a2", "monday", "2023-05-08T13:57:00", "Melanie: Great, what did you make there?"),
    ("a3", "monday", "2023-05-08T13:58:00", "Caroline: A blue bowl for my sister."),
    ("b1", "friday", "1:56 pm on 12 May, 2023", "Melanie: My car broke down, so I bought a bicycle."),
    ("b2", "friday", 1683900000, "Caroline: That's a brave choice!"),
]


def lines(path: Path, *values: object) -> str:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return str(path)


def test_hits_come_by_id_best_first(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "cli")
    corpus = [dict(zip(("id", "parent", "time", "text"), said, strict=True)) for said in TALK]
    asked = {
        "irregular": "What did Melanie buy?",
        "neighbour": "What bowl did Caroline make in the pottery class?",
        "day": "What happened on May 12th?",
        "nothing": "???",
    }
    files = [
        lines(tmp_path / "c.jsonl", *corpus, {"id": 7, "parent": None, "time": None, "text": "unrelated zebra"}),
        lines(
            tmp_path / "q.jsonl", *({"id": id, "text": text} for id, text in asked.items()), {"id": 1, "text": "zebras"}
        ),
    ]
    out = tmp_path / "r.jsonl"
    done = cli("memory", "eval", "--corpus", files[0], "--queries", files[1], "-k", "3", "--out", str(out))
    assert (done.code, done.out, done.err.splitlines()[0]) == (0, "", "remembered 6"), done.err
    results = {line["id"]: line for line in map(json.loads, out.read_text().splitlines())}
    assert list(results) == [*asked, 1]
    assert results["irregular"]["hits"][0] == "b1"
    assert set(results["neighbour"]["hits"][:2]) == {"a1", "a3"}
    assert set(results["day"]["hits"][:2]) == {"b1", "b2"}
    assert (results["nothing"]["hits"], results[1]["hits"]) == ([], [7])
    assert all(line["ms"] > 0 for line in results.values())
    assert not list((cli.home / ".local/share").glob("*/memory.db")), "nothing of it is remembered for good"


@pytest.mark.parametrize("line", ["{", '{"id": 1}', "[]"])
def test_a_line_that_makes_no_sense_is_named(line: str, tmp_path: Path) -> None:
    cli = Cli(tmp_path / "cli")
    corpus, queries = tmp_path / "c.jsonl", lines(tmp_path / "q.jsonl", {"id": 1, "text": "x"})
    corpus.write_text(f'{{"id": 1, "text": "x"}}\n{line}\n')
    done = cli("memory", "eval", "--corpus", str(corpus), "--queries", queries, "--out", str(tmp_path / "r.jsonl"))
    assert done.code == 2
    assert f"{corpus}:2: " in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (1683900000, (1683900000.0, "")),
        (1683900000000, (1683900000.0, "")),
        ("2023-05-12T14:00:00Z", (1683900000.0, "")),
        ("2023/05/12 (Fri) 02:21", (1683849600.0, "")),
        ("1:56 pm on 12 May, 2023", (1683849600.0, "")),
        ("last spring", (0.0, "last spring")),
        (None, (0.0, "")),
    ],
)
def test_times_in_many_forms(said: object, expected: tuple[float, str]) -> None:
    assert moment(said) == expected


def test_what_was_added_last_is_found_before_and_after_it_is_settled(tmp_path: Path) -> None:
    index, document = Index(tmp_path / "memory.db"), Document("a.md", "projects", "p")
    for at in range(TAIL + 5):
        index.append(document, Entry(str(at), f"word{at} in common"))
    assert index.db.execute("SELECT indexed FROM totals").fetchone() == (TAIL,)
    assert [search(index, f"word{at}")[0].key for at in (0, TAIL - 1, TAIL, TAIL + 4)] == [
        str(at) for at in (0, TAIL - 1, TAIL, TAIL + 4)
    ]
    index.put(document, [Entry("0", "word0 in common")])
    index.append(document, Entry("1", "phoenix"))
    assert [search(index, word)[0].key for word in ("phoenix", "word0")] == ["1", "0"]
    assert {hit.key for hit in search(index, "common")} == {"0"}, "what is gone is gone"
    index.close()
