"""multiedit, apply_patch and notebook_edit, through a real MCP client on real files."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mimocode.errors import ToolFailed
from mimocode.messages import ToolCall
from mimocode.testing import play, talk
from mimocode_plugins.guard import permission
from mimocode_plugins.tools import patch
from mimocode_plugins.tools.patch.applying import apply
from mimocode_plugins.tools.patch.envelope import Hunk, parse
from mimocode_plugins.tools.patch.hunks import patched
from mimocode_plugins.tools.patch.server import build
from mimocode_plugins.tools.place import Place
from mimocode_plugins.tools.text.ledger import Ledger
from support.calling import Tools, connected
from support.catalogues import catalogue


@pytest.fixture
def ledger() -> Ledger:
    return Ledger({})


@pytest.fixture
async def tools(tmp_path: Path, ledger: Ledger) -> AsyncIterator[Tools]:
    async with connected(build(Place(tmp_path, tmp_path), ledger), tmp_path) as tools:
        yield tools


def envelope(*lines: str) -> str:
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch"])


def tree(root: Path) -> dict[str, str]:
    """Every file below a directory with mode and hash of its content."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            found[f"{path.relative_to(root)}/"] = ""
        else:
            data = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
            mode = stat.S_IMODE(path.lstat().st_mode)
            found[str(path.relative_to(root))] = f"{mode:o} {hashlib.sha256(data).hexdigest()[:8]}"
    return found


# -- apply_patch ----------------------------------------------------------------


async def test_a_patch_changes_several_files_at_once(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text("def one():\n    return 1\n\n\ndef two():\n    return 1\n")
    (tmp_path / "run.sh").write_text("#!/bin/sh\necho hi\n")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "old.txt").write_text("gone\n")
    result = await tools.raw(
        "apply_patch",
        patch_text=envelope(
            "*** Update File: src/a.py",
            "@@ def two():",
            "-    return 1",
            "+    return 2",
            "*** Add File: doc/new.md",
            "+# New",
            "+",
            "*** Update File: run.sh",
            "*** Move to: bin/run",
            " #!/bin/sh",
            "-echo hi",
            "+echo ho",
            "*** Delete File: old.txt",
        ),
    )
    assert result.content[0].text == ("Applied the patch:\nM src/a.py\nA doc/new.md\nM bin/run (was run.sh)\nD old.txt")
    assert (tmp_path / "src/a.py").read_text() == "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
    assert (tmp_path / "doc/new.md").read_text() == "# New\n\n"
    assert (tmp_path / "bin/run").read_text() == "#!/bin/sh\necho ho\n"
    assert stat.S_IMODE((tmp_path / "bin/run").stat().st_mode) == 0o755
    assert not (tmp_path / "run.sh").exists() and not (tmp_path / "old.txt").exists()
    shown = result.structured_content
    assert (shown["title"], shown["additions"], shown["deletions"]) == ("src/a.py and 3 more", 4, 3)
    assert [each["mark"] for each in shown["files"]] == ["M", "A", "M", "D"]
    assert "-    return 1\n+    return 2" in shown["diff"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["*** Update File: a", "@@", " zwei", "-drei!", "+x"], "Hunk 1 of a does not fit. Nothing was changed."),
        (["*** Update File: b", "-same", "+x"], "Hunk 1 of b fits 2 places (lines 1, 3). Add lines around it"),
        (["*** Update File: a", "@@ nowhere", "-eins", "+x"], "there is no line 'nowhere' to be found below"),
        (["*** Update File: missing", "-eins", "+x"], "There is no file"),
        (["*** Add File: a", "+x"], "exists already: use *** Update File"),
        (["*** Delete File: missing"], "There is no file"),
        (["*** Update File: a", "*** Move to: b"], "b exists already and is not overwritten"),
        (["*** Delete File: a", "*** Update File: a", "-eins", "+x"], "has deleted or moved"),
        (["*** Update File: binary", "-eins", "+x"], "is a binary file"),
        (["*** Update File: a", "eins"], "a line of a hunk begins with a space, + or -"),
        (["*** Update File: a"], "the update changes nothing"),
        (["*** Add File: n", "x"], "each line of a new file begins with +"),
        (["*** Delete File: a", "-eins"], "nothing follows a delete"),
        (["hello"], "each line of a new file begins with +"),
        ([], "names no file"),
        (["*** Add File: "], "names no file"),
    ],
)
async def test_when_one_part_does_not_fit_nothing_changes(
    tools: Tools, tmp_path: Path, lines: list[str], message: str
) -> None:
    (tmp_path / "a").write_text("eins\nzwei\ndrei\n")
    (tmp_path / "b").write_text("same\nother\nsame\n")
    (tmp_path / "c").write_text("c\n")
    (tmp_path / "binary").write_bytes(b"eins\0")
    before = tree(tmp_path)
    good = ["*** Update File: c", "-c", "+d", "*** Add File: first", "+x"]
    assert message in await tools.fails("apply_patch", patch_text=envelope(*good, *lines) if lines else envelope())
    assert tree(tmp_path) == before


