"""Scenario files: where they are, how they are read, what is wrong with them. README.md describes the format."""

from __future__ import annotations

import re
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import msgspec

from mimocode.errors import ModelError, ModelFault, SettingsError

ENDINGS = (".yaml", ".yml", ".json")
Tokens = dict[Literal["input", "output", "cache_read", "cache_write", "reasoning"], int]


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool call."""

    name: str
    arguments: dict[str, Any] = {}
    id: str = ""
    malformed: str = ""


class Failure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a step fails."""

    fault: ModelFault
    message: str
    status: int = 0
    retry_after: float | None = None
    after: int = -1
    """How many words are said before; -1: all."""
    times: int = 0
    """How many requests for the step fail; 0: all."""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One answer, or the choice between several."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    usage: Tokens = {}
    finish: Literal["", "stop", "calls", "length", "filtered"] = ""
    delay: float = 0.0
    pace: float | None = None
    error: Failure | None = None
    when: str = ""
    cases: tuple[Step, ...] = ()


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A whole file."""

    title: str = ""
    window: int = 200_000
    pace: float = 0.0
    steps: tuple[Step, ...] = ()
    turns: tuple[tuple[Step, ...], ...] = ()

    @cached_property
    def played(self) -> tuple[tuple[Step, ...], ...]:
        """The steps by turn of the user."""
        return self.turns or (self.steps,)

    def at(self, turn: int, number: int, name: str) -> Step:
        """The step to play, both numbers from 0; `name` is for the message.

        Raises:
            ModelError: there is none.
        """
        if self.turns and turn >= len(self.turns):
            raise ModelError(
                ModelFault.REQUEST,
                f"scenario {name} has no turn {turn + 1} (it has {len(self.turns)}): "
                "say no more, or add one to its `turns`",
            )
        steps = self.played[turn if self.turns else 0]
        if number >= len(steps):
            of = f" in turn {turn + 1}" if self.turns else ""
            sentence = f"scenario {name} has no step {number + 1}{of} (it has {len(steps)})"
            raise ModelError(ModelFault.REQUEST, sentence)
        return steps[number]


def shipped() -> dict[str, Path]:
    """The scenarios that come with the product, by name."""
    folder = Path(str(files(__package__))) / "scenarios"
    return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in ENDINGS}


def find(name: str, directory: Path) -> Path:
    """The file of "scripted/<name>"; relative names count from `directory`.

    Raises:
        ModelError: there is none.
    """
    if "/" in name or name.endswith(ENDINGS):
        path = directory / Path(name).expanduser()
        if path.is_file():
            return path
        raise ModelError(ModelFault.NOT_FOUND, f"there is no scenario file {path}")
    known = shipped()
    if name in known:
        return known[name]
    raise ModelError(
        ModelFault.NOT_FOUND,
        f"no scenario named {name!r} is shipped; there is {', '.join(known)}; "
        "a file is named with its ending or a slash: scripted/./my.yaml",
    )


def load(path: Path) -> Scenario:
    """Read a scenario.

    Raises:
        SettingsError: it cannot be read or is not a scenario; names the file and the place in it.
    """
    try:
        raw = path.read_bytes()
        value = msgspec.json.decode(raw) if path.suffix == ".json" else _yaml(raw, path)
        made = msgspec.convert(value, Scenario)
    except OSError as error:
        raise SettingsError(f"the scenario cannot be read: {error.strerror}", str(path)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # a ValidationError is a DecodeError: its text ends with the place, "at `$.steps[0]`"
        raise SettingsError(f"not a scenario: {error}", str(path)) from error
    _check(made, path)
    return made


def _yaml(raw: bytes, path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(raw)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(f"not YAML: {error.problem}", f"{path}:{line}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"not YAML: {error}", str(path)) from error


def _check(scenario: Scenario, path: Path) -> None:
    """What types do not say."""
    if bool(scenario.steps) == bool(scenario.turns):
        raise SettingsError("a scenario has either `steps` or `turns`, and at least one", str(path))
    for turn, steps in enumerate(scenario.played, 1):
        for number, step in enumerate(steps, 1):
            where = f"turn {turn}, step {number}" if scenario.turns else f"step {number}"
            if step.cases and msgspec.to_builtins(step).keys() != {"cases"}:
                raise SettingsError(f"{where}: `cases` stands alone", str(path))
            for case in step.cases or (step,):
                if step.cases and case.cases:
                    raise SettingsError(f"{where}: a case has no `cases`", str(path))
                _check_step(case, where, path)


def _check_step(step: Step, where: str, path: Path) -> None:
    try:
        re.compile(step.when)
    except re.error as error:
        raise SettingsError(f"{where}: `when` is not a regular expression: {error}", str(path)) from error
    if min(step.delay, step.pace or 0.0) < 0:
        raise SettingsError(f"{where}: `delay` and `pace` are seconds, not less than 0", str(path))
