"""A hook that nobody answers is speculation, and an answer to no hook is a typing error."""

from __future__ import annotations

import ast
import re

from house import tree

UNANSWERED: set[str] = set()
"""Not answered by a built-in yet. This list only shrinks."""


def test_every_hook_is_answered_by_a_plugin() -> None:
    silent = tree.hooks().keys() - tree.answered().keys() - UNANSWERED
    assert not silent, f"no built-in answers {sorted(silent)}: a hook needs at least one, or it is speculation"


def test_the_list_of_unanswered_hooks_shrinks() -> None:
    assert tree.hooks().keys() >= UNANSWERED, "UNANSWERED names hooks that are not there: take them out"
    stale = sorted(UNANSWERED & tree.answered().keys())
    assert not stale, f"these are answered now, take them out of UNANSWERED in tests/house/test_hooks.py: {stale}"


def test_every_answer_is_to_a_hook() -> None:
    specs = {
        node.name
        for source in [*tree.kernel(), *tree.plugins()]
        if source.module == "hookspecs"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    typos = {name: places for name, places in tree.answered().items() if name not in specs}
    assert not typos, f"there are no such hooks: {typos}"


def test_few_are_told_each_streamed_piece() -> None:
    hears = re.compile(r"async def on_event\(event\b")
    told = {one.path.split("/")[-3] + "/" + one.path.split("/")[-2] for one in tree.plugins() if hears.search(one.text)}
    needed = {"store/partial", "crew/actors", "tools/serving"}
    assert told == needed, f"{sorted(told - needed)}: with `fact` a plugin costs nothing while an answer streams"
