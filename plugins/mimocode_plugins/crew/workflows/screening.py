"""What a workflow script may contain. A whitelist: a script cannot reach what it was not given.

Names that begin with two underscores and attributes that are not plain methods of text, lists, dictionaries and sets
are refused, and with them every known way out of a restricted interpreter; there is no import, no class, no decorator.
The process that runs it has no files, no network and no clock besides (runner.py).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from mimocode.errors import UsageError

METHODS = frozenset(
    """
    append extend insert pop remove clear copy count index sort reverse items keys values get update setdefault add
    discard union intersection difference symmetric_difference issubset issuperset join split rsplit splitlines strip
    lstrip rstrip startswith endswith lower upper title capitalize replace find rfind partition rpartition removeprefix
    removesuffix isdigit isalpha isalnum isspace zfill ljust rjust center casefold
    """.split()  # noqa: SIM905
)
REFUSED: dict[type[ast.AST], str] = {
    ast.Import: "import",
    ast.ImportFrom: "import",
    ast.ClassDef: "a class",
    ast.AsyncFunctionDef: "async",
    ast.Await: "await",
    ast.AsyncFor: "async",
    ast.AsyncWith: "async",
    ast.With: "with",
    ast.Global: "global",
    ast.MatchClass: "a class pattern",
}
LARGEST = 256_000
"""Characters of a script."""


@dataclass(frozen=True)
class Meta:
    """What a script says of itself, read without running it."""

    description: str = ""
    when: str = ""
    phases: tuple[str, ...] = ()
    arguments: str = ""
    permissions: dict[str, Any] | None = None
    """What its agents must not do, or must ask for, beside the rules that hold anyway."""


def screened(source: str, name: str) -> Meta:
    """Check a script, and what it says of itself.

    Raises:
        UsageError: it cannot be run; names the line and what is wrong there.
    """
    if len(source) > LARGEST:
        raise UsageError(f"the workflow {name} has more than {LARGEST} characters")
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise UsageError(f"the workflow {name} is not Python: {error}") from None
    for node in ast.walk(tree):
        if wrong := _wrong(node):
            raise UsageError(f"{name}, line {getattr(node, 'lineno', 1)}: a workflow has no {wrong}")
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if "run" not in functions or len(functions["run"].args.args) != 1:
        raise UsageError(f"the workflow {name} has no function `run(args)`")
    return _meta(tree, name)


def _wrong(node: ast.AST) -> str:
    if word := REFUSED.get(type(node)):
        return word
    if isinstance(node, ast.Attribute) and node.attr not in METHODS:
        return f"`.{node.attr}`"
    names = [getattr(node, field, None) for field in ("id", "name", "arg", "rest")]
    if hidden := next((n for n in names if isinstance(n, str) and n.startswith("__")), ""):
        return f"`{hidden}`"
    return "decorator" if isinstance(node, ast.FunctionDef) and node.decorator_list else ""


def _unruly(permissions: Any) -> str:
    """What is wrong with a table of permissions."""
    if not isinstance(permissions, dict | None):
        return 'write it as {"edit": "deny"} or {"edit": {"*": "deny", "docs/*": "allow"}}'
    for key, entry in (permissions or {}).items():
        for said in entry.values() if isinstance(entry, dict) else [entry]:
            if said not in ("allow", "ask", "deny"):
                return f"{key} is {said!r}: say allow, ask or deny"
    return ""


def _meta(tree: ast.Module, name: str) -> Meta:
    for node in tree.body:
        if isinstance(node, ast.Assign) and [getattr(t, "id", "") for t in node.targets] == ["META"]:
            try:
                said: Any = ast.literal_eval(node.value)
            except ValueError:
                raise UsageError(f"{name}, line {node.lineno}: META is not plain data") from None
            if not isinstance(said, dict):
                raise UsageError(f"{name}, line {node.lineno}: META is not a table")
            if wrong := _unruly(said.get("permissions")):
                raise UsageError(f"{name}, line {node.lineno}: permissions: {wrong}")
            texts = {key: str(said.get(key, "")) for key in ("description", "when", "arguments")}
            return Meta(**texts, phases=tuple(map(str, said.get("phases", ()))), permissions=said.get("permissions"))
    doc = (ast.get_docstring(tree) or "").strip().partition("\n")[0]
    return Meta(description=doc)
