"""What a workflow becomes: chosen by rule from where and how it was done, and written as its loader wants it.

No file grants a tool or a permission, and no step is a model's word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from mimocode.events import Entry, MessageAdded

from .mining import Workflow
from .steps import DELEGATED

Form = Literal["skill", "agent", "command", "workflow"]
FORMS: tuple[Form, ...] = ("skill", "agent", "command", "workflow")
HELPERS = 2
"""Steps that subagents did, from which on a script sets them to work."""
ALIKE = 0.6
"""Share of their words that two requests have in common, from which on they ask for the same."""
FILLERS = frozenset(
    "please can could you me my we us the an this that it is to for of now just again let and do".split()  # noqa: SIM905
)
"""Words that say nothing about what is asked for."""
LOOKS = ("glob", "grep", "read")
"""What an agent needs to find its way, whatever else it does."""
MADE = "distilled-from"
_STOP = "When a step fails, stop there and find out why; do not go on with the next one."
_FILLED = re.compile(r"\$(?:ARGUMENTS\b|\d)|!`|(?:^|[^\w`/@.])@[~./\w]")
"""What a command file would fill in, although a step only mentions it."""


@dataclass(frozen=True)
class Context:
    """How a session was asked to do what it did: the user's words before the first step, and who asked."""

    asked: str = ""
    delegated: bool = False
    """It is the session of a subagent."""


def asked(entries: Iterable[Entry], before: int) -> str:
    """What the user said last before fact number `before`."""
    said = ""
    for entry in entries:
        if entry.seq >= before:
            break
        if isinstance(entry.event, MessageAdded) and entry.event.message.role == "user":
            said = entry.event.message.text if not entry.event.message.origin else said
    return said


def chosen(workflow: Workflow, contexts: Mapping[str, Context]) -> tuple[Form, str]:
    """The form for a workflow, and the evidence for it in a few words."""
    known = [contexts.get(id, Context()) for id in workflow.sessions]
    helpers = sum(key.startswith(DELEGATED) for key in workflow.keys)
    if helpers >= HELPERS:
        return "workflow", f"subagents did {helpers} of its steps, in this order"
    if 2 * sum(each.delegated for each in known) > len(known):
        return "agent", "it was handed to subagents each time"
    plain = not any(map(fills, workflow.shown))
    if plain and (words := _same_words([each.asked for each in known])):
        return "command", f"it was asked for in the same words: {' '.join(words)}"
    return "skill", "it was part of different work"


def _same_words(requests: Sequence[str]) -> list[str]:
    """The words that all requests share, if they are most of what each says; a word alone is no request."""
    found = [re.findall(r"[^\W\d_]{2,}", text.lower()) for text in requests]
    rows = [[word for word in words if word not in FILLERS] for words in found]
    if not all(rows) or any(_alike(one, other) < ALIKE for one, other in combinations(map(set, rows), 2)):
        return []
    shared = set.intersection(*map(set, rows))
    return [word for word in dict.fromkeys(rows[0]) if word in shared] if len(shared) >= 2 else []


def _alike(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)


def file_of(form: Form, name: str) -> str:
    """Where it belongs, below the project's `.mimocode`."""
    folder, ending = {
        "skill": ("skills", "/SKILL.md"),
        "agent": ("agents", ".md"),
        "command": ("commands", ".md"),
        "workflow": ("workflows", ".py"),
    }[form]
    return f"{folder}/{name}{ending}"


def fills(text: str) -> bool:
    """Whether a command file would fill something into this text."""
    return bool(_FILLED.search(text))


def put(body: str, steps: Sequence[str]) -> str:
    """A text with its steps in place of their numbers, {1}, {2} and so on."""
    return re.sub(r"{([0-9]+)}", lambda found: _named(steps[int(found[1]) - 1]), body)


def _named(step: str) -> str:
    if step.startswith(DELEGATED):
        helper, _, task = step.removeprefix(DELEGATED).partition(": ")
        return f"the {helper} subagent" + (f" ({task})" if task else "")
    return step if step.startswith("a .") and not is_command(step) else f"`{step}`"


def text_of(
    form: Form, name: str, description: str, key: str, steps: Sequence[str], tools: Sequence[str], body: str = ""
) -> str:
    """The file.

    Args:
        body: its text in other words, with the steps in it.
    """
    if form == "workflow":
        return _script(description, key, steps)
    head = [f"description: {json.dumps(description, ensure_ascii=False)}"]
    if form == "skill":
        head = [f"name: {name}", *head, "metadata:", f"  {MADE}: {key}"]
    elif form == "agent":
        allowed = ", ".join(sorted({*LOOKS, *tools}))
        head += ["mode: subagent", f"tool_allowlist: [{allowed}]"]
    numbered = [f"{number}. {spoken(step)}" for number, step in enumerate(steps, 1)]
    how = f"Do these steps in this order. Where a step has `...`, fill in what this case needs. {_STOP}"
    end = "At the end say what was done, with the output that shows that it worked."
    lines = ["---", *head, "---", *([body, "", _STOP, end] if body else [how, "", *numbered, "", end])]
    lines += ["", "$ARGUMENTS"] if form == "command" else []
    lines += ["", f"<!-- {MADE}: {key} -->"] if form in ("agent", "command") else []
    return "\n".join(lines) + "\n"


def spoken(step: str) -> str:
    """A step as an instruction."""
    if step.startswith(DELEGATED):
        return f"Hand this to the {step.rstrip('.')}."
    if re.match(r"a \.\w+ file$|[\w.-]+$", step) and (step.startswith("a .") or "." in step or step.isupper()):
        return f"Change {step}." if step.startswith("a ") else f"Change `{step}`."
    return f"Run `{step}`."


def is_command(step: str) -> bool:
    """Whether a step is a shell command."""
    return spoken(step).startswith("Run")


def _script(description: str, key: str, steps: Sequence[str]) -> str:
    """A script that lets agents do the steps one after the other, each told what those before it reported."""
    names = [_helper(step) for step in steps]
    rows = [f"    ({names[at]!r}, {f'{at + 1} {names[at]}'!r}, {_task(step)!r})," for at, step in enumerate(steps)]
    meta = {"description": description, "arguments": "text: what is different this time"}
    return (
        "\n".join(
            [
                f'"""{description.replace(chr(34), chr(39)).replace(chr(92), "/")}"""',
                "",
                f"META = {meta!r}",
                f"# {MADE}: {key}",
                "STEPS = [",
                *rows,
                "]",
                "",
                "",
                "def run(args):",
                '    """One step after the other; the first that fails ends it."""',
                '    told = ""',
                "    for helper, name, task in STEPS:",
                "        phase(name)",
                '        words = task + "\\nThis time: " + (args.get("text") or "as always")',
                '        words += "\\nWhat the steps before reported:\\n" + (told or "nothing yet")',
                "        report = agent(words, agent=helper, label=name)",
                "        if report is None:",
                '            return "The step " + name + " failed. What was done before it:\\n" + told',
                '        told += "\\n" + name + ": " + report',
                "    return told.strip()",
            ]
        )
        + "\n"
    )


def _helper(step: str) -> str:
    return step.removeprefix(DELEGATED).partition(":")[0] if step.startswith(DELEGATED) else "general"


def _task(step: str) -> str:
    if step.startswith(DELEGATED):
        return step.partition(": ")[2] or "Do your part."
    return f"{spoken(step)} Where it has `...`, fill in what this case needs. Report its output in short."
