"""What exists in the project today: the paths, symbols and commands that a claim names."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

MOST, LARGEST = 50_000, 400_000
"""Files that are looked at, and bytes of one."""
SKIPPED = {".git", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".mypy_cache", "dist", "build", "target"}
_CODE = re.compile(r"`([^`]+)`")
_PATH = re.compile(r"(?<![\w/:@.~$<*-])(?:\./)?[\w.-]+(?:/[\w.-]*[\w-])+/?(?![\w/*<]|://)")
_FOLDER = re.compile(r"[\w.-]*\w/")
_FILE = re.compile(r"[\w-][\w.-]*\.[A-Za-z]\w{0,5}")
_SUFFIX = re.compile(r"\.[A-Za-z]\w{0,5}$")
_CALL = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\(\)")
_NAME = re.compile(r"[a-z]+(?:_[a-z0-9]+)+|(?:[A-Z][a-z0-9]+){2,}|[a-z]+(?:[A-Z][a-z0-9]+)+")


@dataclass(frozen=True)
class Named:
    """What a text names."""

    paths: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass
class Tree:
    """The files of a project."""

    root: Path
    _found: dict[str, bool] = field(default_factory=dict)

    @cached_property
    def files(self) -> frozenset[str]:
        """Paths below the root, of what git knows or would know; without git of everything but what tools make."""
        try:
            listed = subprocess.run(
                ["git", "-c", "core.fsmonitor=false", "ls-files", "-coz", "--exclude-standard"],
                cwd=self.root,
                capture_output=True,
                timeout=30,
                check=True,
            )
            names = [name for name in os.fsdecode(listed.stdout).split("\0") if name]
            return frozenset(name for name in names[:MOST] if (self.root / name).exists())
        except (OSError, subprocess.SubprocessError):
            return frozenset(self._walked())

    def _walked(self) -> list[str]:
        found: list[str] = []
        for folder, below, names in os.walk(self.root):
            below[:] = [name for name in below if name not in SKIPPED]
            found += [str((Path(folder) / name).relative_to(self.root)) for name in names]
            if len(found) > MOST:
                break
        return found[:MOST]

    @cached_property
    def folders(self) -> frozenset[str]:
        """Folders that hold files."""
        return frozenset(str(above) for name in self.files for above in Path(name).parents if str(above) != ".")

    @cached_property
    def names(self) -> dict[str, list[str]]:
        """Files by their last part."""
        by: dict[str, list[str]] = {}
        for name in self.files:
            by.setdefault(name.rsplit("/", 1)[-1], []).append(name)
        return by

    def has(self, path: str) -> bool:
        """Whether a file or folder is there, from the root or as the end of a longer path."""
        path = path.removeprefix("./").rstrip("/")
        if path in self.files or path in self.folders or (self.root / path).exists():
            return True
        if "/" not in path:
            return path in self.names
        return any(known.endswith("/" + path) for known in (*self.files, *self.folders))

    def moved(self, path: str) -> str:
        """Where the only file of that name is now, or ""."""
        now = self.names.get(path.rstrip("/").rsplit("/", 1)[-1], [])
        return now[0] if len(now) == 1 else ""

    def has_symbol(self, symbol: str) -> bool:
        """Whether a name stands anywhere in the project's text files."""
        last = symbol.rsplit(".", 1)[-1]
        if last not in self._found:
            self.look({last})
        return self._found[last]

    def look(self, symbols: set[str]) -> None:
        """Look for several names in one go."""
        left = {name.rsplit(".", 1)[-1] for name in symbols} - self._found.keys()
        patterns = {name: re.compile(rf"(?<!\w){re.escape(name)}(?!\w)".encode()) for name in left}
        for name in sorted(self.files):
            if not left:
                break
            path = self.root / name
            try:
                if path.is_symlink() or path.stat().st_size > LARGEST:
                    continue
                text = path.read_bytes()
            except OSError:
                continue
            here = {symbol for symbol in left if symbol.encode() in text and patterns[symbol].search(text)}
            left -= here
            self._found |= dict.fromkeys(here, True)
        self._found |= dict.fromkeys(left, False)

    def runs(self, command: str) -> bool:
        """Whether what a command names is there: a target of make, a script of npm, a file. Others are believed."""
        words = command.split()
        if len(words) > 1 and words[0] == "make" and re.fullmatch(r"[\w.-]+", words[1]):
            makefiles = [self.root / name for name in ("Makefile", "makefile", "GNUmakefile")]
            text = "".join(_read(path) for path in makefiles)
            return bool(re.search(rf"(?m)^(?:[^\s:=#]+\s+)*{re.escape(words[1])}(?:\s+[^\s:=]+)*\s*::?(?!=)", text))
        if len(words) > 2 and words[0] in ("npm", "pnpm", "yarn") and words[1] == "run":
            try:
                return words[2] in json.loads(_read(self.root / "package.json"))["scripts"]
            except (ValueError, KeyError, TypeError):
                return False
        if words and words[0].startswith("./"):
            return self.has(words[0])
        return True


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def named(text: str, tree: Tree) -> Named:
    """The paths, symbols and commands in a text. What only might be one is left out."""
    paths, symbols, commands = list[str](), list[str](), list[str]()
    for code in _CODE.findall(text):
        words = code.split()
        if len(words) > 1:
            commands.append(code)
            paths += [word for word in words[1:] if _PATH.fullmatch(word) and _certain(word, tree)]
        elif call := _CALL.fullmatch(code):
            symbols.append(call[1])
        elif _FOLDER.fullmatch(code) or _FILE.fullmatch(code) or _path(code, tree):
            (symbols if _dotted(code) else paths).append(code)
        elif _NAME.fullmatch(code):
            symbols.append(code)
        elif code.startswith("./"):
            commands.append(code)
    bare = _CODE.sub(" ", text)
    paths += [found for found in _PATH.findall(bare) if _certain(found, tree)]
    symbols += [call for call in _CALL.findall(bare) if "_" in call or not call.islower()]
    return Named(*(tuple(dict.fromkeys(each)) for each in (paths, symbols, commands)))


