"""The rules bite: each is fed a snippet that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from textwrap import dedent

import pytest

from house import rules
from house.rules import Source

Rule = Callable[[Source], Iterator[str]]


def plugin_imports(source: Source) -> Iterator[str]:
    """The rule for plugins, in a house with two of them."""
    return rules.plugin_imports(source, frozenset({"guard.plan", "guard.repeat"}))


K, P = "kernel/mimocode/", "plugins/mimocode_plugins/"
DEEP = """
def f(x):
    for a in x:
        for b in a:
            for c in b:
                if c:
                    with b:
                        g()
"""
BAD: list[tuple[Rule, str, str, str]] = [
    (rules.sizes, K + "x.py", "\n" * 301, "301 lines, at most 300"),
    (rules.sizes, P + "a/b/x.py", "\n" * 401, "401 lines, at most 400"),
    (rules.sizes, K + "x.py", "def f():\n" + "    g()\n" * 50, "f has 51 lines"),
    (rules.sizes, K + "x.py", DEEP, "f has blocks 5 deep"),
    (
        rules.sizes,
        K + "x.py",
        "class C:\n" + "".join(f"    def m{i}(self): ...\n" for i in range(13)),
        "13 public methods",
    ),
    (rules.docstrings, "tests/test_x.py", "x = 1\n", "no docstring"),
    (rules.docstrings, K + "x.py", '"""X."""\ndef f(): ...\n', "f has no docstring"),
    (rules.docstrings, K + "x.py", '"""X."""\nclass C:\n    """C."""\n    def m(self): ...\n', "m has no docstring"),
    (rules.docstrings, P + "a/b/x.py", '"""X."""\nclass C: ...\n', "C has no docstring"),
    (rules.layering, K + "events.py", "from .session import Session\n", "may not reach up to session"),
    (rules.layering, K + "state.py", "from .ports import Model\n", "may not reach up to ports"),
    (rules.layering, K + "ports.py", "def f():\n    from . import host\n", "may not reach up to host"),
    (rules.layering, K + "ports.py", "if TYPE_CHECKING:\n    from .turn import run\n", "may not reach up to turn"),
    (rules.layering, K + "turn.py", "import pluggy\n", "turn must not import pluggy: that is for hookspecs, host"),
    (rules.layering, K + "session.py", "import sqlite3\n", "must not import sqlite3: that is for a plugin"),
    (rules.layering, K + "session.py", "import requests\n", "must not import requests"),
    (rules.layering, K + "session.py", "import mimocode_plugins\n", "the kernel must not know its plugins"),
    (rules.layering, K + "extras.py", "", "give it a layer"),
    (plugin_imports, P + "guard/plan/__init__.py", "from mimocode._secret import x\n", "_secret is private"),
    (plugin_imports, P + "guard/plan/__init__.py", "from mimocode_plugins import DEFAULT\n", "mimocode_plugins itself"),
    (plugin_imports, P + "guard/plan/__init__.py", "from mimocode_plugins.guard import repeat\n", "another plugin"),
    (plugin_imports, P + "guard/plan/x.py", "from ..repeat.x import y\n", "guard.repeat is another plugin"),
    (plugin_imports, P + "guard/plan/__init__.py", "from mimocode_plugins.ui.plain import x\n", "of another family"),
    (plugin_imports, P + "guard/plan/__init__.py", "import yaml\n", "yaml is heavy"),
    (plugin_imports, P + "guard/plan/x.py", "import rich.console\n", "belongs into ui/"),
    (plugin_imports, P + "guard/plan/x.py", "def f():\n    import mcp\n", "belongs into a server.py"),
    (plugin_imports, P + "providers/openai/x.py", "import anthropic\n", "belongs into providers/anthropic/"),
    (plugin_imports, P + "guard/plan/x.py", "from pluggy import HookimplMarker\n", "only the kernel knows it"),
    (rules.forbidden_words, K + "x.py", "def open_checkpoint(): ...\n", "'checkpoint'"),
    (rules.forbidden_words, K + "x.py", "MaxMode = 1\n", "'maxmode'"),
    (rules.forbidden_words, K + "x.py", "x = 'ask anthropic'\n", "'anthropic'"),
    (rules.forbidden_words, K + "x.py", "if call.name == 'read': ...\n", "'read'"),
    (rules.forbidden_words, K + "x.py", "class GitRoot: ...\n", "'git'"),
]
GOOD: list[tuple[Rule, str, str]] = [
    (rules.sizes, K + "x.py", "def f():\n    if a:\n        g()\n" + "    elif b:\n        g()\n" * 8),
    (rules.docstrings, P + "a/b/__init__.py", '"""X."""\n@hookimpl\ndef contribute(): ...\ndef _own(): ...\n'),
    (
        rules.layering,
        K + "ports.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .session import Session\n",
    ),
    (rules.layering, K + "host.py", "from . import __version__, hookspecs as on\nimport pluggy\n"),
    (
        plugin_imports,
        P + "guard/plan/__init__.py",
        "def f():\n    import yaml\n    from mimocode.ports import Part\n    from .x import y\n",
    ),
    (
        plugin_imports,
        P + "providers/openai/client.py",
        "import openai\nfrom mimocode_plugins.providers.wire import lines\n",
    ),
    (plugin_imports, P + "tools/files/server.py", "from mcp.server.mcpserver import MCPServer\n"),
    (
        rules.forbidden_words,
        K + "x.py",
        '"""Not a goal."""\nmax_steps = max(1, 2)\nx.read()\nfield: int\n"""of memory"""\n',
    ),
]


@pytest.mark.parametrize(("rule", "path", "text", "says"), BAD)
def test_a_broken_rule_is_named(rule: Rule, path: str, text: str, says: str) -> None:
    complaints = list(rule(Source(path, dedent(text))))
    assert any(says in line for line in complaints), complaints
    assert all(line.startswith(path) for line in complaints), "a complaint begins with the place"


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_what_is_allowed_is_left_alone(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, dedent(text)))) == []
