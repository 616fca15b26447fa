"""The rules of the house as plain functions: source text in, complaints out.

Every complaint is one line: where, what is wrong, what to do. The tests beside this file feed them the tree; one of
them feeds them bad snippets, so that a rule that no longer bites is noticed.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KERNEL, PLUGINS = "kernel/mimocode/", "plugins/mimocode_plugins/"

LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "errors messages",
        "events alarm",
        "ports state",
        "hookspecs",
        "switchboard toolbox",
        "turn plugins",
        "session",
        "host",
        "main",
        "testing",
    )
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names} | {"__init__": len(LAYERS)}
UPWARD = {"Session", "Host", "Commands"}
"""What a signature may name although it lives further up, under TYPE_CHECKING."""

KERNEL_ONLY = {
    "pluggy": {"hookspecs", "switchboard", "plugins", "host"},
    "mcp": {"toolbox", "testing"},
    "msgspec": set(RANK),
}
"""Everything that the kernel imports and Python does not bring, and where."""

PLUGIN_ONLY = {
    "pluggy": "only the kernel knows it: import hookimpl and hookspec from mimocode.hookspecs",
    "mcp": "it belongs into a server.py that a hook imports when it is needed",
    "rich": "it belongs into ui/",
    "questionary": "it belongs into ui/",
    "prompt_toolkit": "it belongs into ui/",
    "openai": "it belongs into providers/openai/",
    "anthropic": "it belongs into providers/anthropic/",
    "keyring": "it belongs into auth/",
}

HEAVY = frozenset(
    {
        "openai",
        "anthropic",
        "mcp",
        "rich",
        "questionary",
        "keyring",
        "prompt_toolkit",
        "pydantic",
        "pydantic_settings",
        "httpx2",
        "httpx",
        "yaml",
        "sqlite3",
        "starlette",
        "uvicorn",
    }
)
"""What takes long to import and must wait until it is needed."""

WORDS = frozenset(
    {
        "openai",
        "anthropic",
        "claude",
        "gpt",
        "gemini",
        "xiaomi",
        "deepseek",
        "kimi",
        "qwen",
        "ollama",
        "openrouter",
        "mistral",
        "bash",
        "grep",
        "webfetch",
        "websearch",
        "memory",
        "memories",
        "skill",
        "skills",
        "checkpoint",
        "checkpoints",
        "goal",
        "goals",
        "maxmode",
        "dream",
        "distill",
        "voice",
        "cron",
        "git",
    }
)
TOOL_NAMES = frozenset({"read", "write", "edit", "glob", "list", "task", "actor", "question", "patch", "shell", "max"})
WORDS_ALLOWED = {"testing": {"memory"}}
"""The store of `testing` keeps its facts in RAM."""

FILE_LINES = {"kernel": 300, "plugins": 400}
KERNEL_LINES, FUNCTION_LINES, INDENTS, METHODS = 2500, 50, 4, 12


@dataclass(frozen=True)
class Source:
    """A Python file: its path from the root of the repository, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The file, parsed."""
        return ast.parse(self.text)

    @cached_property
    def lines(self) -> list[str]:
        """The text, line by line."""
        return self.text.splitlines()

    @property
    def module(self) -> str:
        """The file's name without `.py`."""
        return Path(self.path).stem

    @property
    def in_kernel(self) -> bool:
        """Whether this is a kernel module."""
        return self.path.startswith(KERNEL)

    @property
    def in_plugins(self) -> bool:
        """Whether this belongs to a plugin."""
        return self.path.startswith(PLUGINS)

    @property
    def plugin(self) -> tuple[str, ...]:
        """(family, plugin) of a plugin's file; shorter for files above a plugin."""
        return tuple(Path(self.path).parent.parts[2:4]) if self.in_plugins else ()

    @property
    def dotted(self) -> str:
        """The package that relative imports start from."""
        return ".".join(Path(self.path).parent.parts[1:])


def read(path: Path) -> Source:
    """A file of this repository."""
    return Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


def sources(*folders: str) -> list[Source]:
    """All Python files below these folders."""
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return [read(path) for path in found if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)]


