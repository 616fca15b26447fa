"""A request goes from an idea to a merged branch, and not past a gate that has no evidence."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.cli import Cli
from support.job import Log

SUITE = "python3 -m unittest -q"
TEST = "python3 -m unittest -q test_prices.Discount"
CODE = "def total(prices):\n    return sum(prices)\n"
OLD = "import unittest\n\nimport prices\n\n\nclass Total(unittest.TestCase):\n    def test_sum(self):\n        self.assertEqual(prices.total([1, 2]), 3)\n"
NEW = "\n\nclass Discount(unittest.TestCase):\n    def test_ten_percent(self):\n        self.assertEqual(prices.discounted([50, 50], 10), 90)\n"
PHASES = ("spec", "plan", "red", "green", "review", "verify", "merge")


def git(project: Path, *words: str) -> str:
    """Run git and return what it prints."""
    name = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    done = subprocess.run(["git", *name, *words], cwd=project, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def shop(cli: Cli) -> Cli:
    """A small repository with a green suite, on main."""
    git(cli.project, "init", "-q", "-b", "main")
    git(cli.project, "config", "user.name", "Ada")
    git(cli.project, "config", "user.email", "ada@example.org")
    (cli.project / "prices.py").write_text(CODE)
    (cli.project / "test_prices.py").write_text(OLD)
    (cli.project / ".gitignore").write_text("__pycache__/\n")
    git(cli.project, "add", "-A")
    git(cli.project, "commit", "-qm", "A shop")
    return cli


def call(name: str, /, **arguments: Any) -> dict[str, Any]:
    return {"calls": [{"name": name, "arguments": arguments}]}


def task(script: str) -> dict[str, Any]:
    return call("task", script=script)


def bash(command: str) -> dict[str, Any]:
    return call("bash", command=command)


def gate(number: int, **arguments: Any) -> list[dict[str, Any]]:
    """Start a phase's task, prove it, finish it."""
    id = f"T1.{number}"
    return [task(f"start {id}"), call("gate", task=id, **arguments), task(f"done {id} 'the gate was passed'")]


def opening() -> list[dict[str, Any]]:
    """The task tree, the branch, spec and plan."""
    parts = "\n".join(f'create "{phase}: discounts" --parent T1' for phase in PHASES)
    spec = "docs/compose/spec/discounts.md"
    return [
        task(f'create "Discounts"\n{parts}'),
        bash("git switch -qc discounts"),
        call("skill", name="compose:brainstorm"),
        call("write", file_path=spec, content="# Discounts\n[S1] ten percent off 100 is 90\n"),
        *gate(1, file=spec),
        *gate(2, file=spec),
    ]


def writing(body: str) -> list[dict[str, Any]]:
    """Test first, then this code, committed."""
    return [
        bash(f"cat >> test_prices.py <<'EOF'{NEW}EOF"),
        *gate(3, command=TEST),
        bash(f"cat >> prices.py <<'EOF'\n\n\ndef discounted(prices, percent):\n    {body}\nEOF"),
        *gate(4, command=TEST),
    ]


RIGHT = "return total(prices) * (100 - percent) // 100"


def ending() -> list[dict[str, Any]]:
    """Review, commit, verify, merge."""
    return [
        bash("git add -A && git commit -qm 'Discounts [S1]'"),
        *gate(5, command="git diff --stat main HEAD", note="Read by myself: nothing critical, nothing important."),
        *gate(6, command=SUITE),
        bash("git switch -q main && git merge -q --no-ff --no-edit discounts"),
        *gate(7, command=SUITE),
        task("done T1 'merged and green'"),
        {"text": "Merged."},
    ]


def facts(cli: Cli) -> list[dict[str, Any]]:
    """The log."""
    return list(Log.of(cli).facts)


def evidence(cli: Cli) -> Iterator[tuple[str, bool, int | None]]:
    """(phase, passed, exit code) of every gate that was tried."""
    for fact in facts(cli):
        if fact["type"] == "noted" and fact["plugin"] == "compose":
            data = fact["data"]
            yield data["phase"], data["passed"], data.get("exit")


