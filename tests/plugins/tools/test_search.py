"""Glob and grep, through a real MCP client on the real server, with ripgrep and without."""

from __future__ import annotations

import asyncio
import fnmatch
import os
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mimocode.errors import ToolFailed
from mimocode_plugins.tools.place import Place
from mimocode_plugins.tools.search import ripgrep, scan
from mimocode_plugins.tools.search.patterns import matcher, split
from mimocode_plugins.tools.search.server import build
from mimocode_plugins.tools.search.walk import Walk
from support.calling import Tools, connected, until
from support.catalogues import catalogue

RG = shutil.which("rg")
needs_rg = pytest.mark.skipif(RG is None, reason="ripgrep is not installed")


@pytest.fixture(params=[pytest.param("ripgrep", marks=needs_rg), "python"])
async def tools(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Tools]:
    if request.param == "python":
        monkeypatch.setenv("PATH", "")
    async with connected(build(Place(tmp_path, tmp_path)), tmp_path) as tools:
        yield tools


def _tree(root: Path, **files: str | bytes) -> None:
    """Files, each older than the one before it; `__` in a name is a slash."""
    for age, (name, content) in enumerate(files.items()):
        path = root / name.replace("__", "/").replace("DOT", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))


def _write(path: bytes) -> None:
    with open(path, "w") as file:
        file.write("hit\n")


def _names(text: str, root: Path) -> list[str]:
    return [str(Path(line).relative_to(root)) for line in text.splitlines()]


# -- glob ---------------------------------------------------------------------


async def test_files_are_found_by_name_newest_first(tools: Tools, tmp_path: Path) -> None:
    _tree(tmp_path, src__bDOTpy="", aDOTpy="", src__deep__cDOTpy="", readmeDOTmd="", DOThidden__dDOTpy="")
    assert _names(await tools("glob", pattern="**/*.py"), tmp_path) == [
        "src/b.py",
        "a.py",
        "src/deep/c.py",
        ".hidden/d.py",
    ]
    assert _names(await tools("glob", pattern="src/*.{py,md}"), tmp_path) == ["src/b.py"]
    assert _names(await tools("glob", pattern="c.py"), tmp_path) == ["src/deep/c.py"]
    assert _names(await tools("glob", pattern="**/*.py", path="src"), tmp_path) == ["src/b.py", "src/deep/c.py"]
    assert _names(await tools("glob", pattern=f"{tmp_path}/src/**/*.py"), tmp_path) == ["src/b.py", "src/deep/c.py"]
    assert await tools("glob", pattern="*.rs") == "No files found"


async def test_at_most_a_hundred_files_are_listed(tools: Tools, tmp_path: Path) -> None:
    _tree(tmp_path, **{f"f{n:03}": "" for n in range(130)})
    lines = (await tools("glob", pattern="*")).splitlines()
    assert [Path(line).name for line in lines[:100]] == [f"f{n:03}" for n in range(100)]
    assert lines[100:] == ["", "(30 older files not shown: use a narrower pattern or path.)"]


async def test_what_git_ignores_is_left_out(tools: Tools, tmp_path: Path) -> None:
    _tree(
        tmp_path,
        DOTgitignore="*.log\n/build/\n!keep.log\nnode_modules\n",
        DOTgit__config="",
        DOTgit__info__exclude="private\n",
        aDOTlog="x",
        keepDOTlog="x",
        build__x="x",
        sub__build__x="x",
        sub__DOTgitignore="*.tmp\n!*.log\n",
        sub__yDOTtmp="x",
        sub__zDOTlog="x",
        node_modules__lib__i="x",
        private="x",
    )
    found = {"keep.log", "sub/build/x", "sub/z.log", ".gitignore", "sub/.gitignore"}
    assert set(_names(await tools("glob", pattern="**"), tmp_path)) == found
    assert set(_names(await tools("glob", pattern="**", path="sub"), tmp_path)) == {
        "sub/build/x",
        "sub/z.log",
        "sub/.gitignore",
    }
    # Whoever names an ignored directory wants to see it.
    assert _names(await tools("glob", pattern="**", path="node_modules"), tmp_path) == ["node_modules/lib/i"]
    text = await tools("grep", pattern="x", include="*.log")
    assert {line[len(str(tmp_path)) + 1 : -1] for line in text.splitlines() if line.startswith("/")} == {
        "keep.log",
        "sub/z.log",
    }


