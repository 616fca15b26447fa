"""What failed commands print, as real tools printed it, and what the agent is told first."""

from __future__ import annotations

import re
import shlex
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimocode import ToolCall
from mimocode.messages import assistant
from mimocode.testing import play
from mimocode_plugins.tools import diagnosis, shell
from mimocode_plugins.tools.diagnosis import reading
from mimocode_plugins.tools.diagnosis.placing import Places, placed
from mimocode_plugins.tools.diagnosis.reading import LARGEST, problems
from mimocode_plugins.tools.diagnosis.telling import SHOWN, line, shown

OUTPUTS = Path(__file__).with_name("outputs")
FILES = {
    *(f"/project/py/{name}" for name in ("main.py", "group.py", "syntax.py", "pkg/calc.py")),
    *(f"/project/py/tests/test_{name}.py" for name in ("calc", "unit", "import")),
    *(f"/project/js/{name}" for name in ("app.js", "cart.js", "broken.js", "missing.js", "reject.mjs", "lint.js")),
    *(f"/project/js/{name}" for name in ("cart.test.js", "cart.vitest.test.mjs", "test/cart.mocha.js")),
    "/project/js/test/node.test.mjs",
    "/project/ts/a.ts",
    *(f"/project/go/{name}" for name in ("main.go", "run/main.go", "calc/calc.go", "calc/calc_test.go")),
    *(f"/project/rust/{name}" for name in ("bad.rs", "panic.rs", "src/lib.rs")),
    "/project/java/Bad.java",
    "/project/java/src/main/java/shop/Cart.java",
    *(f"/project/c/{name}" for name in ("a.c", "b.cpp", "e.cpp", "link.c", "asan.c", "Broken.mk", "Plain.mk")),
    "/project/c/Makefile",
}
"""The files of the projects in which the outputs were made."""


def expected() -> list[tuple[str, str, list[str]]]:
    """Name of an output, the folder it was made in, and the lines that must be told."""
    cases = (OUTPUTS / "expected.md").read_text().split("# ")[1:]
    heads = [case.splitlines() for case in cases]
    return [(head[0].split()[0], head[0].split()[2], [told for told in head[1:] if told]) for head in heads]


@pytest.mark.parametrize(("name", "folder", "lines"), expected(), ids=[name for name, _, _ in expected()])
def test_the_problems_in_what_a_tool_really_printed(name: str, folder: str, lines: list[str]) -> None:
    here = Path("/project") / folder
    places = Places(here, here, lambda path: path in FILES)
    assert [line(item) for item in placed(problems((OUTPUTS / f"{name}.txt").read_text()), places)] == lines


def test_every_output_has_an_expectation() -> None:
    assert {path.stem for path in OUTPUTS.glob("*.txt")} == {name for name, _, _ in expected()}


def told(text: str, *files: str) -> list[str]:
    here = Path("/project")
    return [
        line(item) for item in placed(problems(text), Places(here, here, {f"/project/{f}" for f in files}.__contains__))
    ]


def test_forms_that_no_tool_here_prints() -> None:
    assert told("[ERROR] /project/src/A.java:[3,5] cannot find symbol", "src/A.java") == [
        "src/A.java:3:5: cannot find symbol"
    ]
    assert told("e: file:///project/A.kt:3:5 Unresolved reference: x", "A.kt") == ["A.kt:3:5: Unresolved reference: x"]
    assert told("thread 'main' panicked at 'no', src/a.rs:2:5", "src/a.rs") == ["src/a.rs:2:5: no"]
    assert told("error: expected `;`\r\n  --> a.rs:1:2\r\n", "a.rs") == ["a.rs:1:2: expected `;`"]


def test_files_of_the_project_come_first_and_libraries_last() -> None:
    text = "/usr/include/x.h:1:1: error: far\nnode_modules/p/i.js:1:1: error: theirs\nb.c:2:1: warning: small\na.c:1:1: error: near\n"
    assert told(text, "a.c", "b.c", "node_modules/p/i.js") == [
        "a.c:1:1: near",
        "b.c:2:1: warning: small",
        "/usr/include/x.h:1:1: far",
        "node_modules/p/i.js:1:1: theirs",
    ]