# -- sizes ----------------------------------------------------------------------


def sizes(source: Source) -> Iterator[str]:
    """Files, functions and classes that do not fit in the head."""
    lines, most = len(source.lines), FILE_LINES[source.path.split("/", 1)[0]]
    if lines > most:
        yield f"{source.path}: {lines} lines, at most {most}: split it along what changes together"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _function_size(source, node)
        if isinstance(node, ast.ClassDef) and (count := sum(_is_public_method(item) for item in node.body)) > METHODS:
            where = f"{source.path}:{node.lineno}"
            yield f"{where}: class {node.name} has {count} public methods, at most {METHODS}: it is two things"


def _function_size(source: Source, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    where = f"{source.path}:{node.lineno}: {node.name}"
    if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES:
        yield f"{where} has {lines} lines, at most {FUNCTION_LINES}: give a part of it a name"
    if (deep := max(_depths(source, node, node.col_offset + 4))) > INDENTS:
        yield f"{where} has blocks {deep} deep, at most {INDENTS}: return early or give the inner part a name"


def _depths(source: Source, node: ast.AST, base: int) -> Iterator[int]:
    """How many blocks each statement is inside of in its function; inner functions count for themselves."""
    yield 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt) and not source.lines[child.lineno - 1][: child.col_offset].strip():
            yield (child.col_offset - base) // 4
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _depths(source, child, base)


def _is_public_method(node: ast.stmt) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
        return False
    return not any(re.search(r"property|overload|\.setter", mark) for mark in _marks(node))