async def test_odd_names_are_printed_harmlessly(tools: Tools, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/a\n\x1b[2J\xff"
    os.close(os.open(odd, os.O_CREAT))
    shown = f"{tmp_path}/a\\n\\x1b[2J\\xff"
    result = await tools.raw("glob", pattern="a*")
    assert (result.content[0].text, result.structured_content["paths"]) == (shown, [shown])
    _write(odd)
    assert (await tools("grep", pattern="hit")).startswith("Found 1 match")
    assert "cannot be a path" in await tools.fails("glob", pattern="*", path="~nobody-of-that-name")


async def test_links_are_not_followed_round_in_circles(tools: Tools, tmp_path: Path) -> None:
    _tree(tmp_path, d__f="needle")
    (tmp_path / "d/loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "d/pipe")
    assert _names(await tools("glob", pattern="**"), tmp_path) == ["d/f"]
    assert (await tools("grep", pattern="needle")).startswith("Found 1 match\n")


async def test_a_glob_that_makes_no_sense(tools: Tools, tmp_path: Path) -> None:
    assert "makes no sense" in await tools.fails("glob", pattern="[z-a]")
    assert "alternatives" in await tools.fails("glob", pattern="{a,b}" * 20)
    assert await tools.fails("glob", pattern="*", path="nowhere") == f"There is no {tmp_path}/nowhere."


# -- grep ---------------------------------------------------------------------


async def test_text_is_found_newest_file_first(tools: Tools, tmp_path: Path) -> None:
    _tree(tmp_path, bDOTpy="import os\nx = 1\nimport re\n", aDOTpy="import sys\n", cDOTmd="import me\n")
    result = await tools.raw("grep", pattern=r"^import \w+$", include="*.py")
    assert result.content[0].text == (
        f"Found 3 matches\n\n{tmp_path}/b.py:\n  Line 1: import os\n  Line 3: import re\n"
        f"\n{tmp_path}/a.py:\n  Line 1: import sys"
    )
    assert result.structured_content == {"title": r"^import \w+$", "matches": 3, "shown": 3}
    assert "c.md" in await tools("grep", pattern="me", path="c.md")
    assert await tools("grep", pattern="nothing like this") == "No matches found"


async def test_at_most_a_hundred_matches_are_shown_and_the_rest_counted(tools: Tools, tmp_path: Path) -> None:
    _tree(tmp_path, new="hit\n" * 60, mid="hit\n" * 60, old="hit\n" * 60)
    lines = (await tools("grep", pattern="hit")).splitlines()
    assert lines[0] == "Found 180 matches"
    assert [line for line in lines if line.startswith("/")] == [f"{tmp_path}/new:", f"{tmp_path}/mid:"]
    assert sum(line.startswith("  Line ") for line in lines) == 100
    assert lines[-1] == "(80 more not shown: narrow the pattern, path or include.)"


async def test_lines_encodings_and_binary_files(tools: Tools, tmp_path: Path) -> None:
    _tree(
        tmp_path,
        crlf="one\r\ntwo\r\n",
        wide="x" * 9000 + "\n",
        utf16=b"\xff\xfe" + "größe\n".encode("utf-16-le"),
        latin=b"gr\xf6\xdfe two\n",
        binary=b"two\n\x00two\n",
        late=b"two\n" * 50_000 + b"\x00",
    )
    text = await tools("grep", pattern="two$")
    assert text == f"Found 2 matches\n\n{tmp_path}/crlf:\n  Line 2: two\n\n{tmp_path}/latin:\n  Line 1: gr��e two"
    assert "  Line 1: größe" in await tools("grep", pattern="größe")
    assert (await tools("grep", pattern="x+")).splitlines()[-1] == "  Line 1: " + "x" * 2000 + "..."
    assert "is a binary file" in await tools.fails("grep", pattern="two", path="binary")


async def test_look_around_works_with_and_without_ripgrep(tools: Tools, tmp_path: Path) -> None:
    _tree(tmp_path, f="foobar\nfoobaz\n")
    assert "Line 2: foobaz" in await tools("grep", pattern="foo(?!bar)")
    assert (await tools("grep", pattern=r"(o)\1")).startswith("Found 2 matches")


async def test_patterns_that_begin_like_options_or_make_no_sense(tools: Tools, tmp_path: Path) -> None:
    _tree(tmp_path, f="--files\n")
    assert "Line 1: --files" in await tools("grep", pattern="--files")
    assert "is not a valid regular expression" in await tools.fails("grep", pattern="(a")
    assert "is empty" in await tools.fails("grep", pattern="")
    assert "is neither" in await tools.fails("grep", pattern="x", path="/dev/zero")


async def test_a_pattern_that_never_ends_is_stopped(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tree(tmp_path, f="a" * 60 + "b\n")
    monkeypatch.setattr(ripgrep, "SECONDS", 1.0)
    start = time.monotonic()
    # The look-ahead keeps ripgrep from taking it.
    assert await tools.fails("grep", pattern="(?=a)(a|aa)+$") == (
        "The search was stopped after 1 seconds; use a simpler pattern or a narrower path."
    )
    assert time.monotonic() - start < 25


async def test_a_search_that_is_cancelled_ends_at_once(tools: Tools, tmp_path: Path) -> None:
    _tree(tmp_path, f="a" * 60 + "b\n")
    call = asyncio.create_task(tools.raw("grep", pattern="(?=a)(a|aa)+$"))
    await until(_children)
    start = time.monotonic()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert time.monotonic() - start < 10
    await until(lambda: not _children())


def _children() -> list[str]:
    """Searches without ripgrep that we started and that run."""
    found = []
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        with suppress(OSError):
            for child in (task / "children").read_text().split():
                with suppress(OSError):
                    found += [child] * ("scan import main" in Path(f"/proc/{child}/cmdline").read_text())
    return found


@needs_rg
@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from(["a.py", "b.md", "d/a.py", "d/e/b.md", "d/e/f.py", ".h/a.py", "d/.git/x"]),
        st.tuples(
            st.lists(st.sampled_from(["foo", "bar\r", "föo", "", "foo\tbar", "foo" * 900, "\0"]), max_size=4),
            st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
        ),
    ),
    st.lists(st.sampled_from(["*.md", "/d", "e/", "!b.md", "d/**/f.py", "# no", "a.p?", "\\!x"]), max_size=3),
    st.sampled_from(["foo", "^.o", "bar$", "ö", "^$", r"\bfoo\b", "[^f]o"]),
    st.sampled_from(["", "*.py", "d/**", "**/e/*.{md,py}"]),
)
def test_both_ways_find_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    files: dict[str, tuple[list[str], str]],
    ignored: list[str],
    pattern: str,
    include: str,
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for name, (lines, encoding) in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("".join(f"{line}\n" for line in lines), encoding, newline="")
    (root / "link.py").symlink_to("a.py")
    (root / "round").symlink_to(root)
    (root / ".gitignore").write_text("\n".join(ignored))
    assert RG is not None
    job = ripgrep.Job()
    fits = matcher(include) if include else None
    assert sorted(ripgrep.list_files(RG, root, job)) == sorted(entry.path for entry in Walk(root).files())
    assert ripgrep.search(RG, pattern, root, fits, include, job) == scan.scan(re.compile(pattern), root, include)
    shutil.rmtree(root)


# -- file name patterns -------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*.py", ["a.py", "d/e/a.py"], ["a.pyc", "py"]),
        ("./a", ["a", "d/a"], ["ab"]),
        ("d/*", ["d/a"], ["d/e/a", "a"]),
        ("d/**", ["d/a", "d/e/a"], ["a", "d"]),
        ("**/e/*.py", ["e/a.py", "d/e/a.py", "x/d/e/a.py"], ["e/f/a.py"]),
        ("a/**/b/**/c", ["a/b/c", "a/x/b/y/z/c"], ["a/c", "b/c"]),
        ("{a,b/c}/*.{x,y}", ["a/1.x", "b/c/1.y"], ["c/1.x"]),
        ("[!a-c]?", ["d1", "-1"], ["a1", "d"]),
        ("[]x]", ["]", "x"], ["a"]),
        (r"\*a", ["*a"], ["ba"]),
        ("[*]", ["*"], ["x"]),
        ("a[", ["a["], ["a"]),
    ],
)
def test_patterns(pattern: str, yes: list[str], no: list[str]) -> None:
    test = matcher(pattern)
    assert ([p for p in yes if not test(p)], [p for p in no if test(p)]) == ([], [])