def states(cli: Cli) -> dict[str, str]:
    """The tasks as the command line shows them."""
    listed = json.loads(cli("tasks", "--all", "--json").out)
    return {each["summary"].partition(":")[0]: each["status"] for each in listed}


def results(cli: Cli) -> list[str]:
    """What the tools answered."""
    return [f["content"][0]["text"] for f in facts(cli) if f["type"] == "call.finished"]


def run(cli: Cli, *steps: dict[str, Any]) -> Any:
    return cli("run", "--agent", "compose", "--yolo", "-m", cli.scenario(steps), "Add discounts")


def test_from_request_to_merged_branch(shop: Cli) -> None:
    done = run(shop, *opening(), *writing(RIGHT), *ending())
    assert (done.code, done.out) == (0, "Merged.\n"), done.err
    assert "task T1 [open] Discounts; T1.1 [open] spec: discounts and 6 more\n" in done.err
    assert f"gate Passed: T1.3 red by {TEST}\n" in done.err
    assert git(shop.project, "log", "--format=%s", "--first-parent", "main").splitlines()[1:] == ["A shop"]
    assert git(shop.project, "branch", "--merged", "main").split() == ["discounts", "*", "main"]
    assert "def discounted" in (shop.project / "prices.py").read_text()
    assert list(evidence(shop)) == [
        ("spec", True, None),
        ("plan", True, None),
        ("red", True, 1),
        ("green", True, 0),
        ("review", True, 0),
        ("verify", True, 0),
        ("merge", True, 0),
    ]
    assert states(shop) == {"Discounts": "done", **dict.fromkeys(PHASES, "done")}
    assert any("requirement has an anchor" in text for text in results(shop)), "the skill was loaded"


def test_it_does_not_merge_when_tests_fail(shop: Cli) -> None:
    broken = (
        "import unittest\\n\\n\\nclass Broken(unittest.TestCase):\\n    def test_it(self):\\n        self.fail()\\n"
    )
    steps = [
        *opening(),
        *writing(RIGHT),
        bash(f"printf '{broken}' > test_other.py && git add -A && git commit -qm 'Discounts'"),
        *gate(5, command="git diff --stat main HEAD", note="Read by myself: nothing critical."),
        *gate(6, command=SUITE),
        bash("git switch -q main && git merge -q --no-edit discounts"),
        {"text": "It cannot be merged: a test fails."},
        {"text": "A test fails."},
    ]
    done = run(shop, *steps)
    assert done.code == 0, done.err
    assert git(shop.project, "log", "--format=%s", "main") == "A shop"
    assert list(evidence(shop))[-1] == ("verify", False, 1)
    assert {k: v for k, v in states(shop).items() if k in ("review", "verify", "merge")} == {
        "review": "done",
        "verify": "in_progress",
        "merge": "open",
    }
    said = results(shop)
    assert any("verify needs 0" in text for text in said)
    assert any(text.startswith("Denied: T1.6 is the phase verify") for text in said)
    assert any(text.startswith("Denied: nothing has been verified") for text in said)


def test_a_test_that_does_not_fail_first_closes_no_gate(shop: Cli) -> None:
    steps = [
        *opening(),
        *gate(3, command="python3 -m unittest -q test_prices.Total"),
        *gate(4, command="python3 -m unittest -q test_prices.Total"),
        {"text": "Stuck."},
        {"text": "The test does not fail."},
    ]
    done = run(shop, *steps)
    assert done.code == 0, done.err
    assert list(evidence(shop))[2:] == [("red", False, 0), ("green", False, None)]
    said = results(shop)
    assert any("this test does not fail" in text for text in said)
    assert any("Green needs the very command that was red: nothing was red yet" in text for text in said)
    assert states(shop)["red"] == "in_progress"


def test_what_changed_after_it_was_verified_is_not_merged(shop: Cli) -> None:
    late = ending()
    late.insert(7, bash("echo '# late' >> prices.py && git commit -qam late"))
    done = run(shop, *opening(), *writing(RIGHT), *late)
    assert done.code == 0, done.err
    assert git(shop.project, "log", "--format=%s", "main") == "A shop"
    assert any("was verified: verify again before you merge" in text for text in results(shop))
