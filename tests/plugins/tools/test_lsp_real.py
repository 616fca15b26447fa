"""Real language servers, as far as they are installed: .ci/run installs them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from mimocode import ToolCall
from mimocode_plugins.tools.lsp import known
from mimocode_plugins.tools.lsp.server import build
from mimocode_plugins.tools.lsp.settings import Server
from mimocode_plugins.tools.place import Place
from support.calling import connected
from support.lsp import fleet, warm, work, write

BESIDE = Path(sys.executable).parent


def only(name: str, program: str) -> dict[str, Server]:
    """Settings for one server alone, which must be there."""
    found = shutil.which(program) or shutil.which(program, path=str(BESIDE))
    if found is None:
        pytest.skip(f"{program} is not installed")
    if program == "gopls" and shutil.which("go") is None:
        pytest.skip("gopls is installed without the go command, which it asks about every package")
    server = next(each for each in known.KNOWN if each.id == name)
    off = {each.id: Server(disabled=True) for each in known.KNOWN}
    return {**off, name: Server(command=[found, *server.command[1:]])}


async def changed(folder: Path, servers: Any, name: str, good: str, bad: str) -> tuple[str, str]:
    """What is said after a good and after a bad change, the server being up."""
    async with work(
        folder, write(name, good, 1), write(name, good + "\n", 2), write(name, bad, 3), servers=servers
    ) as (session, step):
        await step()
        await warm(session)
        for station in fleet(session).stations.values():  # the first look at a project takes longer than later ones
            station._patience = 30
        fine = await step()
        return fine, await step()


CASES = [
    ("basedpyright", "basedpyright-langserver", "a.py", "x: int = 1\n", 'x: int = "text"\n', "reportAssignmentType"),
    ("pyright", "pyright-langserver", "a.py", "x: int = 1\n", 'x: int = "text"\n', "reportAssignmentType"),
    ("ruff", "ruff", "a.py", "x = 1\n", "import os\n\nx = 1\n", "`os` imported but unused"),
    (
        "typescript",
        "typescript-language-server",
        "a.ts",
        "export const n: number = 1;\n",
        'export const n: number = "t";\n',
        "Type 'string' is not assignable",
    ),
    (
        "clangd",
        "clangd",
        "a.c",
        "int main(void) { return 0; }\n",
        "int main(void) { return missing; }\n",
        "undeclared identifier 'missing'",
    ),
    (
        "clangd",
        "clangd-14",
        "a.c",
        "int main(void) { return 0; }\n",
        "int main(void) { return missing; }\n",
        "undeclared identifier 'missing'",
    ),
    ("gopls", "gopls", "a.go", "package a\n\nvar N = 1\n", "package a\n\nvar N int = missing\n", "missing"),
]


@pytest.mark.parametrize(
    ("name", "program", "file", "good", "bad", "complaint"), CASES, ids=[case[1] for case in CASES]
)
async def test_a_mistake_is_told_with_the_change(
    tmp_path: Path, name: str, program: str, file: str, good: str, bad: str, complaint: str
) -> None:
    (tmp_path / "go.mod").write_text("module example.com/a\n\ngo 1.19\n")
    fine, told = await changed(tmp_path, only(name, program), file, good, bad)
    assert "<diagnostics" not in fine
    assert complaint in told


async def test_another_file_that_a_change_breaks_is_told_too(tmp_path: Path) -> None:
    servers = only("basedpyright", "basedpyright-langserver")
    (tmp_path / "user.py").write_text("from lib import name\n\nprint(name)\n")
    calls = [
        write("lib.py", "name = 1\n", 1),
        ToolCall("2", "read", {"file_path": "user.py"}),
        write("lib.py", "name = 2\n", 5),
        write("lib.py", "other = 1\n", 3),
        write("lib.py", "other = 2\n", 4),
    ]
    async with work(tmp_path, *calls, servers=servers) as (session, step):
        await step()
        await warm(session)
        await step()
        (station,) = fleet(session).stations.values()
        async with asyncio.timeout(60):
            while str(tmp_path / "user.py") not in station.diagnoses:  # noqa: ASYNC110 - it publishes when it likes
                await asyncio.sleep(0.02)
        await step()
        told = await step()
        async with asyncio.timeout(60):
            while not any(f.severity == 1 for f in station.diagnoses[str(tmp_path / "user.py")]):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        told += await step()  # what came too late for a result is told with the next
    assert "Also changed for the worse:" in told
    assert '<diagnostics file="user.py">' in told


async def test_questions_about_code(tmp_path: Path) -> None:
    servers = only("basedpyright", "basedpyright-langserver")
    (tmp_path / "lib.py").write_text(
        "class Cart:\n    def total(self) -> int:\n        return 1\n\n\ndef use() -> int:\n    return Cart().total()\n"
    )
    async with work(tmp_path, write("b.py", "from lib import Cart, use\n\nuse()\n"), servers=servers) as (
        session,
        step,
    ):
        await step()
        await warm(session)

        async with connected(build(Place(tmp_path, tmp_path), fleet(session)), tmp_path) as tools:

            async def ask(operation: str, file: str = "lib.py", **more: Any) -> Any:
                return json.loads(await tools("lsp", operation=operation, file_path=file, **more))

            assert await ask("goToDefinition", "b.py", line=3, character=1) == [
                {"file": "lib.py", "line": 6, "character": 5}
            ]
            uses = await ask("findReferences", line=2, character=9)
            assert [(use["file"], use["line"]) for use in uses] == [("lib.py", 2), ("lib.py", 7)]
            assert "(method) def total() -> int" in (await ask("hover", line=7, character=19))[0]["hover"]
            symbols = await ask("documentSymbol")
            assert ("total", "method", "Cart") in [(s["name"], s["kind"], s.get("in")) for s in symbols]
            assert [s["name"] for s in symbols if s["kind"] in ("class", "function")] == ["Cart", "use"]
            assert "Cart" in [s["name"] for s in await ask("workspaceSymbol", query="Cart")]
            assert {call["name"] for call in await ask("outgoingCalls", line=6, character=5)} == {"Cart", "total"}
            assert "use" in [call["name"] for call in await ask("incomingCalls", line=2, character=9)]
            assert "There is no file" in await tools.fails("lsp", operation="hover", file_path="gone.py")
            (tmp_path / "x.unknown").touch()
            assert "no language server for x.unknown" in await tools.fails(
                "lsp", operation="hover", file_path="x.unknown"
            )


def test_the_command_line_shows_what_there_is(tmp_path: Path) -> None:
    from support.cli import Cli

    cli = Cli(tmp_path)
    (cli.site / "gopls").write_text("#!/bin/sh\n")
    (cli.site / "gopls").chmod(0o755)
    done = cli("lsp", "status", PATH=f"{cli.site}{os.pathsep}/nowhere")
    assert (done.code, done.out.splitlines()[0]) == (0, f"server     gopls  {cli.site / 'gopls'}  .go")
    assert "not found  basedpyright, pyright" in done.out
    assert "not trusted" in done.err