def _marks(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> list[str]:
    return [ast.unparse(mark) for mark in node.decorator_list]


# -- docstrings -----------------------------------------------------------------


def docstrings(source: Source) -> Iterator[str]:
    """What is public and does not say what it is for. A hook's sentence stands in hookspecs, not in its answers."""
    if not ast.get_docstring(source.tree) and source.text.strip():
        yield f"{source.path}:1: no docstring: say in one sentence what this file is for"
    if not (source.in_kernel or source.in_plugins):
        return
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _undocumented(source, node)
        if isinstance(node, ast.ClassDef) and source.in_kernel and not node.name.startswith("_"):
            for item in node.body:
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from _undocumented(source, item)


def _undocumented(source: Source, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[str]:
    answers = any(re.match(r"hookimpl|overload|override|\w+\.setter", mark) for mark in _marks(node))
    if not (node.name.startswith("_") or answers or ast.get_docstring(node)):
        yield f"{source.path}:{node.lineno}: {node.name} has no docstring: say what it is for, units, what it raises"


# -- imports --------------------------------------------------------------------


@dataclass(frozen=True)
class Import:
    """One imported name: `module` absolute, `name` empty for `import module`."""

    module: str
    name: str
    line: int
    typing: bool
    """Under TYPE_CHECKING."""
    late: bool
    """Inside a function."""


def imports(source: Source) -> list[Import]:
    """All imports of a file, wherever they stand."""
    return list(_imports(source, source.tree, typing=False, late=False))


def _imports(source: Source, node: ast.AST, *, typing: bool, late: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, "", child.lineno, typing, late) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            module = _absolute(source, child)
            yield from (Import(module, alias.name, child.lineno, typing, late) for alias in child.names)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from _imports(source, child, typing=True, late=late)
        else:
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(source, child, typing=typing, late=late or function)


def _absolute(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = source.dotted.split(".")
    above = parts[: len(parts) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def layering(source: Source) -> Iterator[str]:
    """Kernel modules that reach up, sideways or out."""
    if source.module not in RANK:
        yield f"{source.path}: a new kernel module: give it a layer in tests/house/rules.py, or make it a plugin"
        return
    for item in imports(source):
        where, top = f"{source.path}:{item.line}", item.module.split(".")[0]
        if top == "mimocode":
            yield from _reaches_up(source, item, where)
        elif top == "mimocode_plugins":
            yield f"{where}: the kernel must not know its plugins; it loads DEFAULT by name"
        elif not (_may_know(source.module, top) or item.typing):
            places = ", ".join(sorted(KERNEL_ONLY.get(top, ()))) or "a plugin"
            yield f"{where}: {source.module} must not import {top}: that is for {places}"


def _may_know(module: str, top: str) -> bool:
    known = top in sys.stdlib_module_names and top != "sqlite3"
    return known or module in KERNEL_ONLY.get(top, ())


def _reaches_up(source: Source, item: Import, where: str) -> Iterator[str]:
    target = item.module.removeprefix("mimocode").lstrip(".") or item.name
    if target not in RANK:  # `from . import __version__`
        return
    if item.typing and item.name in UPWARD:
        return
    if RANK[target] >= RANK[source.module]:
        yield f"{where}: {source.module} may not reach up to {target}: turn the dependency round or pass a value"


def plugin_imports(source: Source, plugins: frozenset[str]) -> Iterator[str]:
    """What a plugin must not import. `plugins` are those of DEFAULT as "family.name"."""
    for item in imports(source):
        where, top = f"{source.path}:{item.line}", item.module.split(".")[0]
        if top == "mimocode":
            private = [part for part in (*item.module.split("."), item.name) if re.match(r"_(?!_version__)", part)]
            if private:
                yield f"{where}: {private[0]} is private to the kernel: use a public name, or ask for one"
        elif top == "mimocode_plugins":
            yield from _foreign(source, item, where, plugins)
        elif top in PLUGIN_ONLY and not item.typing and not _at_home(source, top):
            yield f"{where}: {top} does not belong here: {PLUGIN_ONLY[top]}"
        if source.module == "__init__" and top in HEAVY and not (item.late or item.typing):
            yield f"{where}: {top} is heavy: import it inside the hook that needs it"


def _foreign(source: Source, item: Import, where: str, plugins: frozenset[str]) -> Iterator[str]:
    full = [*item.module.split(".")[1:], item.name]
    if not full[0] or full[0].isupper():
        yield f"{where}: a plugin must not import mimocode_plugins itself: it may run without its neighbours"
    elif full[0] != source.plugin[0]:
        yield f"{where}: {'.'.join(full)} is of another family: plugins meet through hooks, not through imports"
    elif ".".join(full[:2]) in plugins and tuple(full[:2]) != source.plugin:
        yield f"{where}: {'.'.join(full[:2])} is another plugin: move what both need into a library of the family"


def _at_home(source: Source, top: str) -> bool:
    family, plugin = (*source.plugin, "", "")[:2]
    match top:
        case "rich" | "questionary" | "prompt_toolkit":
            return family == "ui"
        case "openai" | "anthropic":
            return (family, plugin) == ("providers", top)
        case "keyring":
            return family == "auth"
        case "mcp":
            return source.module == "server"
    return False


# -- words ----------------------------------------------------------------------


def forbidden_words(source: Source) -> Iterator[str]:
    """Words of capabilities in identifiers and strings of the kernel; docstrings and comments may give examples."""
    banned = WORDS - WORDS_ALLOWED.get(source.module, set())
    for text, line, literal in _names_and_strings(source.tree):
        words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)}
        joined = re.sub(r"[^a-z]", "", text.lower())
        found = (words | {joined}) & banned | ({text} & TOOL_NAMES if literal else set())
        for word in sorted(found):
            yield f"{source.path}:{line}: the kernel must not know the word {word!r}: that belongs into a plugin"


def _names_and_strings(tree: ast.Module) -> Iterator[tuple[str, int, bool]]:
    nodes = list(ast.walk(tree))
    docs = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # strings that stand alone document
    for node in nodes:
        match node:
            case ast.Constant(value=str(text)) if id(node) not in docs:
                yield text, node.lineno, True
            case ast.Name(id=text) | ast.Attribute(attr=text) | ast.arg(arg=text):
                yield text, node.lineno, False
            case ast.FunctionDef(name=text) | ast.AsyncFunctionDef(name=text) | ast.ClassDef(name=text):
                yield text, node.lineno, False
            case ast.keyword(arg=str(text)):
                yield text, node.value.lineno, False
