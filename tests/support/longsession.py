"""A session of hundreds of steps in a window of 32,000 tokens, with facts at random places and an exam at the end."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

from support.cli import Cli
from support.model_server import ModelServer

WINDOW = 32_000
NAMES = ["amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heath", "inlet", "jade"]
Step = dict[str, Any]


@dataclass
class Course:
    """What is said in which turn, and what must be known at the end: a question's words, and the answer to them."""

    prompts: list[str] = field(default_factory=list)
    turns: list[list[Step]] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def steps(self) -> list[Step]:
        """All answers of the model in order."""
        return [step for turn in self.turns for step in turn]


def bash(command: str, text: str = "") -> Step:
    """An answer that runs a command."""
    return {"text": text, "calls": [{"name": "bash", "arguments": {"command": command, "description": "a step"}}]}


def course(steps: int, turns: int, chance: random.Random) -> Course:
    """Ten directives and messages of the user, ten decisions, ten failures, ten names of files, spread over all turns."""
    made = Course()
    each = steps // turns
    kinds = [(kind, n) for kind in ("decision", "failure", "file") for n in range(10)]
    chance.shuffle(kinds)
    places = sorted(chance.sample(range(steps), len(kinds)))
    planted = dict(zip(places, kinds, strict=True))
    for turn in range(turns):
        rules = [n for n in range(10) if n % turns == turn]
        words = " ".join(f"Always keep rule-{n} {NAMES[n]}: value RV-{n}{chance.randrange(1000, 9999)}." for n in rules)
        made.facts |= {f"rule-{n} {NAMES[n]}": word for n, word in zip(rules, words.split(". "), strict=False)}
        made.prompts.append(f"Part {turn + 1} of the work. {words}")
        made.turns.append([_step(made, turn * each + n, planted, chance) for n in range(each)])
        made.turns[-1].append({"text": f"Part {turn + 1} is done."})
    for n in range(10):
        made.facts[f"rule-{n} {NAMES[n]}"] = next(
            word.rstrip(".") for prompt in made.prompts for word in prompt.split() if word.startswith(f"RV-{n}")
        )
    return made


def _step(made: Course, number: int, planted: dict[int, tuple[str, int]], chance: random.Random) -> Step:
    kind, n = planted.get(number, ("", 0))
    code = f"{kind[:1].upper()}X-{n}{chance.randrange(1000, 9999)}"
    command = f"cat printed.txt; echo step {number}"
    if kind:
        made.facts[f"{kind}-{n} {NAMES[n]}"] = code
    if kind == "decision":
        return bash(command, f"For decision-{n} {NAMES[n]} we will use {code} because the other way was too slow.")
    if kind == "failure":
        return bash(f"echo 'error: failure-{n} {NAMES[n]} ended with {code}' >&2; exit 3")
    if kind == "file":
        return bash(command, f"The file for file-{n} {NAMES[n]} is src/{code}.py.")
    return bash(command)


def connect(cli: Cli, server: ModelServer, writer: ModelServer) -> None:
    """Settings for a model with a small window, and another one that writes checkpoints."""

    def provider(at: ModelServer) -> dict[str, Any]:
        models = {"test-model": {"limit": {"context": WINDOW, "output": 4_000}}}
        return {
            "npm": "@ai-sdk/openai-compatible",
            "options": {"baseURL": f"{at.url}/v1", "apiKey": "k"},
            "models": models,
        }

    cli.settings(
        provider={"local": provider(server), "writer": provider(writer)},
        model="local/test-model",
        checkpoint={"model": "writer/test-model"},
    )
    (cli.project / "printed.txt").write_text("a line that was printed, number 0123456789\n" * 186)


def questions(keys: list[str]) -> list[Step]:
    """The exam: one search in the history for each question, a few in an answer."""
    asked = [{"name": "history", "arguments": {"operation": "search", "query": key, "limit": 3}} for key in keys]
    return [{"calls": asked[at : at + 4]} for at in range(0, len(asked), 4)] + [{"text": "The exam is over."}]


def examined(cli: Cli, server: ModelServer, facts: dict[str, str]) -> list[str]:
    """The facts that are neither in the window at the end nor found with one call."""
    server.script({"text": "Ready."})
    assert cli("run", "--yolo", "--continue", "Get ready for the exam.").code == 0
    window = json.dumps(server.requests[-1].body["messages"], ensure_ascii=False)
    missing = [key for key, value in facts.items() if value not in window]
    began = len(server.requests)  # what stood in earlier windows does not count
    server.script(*questions(missing))
    assert cli("run", "--yolo", "--continue", "Now the exam.").code == 0
    told = "".join(
        json.dumps(message, ensure_ascii=False)
        for request in server.requests[began:]
        for message in request.body["messages"]
        if message["role"] == "tool"
    )
    return [key for key in missing if facts[key] not in told]