def test_a_file_outside_is_never_taken_for_one_inside() -> None:
    assert told("../secret.c:1:1: error: x\n/etc/passwd:1:1: error: y") == ["../secret.c:1:1: x", "/etc/passwd:1:1: y"]
    items = placed(problems("../a.c:1:1: error: x"), Places(Path("/project"), Path("/project"), lambda path: True))
    assert [item.own for item in items] == [False]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok\n",
        "12:30:15: started\n",
        "src/a.py:12: def f():\n",
        "see http://x.y:80/z: it works\n",
        "1:2: 3\n",
        "a: 1: b\n",
    ],
)
def test_what_complains_of_nothing(text: str) -> None:
    assert told(text, "src/a.py") == []


def test_many_problems_are_bounded_and_long_ones_cut() -> None:
    text = "".join(f"a.c:{n}:1: error: {'x' * 900}\n" for n in range(1, 40))
    items = placed(problems(text), Places(Path("/p"), Path("/p"), lambda path: True))
    block = shown(items)
    assert block.count("\n") == SHOWN + 2
    assert "... and 29 more" in block
    assert len(block) < 2500


PIECES = [path.read_text() for path in sorted(OUTPUTS.glob("*.txt"))]
LINES = sorted({each for piece in PIECES for each in piece.splitlines()})


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(LINES), st.text(max_size=40)), max_size=30))
def test_no_text_makes_it_fail(lines: list[str]) -> None:
    found = problems("\n".join(lines))
    for item in placed(found, Places(Path("/project"), Path("/project"), lambda path: True)):
        assert line(item).count("\n") == 0


@pytest.mark.parametrize(
    "piece",
    [
        "x",
        "a" * 900 + ":\n",
        "abc def: 1\n",
        '  File "x.py", line 3\n',
        "   at f (b.js:1:2)\n",
        "\x1b[",
        " " * 900 + "x\n",
        "_" * 900 + "\n",
        "a.b." * 200 + "\n",
    ],
)
def test_time_is_in_proportion_to_the_text(piece: str) -> None:
    def seconds(size: int) -> float:
        text = (piece * (size // len(piece) + 1))[:size]
        begin = time.process_time()
        problems(text)
        return time.process_time() - begin

    small = max(seconds(100_000), seconds(100_000), 0.01)
    assert seconds(1_000_000) < 60 * small  # ten times the text; a square would be a hundred times the time


def test_more_than_the_largest_text_is_read_at_both_ends() -> None:
    text = "a.c:1:1: error: first\n" + "dull\n" * (LARGEST // 4) + "a.c:2:1: error: last\n"
    assert told(text, "a.c") == ["a.c:1:1: first", "a.c:2:1: last"]


def test_of_millions_of_short_lines_the_first_and_the_last_are_read() -> None:
    error = "a.c:{}:1: error: expected ';'\n"
    text = error.format(1) + "y\n" * 4_000_000 + error.format(2)
    assert len(reading.lines(text)) == reading.LINES
    assert [problem.spots[0].line for problem in problems(text)] == [1, 2]
    for text in ("", "a", "a\n", "a\r\nb\rc\n", "x\n" * (reading.LINES - 1)):
        assert reading.lines(text) == re.split(r"\r\n|\r|\n", text)


async def test_a_failed_command_begins_with_its_problems(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def f():\n    return 1 / 0\n\nf()\n")
    python = shlex.quote(sys.executable)
    calls = [
        ToolCall(str(n), "bash", {"command": command})
        for n, command in enumerate([f"{python} bad.py", f"{python} bad.py; true", "exit 3"])
    ]
    script = [assistant("", *calls), "done"]
    async with play(*script, plugins=[shell, diagnosis], directory=tmp_path) as session:
        from mimocode.events import Say

        await session.submit(Say("run"))
        await session.settled()
        failed, fine, silent = [m.text for m in session.state.messages if m.role == "tool"]
    assert failed.startswith(
        "<problems>\nbad.py:2: ZeroDivisionError: division by zero (from bad.py:4)\n</problems>\n\nTraceback"
    )
    assert fine.startswith("Traceback")
    assert "<problems>" not in silent


async def test_problems_in_the_part_that_was_cut_are_found_too(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("")
    command = "seq 1 20000; echo 'a.c:7:1: error: in the middle'; seq 1 20000; exit 1"
    async with play(
        assistant("", ToolCall("1", "bash", {"command": command})),
        "done",
        plugins=[shell, diagnosis],
        directory=tmp_path,
    ) as session:
        from mimocode.events import Say

        await session.submit(Say("run"))
        await session.settled()
        (result,) = [m.text for m in session.state.messages if m.role == "tool"]
    assert result.startswith("<problems>\na.c:7:1: in the middle\n</problems>\n\n1\n2\n")
