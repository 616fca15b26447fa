"""Run the formatters that the user wants over files that were just changed (surface.md 11.2)."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..place import Place
from ..text.coding import coding_of, is_binary
from ..text.difference import difference
from ..text.ledger import ledger_of
from .fleet import fleet_of
from .known import environment

if TYPE_CHECKING:
    from mimocode.session import Session

LIMIT = 10.0
"""Seconds that a formatter may take for one file."""
SHOWN = 40
"""Lines of a formatter's changes that the model is shown; with more it must read the file again."""
LARGEST = 2_000_000

_WEB = (
    ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts",
    ".json", ".jsonc", ".css", ".html", ".md", ".yaml", ".yml",
)  # fmt: skip
_C = (".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx", ".m", ".mm")

_PRETTIER = (".prettierrc", ".prettierrc.json", ".prettierrc.yaml", "prettier.config.js", "prettier.config.mjs")


@dataclass(frozen=True)
class Formatter:
    """A formatter; of ours it runs only if one of `markers` is in the project, when it has any."""

    name: str
    command: tuple[str, ...]
    extensions: tuple[str, ...]
    markers: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


KNOWN = (
    Formatter("gofmt", ("gofmt", "-w", "$FILE"), (".go",)),
    Formatter("mix", ("mix", "format", "$FILE"), (".ex", ".exs", ".eex", ".heex")),
    Formatter("prettier", ("prettier", "--write", "$FILE"), _WEB, _PRETTIER),
    Formatter("biome", ("biome", "format", "--write", "$FILE"), _WEB, ("biome.json", "biome.jsonc")),
    Formatter("zig", ("zig", "fmt", "$FILE"), (".zig", ".zon")),
    Formatter("clang-format", ("clang-format", "-i", "$FILE"), _C, (".clang-format",)),
    Formatter("ktlint", ("ktlint", "-F", "$FILE"), (".kt", ".kts")),
    Formatter("ruff", ("ruff", "format", "$FILE"), (".py", ".pyi"), ("ruff.toml", ".ruff.toml", "pyproject.toml")),
    Formatter("uv", ("uv", "format", "--", "$FILE"), (".py", ".pyi"), ("uv.lock",)),
    Formatter("rubocop", ("rubocop", "--autocorrect", "$FILE"), (".rb", ".rake", ".gemspec"), (".rubocop.yml",)),
    Formatter("standardrb", ("standardrb", "--fix", "$FILE"), (".rb", ".rake"), (".standard.yml",)),
    Formatter("dart", ("dart", "format", "$FILE"), (".dart",)),
    Formatter("ocamlformat", ("ocamlformat", "-i", "$FILE"), (".ml", ".mli"), (".ocamlformat",)),
    Formatter("terraform", ("terraform", "fmt", "$FILE"), (".tf", ".tfvars")),
    Formatter("gleam", ("gleam", "format", "$FILE"), (".gleam",)),
    Formatter("shfmt", ("shfmt", "-w", "$FILE"), (".sh", ".bash")),
    Formatter("nixfmt", ("nixfmt", "$FILE"), (".nix",)),
    Formatter("rustfmt", ("rustfmt", "$FILE"), (".rs",)),
    Formatter("pint", ("pint", "$FILE"), (".php",), ("pint.json",)),
    Formatter("ormolu", ("ormolu", "-i", "$FILE"), (".hs",)),
    Formatter("cljfmt", ("cljfmt", "fix", "$FILE"), (".clj", ".cljs", ".cljc", ".edn")),
)


def formatters(setting: Any, root: Path, path: str = "") -> list[Formatter]:
    """The formatters that the settings ask for and that are there, by PATH or by `path`; the user's own first."""
    if not setting:
        return []
    said = setting if isinstance(setting, dict) else {}
    mine = {formatter.name: formatter for formatter in KNOWN}
    if any(name in said and said[name].disabled for name in ("ruff", "uv")):
        mine.pop("ruff")
        mine.pop("uv")
    wanted = []
    for name, own in said.items():
        base = mine.pop(name, Formatter(name, (), ()))
        if not own.disabled:
            command = tuple(own.command) or base.command
            wanted.append(Formatter(name, command, tuple(own.extensions) or base.extensions, (), own.environment))
    found = [f for f in mine.values() if not f.markers or any((root / marker).exists() for marker in f.markers)]
    return [
        f for f in (*wanted, *found) if f.command and f.extensions and shutil.which(f.command[0], path=path or None)
    ]


async def format_files(paths: list[Path], session: Session) -> list[str]:
    """Format files of the project; a sentence for each that changed or could not be formatted."""
    root, fleet = session.host.root, fleet_of(session)
    said = []
    for path in paths:
        if path.is_relative_to(root):
            for formatter in formatters(session.host.settings["formatter"], root, fleet.path):
                if path.suffix.lower() in formatter.extensions:
                    said += await _format(formatter, path, session)
    return said


async def _format(formatter: Formatter, path: Path, session: Session) -> list[str]:
    before = await asyncio.to_thread(_load, path)
    if before is None:
        return []
    failed = await _run(formatter, path, session)
    after = await asyncio.to_thread(_load, path)
    name = Place(session.host.root, session.directory).short(path)
    if failed:
        await session.notice("lsp", f"{formatter.name} could not format {name}: {failed}", "warning")
    if after is None or after == before:
        return []
    return [_told(formatter, path, name, before, after, session)]


def _told(formatter: Formatter, path: Path, name: str, before: bytes, after: bytes, session: Session) -> str:
    """Say what was reformatted; the ledger of what the agent has seen follows what it is shown here."""
    ledger = ledger_of(session)
    changes = ""
    if not is_binary(before) and not is_binary(after):
        changes = difference(coding_of(before).decode(before), coding_of(after).decode(after), name).text
    if changes and changes.count("\n") <= SHOWN:
        ledger.saw(path, after)
        return f"{formatter.name} has reformatted {name}:\n{changes.rstrip()}"
    ledger.forget(path)
    return f"{formatter.name} has reformatted {name}; read it again before you edit it."


async def _run(formatter: Formatter, path: Path, session: Session) -> str:
    """Run a formatter over a file; why it failed, or ""."""
    root, fleet = session.host.root, fleet_of(session)
    program = shutil.which(formatter.command[0], path=fleet.path or None) or formatter.command[0]
    command: Sequence[str] = [program, *(part.replace("$FILE", str(path)) for part in formatter.command[1:])]
    quiet, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    env = {**environment(session.host.environ), **formatter.environment}
    try:
        command = await fleet.held(command) or command
        process = await asyncio.create_subprocess_exec(
            *command, stdin=quiet, stdout=quiet, stderr=pipe, cwd=root, env=env, start_new_session=True
        )
    except (OSError, ValueError) as error:
        return str(error)
    try:
        _, errors = await asyncio.wait_for(process.communicate(), LIMIT)
    except TimeoutError:
        return f"it took longer than {LIMIT:g} s"
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    words = errors.decode("utf-8", "replace").strip().splitlines()
    return "" if not process.returncode else words[-1][:200] if words else f"exit code {process.returncode}"


def _load(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= LARGEST else None
    except OSError:
        return None
