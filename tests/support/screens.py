"""The screens that the README shows: the real terminal in a real tmux, with a scripted model, made again by

    PYTHONPATH=kernel:plugins:tests python -m support.screens

Each is what tmux captured, with its colours, as SVG.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from .cli import Cli
from .pane import Pane

PLACE = Path(__file__).parents[1] / "screens"
COLUMNS, ROWS = 96, 34
CART = '''"""Prices of a cart."""


def total(prices, discount=0):
    """What the customer pays."""
    return sum(prices) - discount
'''
TEST = """from cart import total


def test_discount_is_a_percentage():
    assert total([100, 50], discount=10) == 135
"""
COLOURS = TerminalTheme(
    (24, 26, 31),
    (212, 215, 221),
    [(36, 39, 46), (224, 108, 117), (137, 190, 120), (224, 175, 104), (97, 165, 232), (190, 132, 220),
     (86, 182, 194), (212, 215, 221)],
    [(115, 121, 133), (240, 128, 136), (158, 208, 140), (238, 194, 124), (122, 184, 246), (208, 154, 236),
     (110, 202, 212), (240, 242, 246)],
)  # fmt: skip


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """A tool call of the model."""
    return {"name": name, "arguments": arguments}


def spawned(prompt: str, about: str, kind: str = "explore", **more: Any) -> dict[str, Any]:
    """A call that starts a subagent."""
    return call("actor", action="spawn", subagent_type=kind, prompt=prompt, description=about, **more)


WORK: list[dict[str, Any]] = [
    {
        "calls": [
            call("glob", pattern="*.py"),
            call("read", file_path="cart.py"),
            call("read", file_path="test_cart.py"),
        ]
    },
    {
        "text": "`discount` is meant as a **percentage**, but the code subtracts it as an amount. I change that one "
        "line and run the test.",
        "calls": [
            call(
                "edit",
                file_path="cart.py",
                old_string="    return sum(prices) - discount\n",
                new_string="    return sum(prices) * (100 - discount) / 100\n",
            )
        ],
    },
    {"calls": [call("bash", command="python -m pytest -q", description="Run the tests")]},
    {"text": "The test passes."},
]
TEAM: list[dict[str, Any]] = [
    {
        "calls": [
            call("task", operation={"action": "create", "summary": "Find every place that computes a price"}),
            call("task", operation={"action": "create", "summary": "Move them to cart.total"}),
            call("task", operation={"action": "create", "summary": "Run the whole test suite"}),
            spawned("Where are prices computed?", "where prices are computed"),
            spawned("Which tests cover the cart?", "which tests cover the cart"),
        ]
    },
    {"text": "Two subagents look around. " + "Meanwhile I read on. " * 400, "pace": 0.1},
]
CHILD: list[dict[str, Any]] = [
    {"calls": [call("grep", pattern="sum", path=".")]},
    {"text": "I read on. " * 400, "pace": 0.1},
]


@contextmanager
def project(steps: list[dict[str, Any]]) -> Iterator[Pane]:
    """A small repository, a model that plays these steps, and a pane there."""
    with tempfile.TemporaryDirectory() as folder:
        cli = Cli(Path(folder))
        cli.project = cli.home / "cart"
        cli.project.mkdir()
        (cli.project / "cart.py").write_text(CART)
        (cli.project / "test_cart.py").write_text(TEST)
        (cli.project / ".git").mkdir()
        (cli.project / ".git/HEAD").write_text("ref: refs/heads/discounts\n")
        for name, said in {"model": steps, "child": CHILD}.items():
            (cli.project / f"{name}.json").write_text(json.dumps({"steps": said, "window": 200_000}))
        wishes = {
            "permission": {"edit": "allow", "bash": "ask"},
            "agent": {"explore": {"model": "scripted/child.json"}},
        }
        cli.settings(model="scripted/model.json", **wishes)
        cli.env["COLORTERM"] = "truecolor"
        pane = Pane(cli, Path(folder))
        try:
            yield pane
        finally:
            pane.tmux("kill-server")


def picture(pane: Pane, title: str) -> str:
    """What the pane shows now, as SVG that loads nothing from anywhere."""
    rows = pane.tmux("capture-pane", "-e", "-p").rstrip("\n")
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(rows), no_wrap=True, overflow="crop")
    plain = re.sub(r"@font-face \{\{.*?\}\}|<!--.*?-->", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    plain = plain.replace("font-family: Fira Code, monospace", "font-family: ui-monospace, Menlo, Consolas, monospace")
    drawn = console.export_svg(title=title, theme=COLOURS, code_format=plain, unique_id=title.replace(" ", "-"))
    return re.sub(r"[ \t]+$", "", drawn, flags=re.MULTILINE) + "\n"


def work() -> str:
    """A question, calls, a diff, and a command that waits for the user's word."""
    with project(WORK) as pane:
        pane.start(columns=COLUMNS, rows=ROWS)
        pane.say("The discount test fails. Find out why and fix it.", "y once")
        return picture(pane, "mimo")


def team() -> str:
    """The tree of tasks and subagents."""
    with project(TEAM) as pane:
        pane.start("--yolo", columns=COLUMNS, rows=ROWS)
        pane.say("Let every price come from cart.total.", "Meanwhile")
        pane.wait("2 subagents: grep, grep")
        pane.type("/tasks ")
        pane.keys("Enter")
        pane.wait("explore-2 which tests")
        return picture(pane, "mimo tasks")


def sessions() -> str:
    """Earlier sessions with a preview of the one that is marked."""
    answers = {
        "Why does the discount test fail?": "`total` subtracts the discount as an amount; the test means a percentage.",
        "Write release notes for 1.2": "## 1.2\n\n- Discounts are percentages.\n- Prices are rounded once, at the end.",
        "Which functions have no tests?": "Only `cart.total` is tested. `shipping` and `tax` are **not**.",
    }
    with project([]) as pane:
        for number, (question, answer) in enumerate(answers.items()):
            path = pane.cli.project / f"{number}.json"
            path.write_text(json.dumps({"steps": [{"text": answer}]}))
            assert pane.cli("run", "-m", f"scripted/{path.name}", "--title", question, question).code == 0
        pane.start(columns=COLUMNS, rows=ROWS)
        pane.say("/sessions", "release notes")
        pane.keys("Down")
        pane.wait("rounded once")
        return picture(pane, "mimo sessions")


def main() -> None:
    """Write them."""
    PLACE.mkdir(exist_ok=True)
    for draw in (work, team, sessions):
        (PLACE / f"{draw.__name__}.svg").write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