@pytest.mark.parametrize("text", ["", "x", "*** Begin Patch", "*** Begin Patch\n*** Add File: a\n+x"])
async def test_what_is_no_patch_is_refused(tools: Tools, tmp_path: Path, text: str) -> None:
    assert "A patch " in await tools.fails("apply_patch", patch_text=text)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    "name",
    [
        "../out",
        "a/../../out",
        "/etc/out",
        "~/out",
        "link/out",
        "file-link",
        "dangling",
        "nul\0",
        "carriage\rreturn",
        "escape\x1b[31m",
        ".",
        "a" * 300,
    ],
)
@pytest.mark.parametrize("how", ["*** Add File: {}\n+x", "*** Delete File: {}", "*** Update File: in\n*** Move to: {}"])
async def test_no_path_leaves_the_project(tmp_path: Path, name: str, how: str) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir(), outside.mkdir()
    (outside / "secret").write_text("s")
    (project / "in").write_text("in\n")
    (project / "link").symlink_to(outside)
    (project / "file-link").symlink_to(outside / "secret")
    (project / "dangling").symlink_to(outside / "nothing")
    before = tree(tmp_path)
    async with connected(build(Place(project, project)), project) as tools:
        await tools.fails("apply_patch", patch_text=envelope(how.format(name)))
    assert tree(tmp_path) == before