@given(st.text(st.sampled_from("ab*?"), max_size=8), st.text(st.sampled_from("abc"), min_size=1, max_size=8))
def test_names_match_as_the_standard_library_says(pattern: str, name: str) -> None:
    if pattern:
        assert matcher(pattern)(name) == fnmatch.fnmatchcase(name, pattern)


@pytest.mark.parametrize("pattern", ["[]", "[!]", "a[]b", "[]]", "[!]]", "[]a]", "[[]", "[a"])
def test_brackets_that_hold_nothing_mean_themselves(pattern: str) -> None:
    for name in ("[]", "[!]", "a[]b", "]", "a", "[", "b", "[a"):
        assert matcher(pattern)(name) == fnmatch.fnmatchcase(name, pattern), name


@example("[]")
@given(st.text(max_size=20))
def test_any_text_is_a_pattern_or_refused(pattern: str) -> None:
    try:
        matcher(pattern)("a/b")
    except ToolFailed as refused:
        assert "makes no sense" in str(refused) or "alternatives" in str(refused)


def test_no_pattern_takes_long() -> None:
    start = time.monotonic()
    assert not matcher("*a" * 30 + "*b")("a" * 250)
    assert not matcher("**/a/" * 20 + "b")("a/" * 200 + "c")
    assert time.monotonic() - start < 20


def test_an_absolute_pattern_starts_where_it_has_to() -> None:
    assert split("/a/b/**/c.py") == ("/a/b", "**/c.py")
    assert split("/a/b.py") == ("/a", "b.py")
    assert split("/*.py") == ("/", "*.py")


async def test_the_catalogue_is_what_the_server_lists() -> None:
    committed = Path(str(sys.modules["mimocode_plugins.tools.search"].__file__)).with_name("catalogue.json")
    assert committed.read_text() == await catalogue(build(Place(Path("/"), Path("/"))))
