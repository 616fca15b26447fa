"""Prose for models is paid for on every request: it has a budget. A token is taken as four characters."""

from __future__ import annotations

import json

from house.rules import PLUGINS, ROOT

BASE_PROMPT, TOOLS = 1800, 3000


def test_the_base_prompt_is_short() -> None:
    for path in (ROOT / PLUGINS).glob("context/prompt/base.md"):
        tokens = len(path.read_text(encoding="utf-8")) // 4
        assert tokens <= BASE_PROMPT, f"{path.name} has about {tokens} tokens, at most {BASE_PROMPT}: say nothing twice"


def test_the_tools_that_are_always_visible_are_short() -> None:
    cost = {}
    for path in sorted((ROOT / PLUGINS).glob("*/*/catalogue.json")):
        for tool in json.loads(path.read_text(encoding="utf-8")):
            ours = (tool.get("meta") or {}).get("mimocode", {})
            if not ours.get("deferred"):
                shown = [tool["name"], tool.get("description", ""), tool.get("input_schema", {})]
                cost[tool["name"]] = len(json.dumps(shown, ensure_ascii=False, separators=(",", ":"))) // 4
    spent = sum(cost.values())
    assert spent <= TOOLS, (
        f"tool definitions take about {spent} tokens, at most {TOOLS}; the longest first: {_by(cost)}"
    )


def _by(cost: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(cost.items(), key=lambda pair: -pair[1])


def test_prose_is_not_in_code() -> None:
    """Prompts and tool descriptions are Markdown beside the code."""
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / PLUGINS).rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "You are a" in line and '"' in line
    ]
    assert not long, f"a prompt in Python: move it into a .md file beside the code: {long}"