def _path(code: str, tree: Tree) -> bool:
    return bool(_PATH.fullmatch(code)) and (code.endswith("/") or _certain(code, tree))


def _certain(path: str, tree: Tree) -> bool:
    """A path and no "and/or", branch or date: it ends like a file, or begins with a folder that is there."""
    first = path.removeprefix("./").split("/", 1)[0]
    if re.fullmatch(r"[\d./-]+", path) or "." in first.strip("."):  # a date, a fraction, a host
        return first in tree.folders
    return bool(_SUFFIX.search(path)) or first in tree.folders


def _dotted(code: str) -> bool:
    """`Class.method` and `module.name` look like files; a known ending of files they have not."""
    return "/" not in code and _SUFFIX.search(code.lower()).group()[1:] not in ENDINGS  # type: ignore[union-attr]


ENDINGS = frozenset(
    [
        "py",
        "pyi",
        "js",
        "jsx",
        "ts",
        "tsx",
        "mjs",
        "cjs",
        "vue",
        "svelte",
        "go",
        "rs",
        "c",
        "h",
        "cc",
        "cpp",
        "hpp",
        "java",
        "kt",
        "swift",
        "rb",
        "php",
        "cs",
        "scala",
        "clj",
        "ex",
        "exs",
        "erl",
        "hs",
        "ml",
        "lua",
        "pl",
        "r",
        "sh",
        "bash",
        "zsh",
        "fish",
        "ps1",
        "sql",
        "md",
        "rst",
        "txt",
        "json",
        "jsonc",
        "json5",
        "yaml",
        "yml",
        "toml",
        "ini",
        "cfg",
        "conf",
        "env",
        "lock",
        "xml",
        "html",
        "css",
        "scss",
        "less",
        "csv",
        "tsv",
        "proto",
        "graphql",
        "tf",
        "mk",
        "cmake",
        "gradle",
        "ipynb",
        "png",
        "jpg",
        "svg",
        "pdf",
        "log",
        "db",
        "tmpl",
        "j2",
        "patch",
        "diff",
    ]
)
