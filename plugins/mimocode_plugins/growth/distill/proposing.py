"""A workflow as a skill or a command: the text, what is wrong with it, the file. Nothing in it is a model's word."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ..planted import INJECTED
from .mining import Workflow

Redact = Callable[[str], tuple[str, Sequence[str]]]
LONGEST_NAME = 48
_MADE = "distilled-from"


@dataclass(frozen=True)
class Proposal:
    """Something that could be written: `form` is "skill" or "command"."""

    name: str
    form: str
    steps: tuple[str, ...]
    sessions: tuple[str, ...]
    key: str
    """The same for the same steps, whatever it is called."""

    @property
    def description(self) -> str:
        """What it is for and when to use it."""
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
        return f"skills/{self.name}/SKILL.md" if self.form == "skill" else f"commands/{self.name}.md"

    def text(self) -> str:
        """The file. It grants no tools and no permissions."""
        quoted = self.description.replace("\\", "\\\\").replace('"', '\\"')
        head = [f"name: {self.name}"] * (self.form == "skill") + [f'description: "{quoted}"']
        if self.form == "skill":
            head += ["metadata:", f"  {_MADE}: {self.key}"]
        lines = [f"{number}. {_spoken(step)}" for number, step in enumerate(self.steps, 1)]
        told = [
            "Do these steps in this order. Where a step has `...`, fill in what this case needs. When a step fails, "
            "stop there and find out why; do not go on with the next one.",
            "",
            *lines,
            "",
            "At the end say what was done, with the output that shows that it worked.",
        ]
        more = ["", "$ARGUMENTS"] if self.form == "command" else []
        return "\n".join(["---", *head, "---", *told, *more]) + "\n"


def _spoken(step: str) -> str:
    if re.match(r"a \.\w+ file$|[\w.-]+$", step) and (step.startswith("a .") or "." in step or step.isupper()):
        return f"Change {step}." if step.startswith("a ") else f"Change `{step}`."
    return f"Run `{step}`."


def proposals(found: Sequence[Workflow], redact: Redact, form: str = "skill") -> Iterator[Proposal]:
    """What could be written of workflows. One with a command that nobody should repeat is left out."""
    used: set[str] = set()
    for workflow in found:
        steps = tuple(redact(step)[0].replace("`", "'") for step in workflow.shown)
        if any(INJECTED.search(step) for step in steps):
            continue
        name = _name(workflow.keys, used)
        used.add(name)
        key = sha256("\0".join(workflow.keys).encode()).hexdigest()[:12]
        yield Proposal(name, form, steps, workflow.sessions, key)


def _name(keys: Sequence[str], used: set[str]) -> str:
    """A name from the words that tell most: of the first and the last step."""
    ends = [keys[0], keys[-1]]
    words = [
        word for key in ends for word in re.findall(r"[a-z0-9]+", key.lower()) if word not in ("edit", "run", "md")
    ]
    name = "-".join(dict.fromkeys(words))[:LONGEST_NAME].strip("-") or "workflow"
    number = 2
    while name in used:
        name, number = f"{name.rstrip('0123456789-')}-{number}", number + 1
    return name


def problems(proposal: Proposal) -> list[str]:
    """What is wrong with it, a sentence each. Its commands are checked by the shell's grammar, and not run."""
    import yaml

    said: list[str] = []
    head = proposal.text().split("---\n", 2)[1]
    try:
        meta = yaml.safe_load(head)
    except yaml.YAMLError as error:
        return [f"its front matter cannot be read: {error}"]
    if not isinstance(meta, dict) or not meta.get("description"):
        said.append("it has no description")
    if set(meta or ()) - {"name", "description", "metadata"}:
        said.append("it says more than a name and a description")
    for step in proposal.steps:
        spoken = _spoken(step)
        if spoken.startswith("Run"):
            said += _command(step)
    return said


def _command(step: str) -> list[str]:
    bash = shutil.which("bash")
    if bash and subprocess.run([bash, "-n", "-c", step], capture_output=True, timeout=10).returncode:
        return [f"bash does not understand {step!r}"]
    program = step.split()[0]
    if "/" not in program and "..." not in program and not shutil.which(program):
        return [f"there is no program {program!r} here"]
    return []


def place(root: Path, proposal: Proposal) -> Path:
    """Where it would be written."""
    return root / ".mimocode" / proposal.file


def there(root: Path, proposal: Proposal) -> bool:
    """Whether these steps are written down already, under whatever name."""
    if place(root, proposal).exists():
        return True
    files = (root / ".mimocode" / "skills").glob("*/SKILL.md")
    return any(f"{_MADE}: {proposal.key}" in path.read_text("utf-8", "replace") for path in files if path.is_file())