async def test_a_link_in_the_project_is_followed_by_updates_and_kept(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("a\n")
    (tmp_path / "link").symlink_to("real")
    await tools("apply_patch", patch_text=envelope("*** Update File: link", "-a", "+b"))
    assert (tmp_path / "real").read_text() == "b\n" and (tmp_path / "link").is_symlink()
    for lines in (["*** Delete File: link"], ["*** Update File: link", "*** Move to: other"]):
        assert "is a link" in await tools.fails("apply_patch", patch_text=envelope(*lines))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_what_was_written_is_put_back_when_the_disk_refuses(tools: Tools, tmp_path: Path) -> None:
    await _refused(tools, tmp_path)


async def test_what_was_written_is_put_back_when_writing_fails(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a\n")
    (tmp_path / "a").chmod(0o640)
    (tmp_path / "gone").write_text("g\n")
    before = tree(tmp_path)
    text = envelope(
        *["*** Update File: a", "-a", "+b", "*** Add File: deep/er/new", "+x", "*** Delete File: gone"],
        *["*** Add File: a/below", "+x"],  # a is a file: no directory can be made
    )
    message = await tools.fails("apply_patch", patch_text=text)
    assert message.endswith("all files are as they were.")
    assert tree(tmp_path) == before


async def _refused(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a\n")
    (tmp_path / "shut").mkdir()
    (tmp_path / "shut/b").write_text("b\n")
    (tmp_path / "shut").chmod(0o555)
    before = tree(tmp_path)
    text = envelope("*** Update File: a", "-a", "+b", "*** Delete File: shut/b")
    assert "permission denied; all files are as they were" in await tools.fails("apply_patch", patch_text=text)
    assert tree(tmp_path) == before


async def test_a_file_may_be_changed_twice_and_a_name_reused(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n2\n")
    await tools(
        "apply_patch",
        patch_text=envelope(
            *["*** Update File: a", "-1", "+one", "*** Update File: a", "-2", "+two"],
            *["*** Update File: a", "*** Move to: b", "*** Add File: a", "+new"],
        ),
    )
    assert ((tmp_path / "a").read_text(), (tmp_path / "b").read_text()) == ("new\n", "one\ntwo\n")


@pytest.mark.parametrize(
    ("before", "lines", "after"),
    [
        ("a\r\nb\r\nc\r\n", [" a", "-b", "+x", "+y"], "a\r\nx\r\ny\r\nc\r\n"),
        ("a\nb\r\nc\n", [" b", "-c", "+x"], "a\nb\r\nx\n"),
        ("a\nb", [" a", "-b", "+x"], "a\nx"),
        ("a\nb", [" b", "+c"], "a\nb\nc"),
        ("a\nb\n", ["@@", "+c"], "a\nb\nc\n"),
        ("", ["+c"], "c\n"),
        ("a\nb\n", ["-a", "-b"], ""),
        ("f:\n  x\ng:\n  x\n", ["@@ g:", "-  x", "+  y"], "f:\n  x\ng:\n  y\n"),
        ("c:\n m:\n  x\nd:\n m:\n  x\n", ["@@ d:", "@@  m:", "-  x", "+  y"], "c:\n m:\n  x\nd:\n m:\n  y\n"),
        ("x\ny\nx\n", ["-x", "+z", "*** End of File"], "x\ny\nz\n"),
        ("a  \nb\n", [" a", "-b", "+c"], "a  \nc\n"),
        ("\tif:\n\t\tb\n", [" if:", "-b", "+\t\tc"], "\tif:\n\t\tc\n"),
        ("a\n\nb\n", [" a", "", "-b", "+c"], "a\n\nc\n"),
        ("a\nb\nc\n", ["@@", "-c", "+z", "@@", "-a", "+y"], "y\nb\nz\n"),
        ("a\nb\n", ["@@ -1,2 +1,2 @@", "-a", "+c"], "c\nb\n"),
        ("\ufeffa\n", ["-a", "+b"], "\ufeffb\n"),
    ],
)
async def test_where_lines_go_and_how_they_end(
    tools: Tools, tmp_path: Path, before: str, lines: list[str], after: str
) -> None:
    (tmp_path / "f").write_bytes(before.encode())
    await tools("apply_patch", patch_text=envelope("*** Update File: f", *lines))
    assert (tmp_path / "f").read_bytes().decode() == after


async def test_a_patch_may_come_as_a_here_document_or_with_crlf(tools: Tools, tmp_path: Path) -> None:
    await tools("apply_patch", patch_text="<<'EOF'\n" + envelope("*** Add File: a", "+x") + "\nEOF\n")
    await tools("apply_patch", patch_text=envelope("*** Add File: b", "+x").replace("\n", "\r\n"))
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()) == (b"x\n", b"x\n")


_LINES = st.lists(st.sampled_from(["a", "b", "  a", "", "*** End of File x", "@@", "+", "-x", "é"]), max_size=12)


@settings(deadline=None)
@given(_LINES, st.data(), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_a_hunk_that_fits_once_changes_that_place_only(
    lines: list[str], data: st.DataObject, ends: str, end: bool
) -> None:
    text = "".join(line + ends for line in lines)
    if lines and lines[-1] and not end:
        text = text.removesuffix(ends)
    start = data.draw(st.integers(0, len(lines)))
    stop = data.draw(st.integers(start, len(lines)))
    new = data.draw(_LINES)
    old = lines[start:stop]
    hunk = Hunk(lines=[("-", line) for line in old] + [("+", line) for line in new])
    try:
        after = patched(text, [hunk], "f")
    except ToolFailed:
        assert sum(lines[n : n + len(old)] == old for n in range(len(lines) - len(old) + 1)) > 1
        return
    if not old:
        start = stop = len(lines)
    expected = lines[:start] + new + lines[stop:]
    assert after.replace("\r\n", "\n").split("\n") in (
        expected,
        [*expected, ""],
        expected[:-1] if expected[-1:] == [""] else None,
    )
    assert set(after.replace("\r\n", "")) & set("\r\n") == set() or ends == "\n" or "\n" not in text


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "*** Add File: a",
                "*** Update File: b",
                "*** Delete File: c",
                "*** Move to: d",
                "@@",
                "@@ x",
                " x",
                "+y",
                "-x",
                "",
                "*** End of File",
                "*** End Patch",
                "*** Begin Patch",
                "zzz",
                "\r",
                "*** Add File: ../x",
            ]
        )
    )
)
@example(["*** Update File: b", "*** Move to: d"])
def test_whatever_is_written_a_patch_is_applied_whole_or_refused(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(os.path.realpath(directory)) / "root"
        root.mkdir()
        (root / "b").write_text("x\n")
        (root / "c").write_text("x\n")
        before = tree(root.parent)
        text = envelope(*lines)
        try:
            operations = parse(text)
            apply(Place(root, root), text, Ledger({}))
        except ToolFailed:
            assert tree(root.parent) == before
        else:
            assert operations
            assert {path.parts[0] for path in map(Path, tree(root.parent))} == {"root"}


async def test_guards_are_asked_about_every_file_of_a_patch(tmp_path: Path) -> None:
    """A rule about one file holds for a patch that names it, as a target of a rename too."""
    (tmp_path / "a").write_text("a\n")
    texts = [
        envelope("*** Add File: fine", "+x", "*** Update File: a", "*** Move to: kept/b"),
        envelope("*** Add File: kept/c", "+x"),
        envelope("*** Add File: fine", "+x"),
    ]
    calls = [[ToolCall(str(n), "apply_patch", {"patchText": text})] for n, text in enumerate(texts)]
    from mimocode.ports import Agent

    careful = Agent("careful", options={"permission": {"edit": {"*": "allow", "kept/*": "deny"}}})
    async with play(*calls, "done", plugins=[permission, patch], directory=tmp_path, agent=careful) as session:
        from mimocode.events import Say

        await session.submit(Say("go"))
        await session.settled()
        said = [line for line in talk(session) if line.startswith("tool")]
    assert [line.split(":")[1].strip() for line in said] == ["Denied", "Denied", "Applied the patch"]
    assert tree(tmp_path).keys() == {"a", "fine"}


# -- multiedit ------------------------------------------------------------------


async def test_several_edits_in_one_file(tools: Tools, ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("a b a\n")
    ledger.saw(file, file.read_bytes())
    edits = [
        {"old_string": "a", "new_string": "b", "replace_all": True},
        {"old_string": "b b b", "new_string": "c"},
    ]
    assert await tools("multiedit", file_path="f", edits=edits) == "Replaced 3 places in 2 edits."
    assert file.read_text() == "c\n"
    new = [{"old_string": "", "new_string": "x\n"}, {"old_string": "x", "new_string": "y"}]
    await tools("multiedit", file_path="sub/new", edits=new)
    assert (tmp_path / "sub/new").read_text() == "y\n"


async def test_when_one_edit_does_not_fit_none_is_made(tools: Tools, ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("a\n")
    edits = [{"old_string": "a", "new_string": "b"}, {"old_string": "a", "new_string": "c"}]
    assert "Read " in await tools.fails("multiedit", file_path="f", edits=edits)
    ledger.saw(file, file.read_bytes())
    message = await tools.fails("multiedit", file_path="f", edits=edits)
    assert message.startswith("Edit 2 of 2: old_string does not occur") and message.endswith("Nothing was changed.")
    assert "is empty" in await tools.fails("multiedit", file_path="f", edits=[])
    assert file.read_text() == "a\n"


# -- notebook_edit ----------------------------------------------------------------

CELLS = [
    {"cell_type": "markdown", "id": "intro", "metadata": {"k": 1.10}, "source": ["# Äh\n", "more"]},
    {"cell_type": "code", "execution_count": 3, "id": "c", "metadata": {}, "outputs": [{"x": 1}], "source": ["1+1"]},
]
BOOK = {"cells": CELLS, "metadata": {"big": 1e22}, "nbformat": 4, "nbformat_minor": 5}


def _book(how: str, cells: list[dict[str, object]] = CELLS) -> str:
    book = {**BOOK, "cells": cells}
    match how:
        case "compact":
            return json.dumps(book)
        case "ascii":
            return json.dumps(book, indent=1)
        case "four":
            return json.dumps(book, indent=4, ensure_ascii=False).replace("1.1", "1.10")
    return json.dumps(book, indent=1, ensure_ascii=False).replace("1.1", "1.10") + "\n"


@pytest.mark.parametrize("how", ["usual", "compact", "ascii", "four"])
async def test_cells_are_replaced_inserted_and_deleted(tools: Tools, ledger: Ledger, tmp_path: Path, how: str) -> None:
    file = tmp_path / "n.ipynb"
    file.write_text(_book(how))
    assert "Read " in await tools.fails("notebook_edit", notebook_path="n.ipynb", cell_id="c", new_source="2")
    ledger.saw(file, file.read_bytes())
    assert await tools("notebook_edit", notebook_path="n.ipynb", cell_id="c", new_source="x\ny") == "Replaced cell #1."
    new = [CELLS[0], {**CELLS[1], "execution_count": None, "outputs": [], "source": ["x\n", "y"]}]
    assert file.read_text() == _book(how, new)
    said = await tools(
        *["notebook_edit"], notebook_path="n.ipynb", cell_id="#0", new_source="é", cell_type="code", edit_mode="insert"
    )
    assert said == "Inserted a code cell as #1."
    inserted = json.loads(file.read_text())["cells"][1]
    assert (inserted["source"], inserted["outputs"], len(inserted["id"])) == (["é"], [], 8)
    assert file.read_text() == _book(how, [CELLS[0], inserted, new[1]])
    for gone in (inserted["id"], "c"):
        await tools("notebook_edit", notebook_path="n.ipynb", cell_id=gone, edit_mode="delete")
    assert file.read_text() == _book(how, [CELLS[0]])
    await tools("notebook_edit", notebook_path="n.ipynb", cell_id="#0", edit_mode="delete")
    assert json.loads(file.read_text())["cells"] == []
    await tools("notebook_edit", notebook_path="n.ipynb", new_source="z", cell_type="raw", edit_mode="insert")
    await tools("notebook_edit", notebook_path="n.ipynb", new_source="a", cell_type="raw", edit_mode="insert")
    assert [cell["source"] for cell in json.loads(file.read_text())["cells"]] == [["a"], ["z"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"cell_id": "no", "new_source": "x"},
            "There is no cell 'no': give an id or #index, counted from #0. Cells: intro, c.",
        ),
        ({"cell_id": "#2", "new_source": "x"}, "There is no cell '#2'"),
        ({"cell_id": "#-1", "new_source": "x"}, "There is no cell '#-1'"),
        ({"new_source": "x"}, "There is no cell ''"),
        ({"cell_id": "c"}, "new_source is missing"),
        ({"new_source": "x", "edit_mode": "insert"}, "cell_type is missing"),
    ],
)
async def test_what_makes_no_sense_leaves_the_notebook(
    tools: Tools, ledger: Ledger, tmp_path: Path, arguments: dict[str, str], message: str
) -> None:
    file = tmp_path / "n.ipynb"
    file.write_text(_book("usual"))
    ledger.saw(file, file.read_bytes())
    assert message in await tools.fails("notebook_edit", notebook_path="n.ipynb", **arguments)
    assert file.read_text() == _book("usual")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": {}}', '{"cells": [1]}', "nonsense", '{"cells": [' * 9_000])
async def test_what_is_no_notebook(tools: Tools, ledger: Ledger, tmp_path: Path, text: str) -> None:
    file = tmp_path / "n.ipynb"
    file.write_text(text)
    ledger.saw(file, file.read_bytes())
    message = await tools.fails("notebook_edit", notebook_path="n.ipynb", cell_id="#0", new_source="x")
    assert message == f"{file} is not a Jupyter notebook of format 4."
    assert file.read_text() == text


async def test_the_catalogue_is_what_the_server_lists() -> None:
    committed = Path(str(sys.modules["mimocode_plugins.tools.patch"].__file__)).with_name("catalogue.json")
    assert committed.read_text() == await catalogue(build(Place(Path("/"), Path("/"))))
