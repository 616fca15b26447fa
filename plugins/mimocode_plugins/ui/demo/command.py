"""`mimo demo`, from a temporary project to the proof that its tests pass."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import UsageError
from mimocode.events import Say

from ..headless import converse
from ..interrupts import CODE, Interrupts
from ..streams import Results, Screen, speak_utf8, visible
from ..transcript import Transcript
from .project import QUIET, create, failures

if TYPE_CHECKING:
    from mimocode.host import Host

TASK = "A test fails. Find out why and fix it."
MODEL = "scripted/demo"


async def run(args: argparse.Namespace, host: Host) -> int:
    """Run the demo; 0 only when the tests of its project really pass in the end."""
    speak_utf8()
    screen, results = Screen(sys.stderr), Results()
    folder = _folder()
    code = CODE
    try:
        with Interrupts() as interrupts:
            code = await _run(args, folder, screen, results, interrupts)
    finally:
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)
    _closing(screen, folder if args.keep else None)
    return code


def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="mimo-demo-")).resolve()


async def _run(args: argparse.Namespace, folder: Path, screen: Screen, results: Results, interrupts: Interrupts) -> int:
    project = folder / "tally"
    git = await asyncio.to_thread(create, project)
    _opening(screen, project, git)
    model = MODEL if screen.terminal and not args.fast else _fast(folder)
    with _environment(folder) as environ:
        host = _host(project, environ)
        try:
            async with host.open(model=model, title=TASK) as session:
                screen.line(screen.paint("You: ", "bold") + TASK)
                view = Transcript(screen, results)
                view.begin(session.id, session.agent.name, MODEL)

                async def begin() -> None:
                    await session.submit(Say(TASK))

                code = await converse(session, begin, view, interrupts, yolo=True)
        finally:
            host.close()
    if code:
        return code
    wrong = await asyncio.to_thread(failures, project, git)
    for line in wrong:
        screen.line(screen.paint(f"✗ The demo went wrong: {line}.", "red"))
    if not wrong:
        screen.line(
            screen.paint("✓ Checked outside of the agent: the tests pass, and exactly one line changed.", "green")
        )
    return 1 if wrong else 0


def _host(project: Path, environ: Mapping[str, str]) -> Host:
    """A workspace of its own: built-in plugins alone, none of the user's settings, sessions or keys."""
    from mimocode.host import Host
    from mimocode.main import complain

    options = {"yolo": True, "headless": True}
    return Host(directory=project, external=False, environ=environ, options=options, complain=complain)


@contextmanager
def _environment(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of the demo, for plugins and for the commands they run; put back afterwards."""
    before = dict(os.environ)
    ours = {name: value for name, value in before.items() if not name.startswith("MIMOCODE_")}
    python = str(Path(sys.executable).parent)  # so that `python3` is there even if it is only ours
    ours |= QUIET | {"MIMOCODE_HOME": str(folder / "home"), "PATH": f"{ours.get('PATH', os.defpath)}:{python}"}
    os.environ.clear()
    os.environ.update(ours)
    try:
        yield ours
    finally:
        os.environ.clear()
        os.environ.update(before)


def _fast(folder: Path) -> str:
    """The same scenario without pauses, for --fast and where nobody watches."""
    import yaml

    try:
        shipped = files("mimocode_plugins.providers.scripted") / "scenarios" / "demo.yaml"
    except ModuleNotFoundError:
        raise UsageError("the demo needs the plugin providers.scripted, which is not there") from None
    scenario = yaml.safe_load(shipped.read_text("utf-8"))
    scenario["pace"] = 0
    for step in scenario["steps"]:
        step.pop("delay", None)
    path = folder / "demo.json"
    path.write_text(json.dumps(scenario), "utf-8")
    return f"scripted/{path}"


def _opening(screen: Screen, project: Path, git: bool) -> None:
    screen.line(screen.paint("This is a demo: the model is scripted and no network is used.", "bold"))
    what = "git repository" if git else "folder (there is no git here)"
    screen.line(
        f"Everything else is real: the loop, the tools, the tests, the temporary {what} {visible(str(project))}"
    )
    screen.line()


def _closing(screen: Screen, kept: Path | None) -> None:
    text = (files(__package__) / "connect.md").read_text("utf-8")
    screen.line()
    screen.line(visible(text.rstrip("\n")))
    screen.line()
    screen.line(
        f"The demo's project is in {visible(str(kept / 'tally'))}: look at it with `git diff`."
        if kept
        else "The demo's project is removed; `mimo demo --keep` leaves it in place."
    )
