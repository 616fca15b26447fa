"""A workflow as something that could be written: its name, its form, what is wrong with it, where it belongs."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ..planted import INJECTED
from .forms import FORMS, MADE, Context, Form, chosen, file_of, is_command, put, text_of
from .mining import Workflow
from .steps import DELEGATED

Redact = Callable[[str], tuple[str, Sequence[str]]]
LONGEST_NAME = 48


@dataclass(frozen=True)
class Words:
    """What a model says a proposal is for, and how it is done, with numbers for its steps."""

    description: str
    body: str


@dataclass(frozen=True)
class Proposal:
    """Something that could be written, and why in this form."""

    name: str
    form: Form
    steps: tuple[str, ...]
    sessions: tuple[str, ...]
    key: str
    """The same for the same steps, whatever it is called."""
    why: str = ""
    tools: tuple[str, ...] = ()
    """Those that its steps were done with."""
    asked: tuple[str, ...] = ()
    """What users said before they had it done, without secrets."""
    words: Words | None = None
    """None: those that need no model."""
    counted: str = ""
    """Its name before a model gave it another."""

    @property
    def description(self) -> str:
        """What it is for and when to use it."""
        if self.words:
            return self.words.description
        listed = ", ".join(self.steps[:3]) + (", ..." if len(self.steps) > 3 else "")
        return f"The way this project does it, {len(self.steps)} steps: {listed}. Use it when this work comes up again."

    @property
    def evidence(self) -> str:
        """Where it was done."""
        return f"done in {len(self.sessions)} sessions: {', '.join(self.sessions[:6])}" + (
            ", ..." if len(self.sessions) > 6 else ""
        )

    @property
    def file(self) -> str:
        """Where it belongs, below the project's `.mimocode`."""
        return file_of(self.form, self.name)

    @property
    def body(self) -> str:
        """How it is done, in a model's words; "" without."""
        return put(self.words.body, self.steps) if self.words else ""

    def text(self) -> str:
        """The file. It grants no tools and no permissions."""
        return text_of(self.form, self.name, self.description, self.key, self.steps, self.tools, self.body)


def proposals(
    found: Sequence[Workflow], redact: Redact, form: str = "", contexts: Mapping[str, Context] | None = None
) -> Iterator[Proposal]:
    """What could be written of workflows. One with a command that nobody should repeat is left out.

    Args:
        form: write this, instead of what the evidence speaks for.
        contexts: by session how it came to do what it did.
    """
    used: set[str] = set()
    for workflow in found:
        steps = tuple(redact(step)[0].replace("`", "'") for step in workflow.shown)
        if any(INJECTED.search(step) for step in steps):
            continue
        name = _name(workflow.keys, used)
        used.add(name)
        key = sha256("\0".join(workflow.keys).encode()).hexdigest()[:12]
        fitting, why = chosen(workflow, contexts or {})
        if form in FORMS and form != fitting:
            fitting, why = form, "you asked for this form"
        tools = {step.tool for row in workflow.places.values() for step in row if step.tool}
        asked = [contexts[id] for id in workflow.sessions if id in contexts] if contexts else []
        said = dict.fromkeys(redact(" ".join(each.asked.split()))[0] for each in asked if not each.delegated)
        requests = tuple(text for text in said if text and not INJECTED.search(text))
        yield Proposal(name, fitting, steps, workflow.sessions, key, why, tuple(sorted(tools)), requests)


def _name(keys: Sequence[str], used: set[str]) -> str:
    """A name from the words that tell most: of the first and the last step."""
    ends = [keys[0], keys[-1]]
    words = [
        word
        for key in ends
        for word in re.findall(r"[a-z0-9]+", key.removeprefix(DELEGATED).lower())
        if word not in ("edit", "run", "md") and len(word) > 1
    ]
    name = "-".join(dict.fromkeys(words))[:LONGEST_NAME].strip("-") or "workflow"
    number = 2
    while name in used:
        name, number = f"{name.rstrip('0123456789-')}-{number}", number + 1
    return name


def problems(proposal: Proposal) -> list[str]:
    """What can be seen to be wrong with its commands without running them, a sentence each."""
    return [line for step in proposal.steps if is_command(step) for line in _command(step)]


def _command(step: str) -> list[str]:
    bash = shutil.which("bash")
    if bash and subprocess.run([bash, "-n", "-c", step], capture_output=True, timeout=10).returncode:
        return [f"bash does not understand {step!r}"]
    program = next((word for word in step.split() if not re.fullmatch(r"\w+=\S*", word)), "")
    if "/" not in program and "..." not in program and not shutil.which(program):
        return [f"there is no program {program!r} here"]
    return []


def place(root: Path, proposal: Proposal) -> Path:
    """Where it would be written."""
    return root / ".mimocode" / proposal.file


def there(root: Path, proposal: Proposal) -> bool:
    """Whether these steps are written down already, in whatever form and under whatever name."""
    base, mark = root / ".mimocode", f"{MADE}: {proposal.key}"
    files = [path for form in FORMS for path in base.glob(file_of(form, "*")) if path.is_file()]
    return place(root, proposal).exists() or any(mark in path.read_text("utf-8", "replace") for path in files)
