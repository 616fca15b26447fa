"""What the rules are applied to: the files of the tree, the built-in plugins, the hooks."""

from __future__ import annotations

import ast
import importlib
from functools import cache
from pathlib import Path
from types import ModuleType

from house.rules import PLUGINS, ROOT, Source, sources


@cache
def kernel() -> list[Source]:
    """The modules of the kernel."""
    return sources("kernel")


@cache
def plugins() -> list[Source]:
    """Every Python file of every plugin."""
    return sources("plugins")


@cache
def everything() -> list[Source]:
    """Every Python file there is."""
    return [*kernel(), *plugins(), *sources("tests", "examples")]


@cache
def default() -> tuple[str, ...]:
    """The built-ins as "family.name", in their order."""
    listed: tuple[str, ...] = importlib.import_module("mimocode_plugins").DEFAULT
    return tuple(name.removeprefix("mimocode_plugins.") for name in listed)


@cache
def folders() -> list[Path]:
    """Every folder with code two levels below `mimocode_plugins`: plugins and the libraries of their families."""
    return sorted(path.parent for path in (ROOT / PLUGINS).glob("*/*/__init__.py"))


def dotted(folder: Path) -> str:
    """A plugin's folder as "family.name"."""
    return ".".join(folder.relative_to(ROOT / PLUGINS).parts)


def is_plugin(folder: Path) -> bool:
    """A folder whose `__init__.py` answers hooks is a plugin, any other is a library."""
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    return any(isinstance(node, ast.Name) and node.id == "hookimpl" for node in ast.walk(tree))


def load(plugin: str) -> ModuleType:
    """A built-in's module."""
    return importlib.import_module(f"mimocode_plugins.{plugin}")


@cache
def hooks() -> dict[str, str]:
    """The kernel's hooks and their docstrings."""
    specs = vars(importlib.import_module("mimocode.hookspecs"))
    return {name: spec.__doc__ or "" for name, spec in specs.items() if hasattr(spec, "mimocode_spec")}


@cache
def answered() -> dict[str, list[str]]:
    """Each hook name with the files that answer it."""
    found: dict[str, list[str]] = {}
    for source in plugins():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _answers(node):
                found.setdefault(node.name, []).append(source.path)
    return found


def _answers(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(mark).startswith("hookimpl") for mark in node.decorator_list)
