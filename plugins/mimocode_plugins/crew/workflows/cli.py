"""`mimo workflow list`, `run`, `resume`, `show`, `new`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mimocode.errors import UsageError
from mimocode.events import ApprovalAsked, Approve, Entry, Noted
from mimocode_plugins.crew.assets import say

from ..authoring import checked, declare, place, quoted, write
from ..children.team import team
from .engine import NOTES, Run, new_run, old_run
from .journal import Journal, find, latest, shown
from .screening import screened
from .sources import FOLDER, workflow, workflows

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

CODES = {"done": 0, "failed": 1, "cancelled": 130}
RUNS = 10
"""Runs that are listed."""
BODY = '''\
META = {{
    "description": {description},
    "phases": ["look", "report"],
}}


def run(args):
    """What `mimo workflow run {name} WORDS` does; the words are args["text"]."""
    phase("look")
    found = parallel(
        [
            lambda: agent("Where is this dealt with? " + args["text"], agent="explore", label="code"),
            lambda: agent("Which tests cover this? " + args["text"], agent="explore", label="tests"),
        ]
    )
    phase("report")
    notes = "\\n\\n".join([text for text in found if text])
    return agent("Sum this up in ten lines, with paths:\\n\\n" + notes, label="sum up")
'''


async def list_(chosen: argparse.Namespace, host: Host) -> int:
    """Print workflows, then the latest runs."""
    rows: list[dict[str, Any]] = []
    for name, each in workflows(host).items():
        try:
            rows.append({"name": name, "from": each.origin, "description": each.read()[1].description})
        except UsageError as error:
            rows.append({"name": name, "from": each.origin, "problem": str(error)})
    runs = [_run(journal) for journal in latest(host)[:RUNS]]
    if chosen.json:
        say(json.dumps({"workflows": rows, "runs": runs}, ensure_ascii=False, indent=1) + "\n")
        return 0
    for row in rows:
        say(f"{row['name']}  ({row['from']})\n  {row.get('description') or row.get('problem')}\n")
    for run_ in runs:
        failed = f", {run_['failed']} failed" if run_["failed"] else ""
        agents = f"{run_['agents']} agent{'s' * (run_['agents'] != 1)}"
        say(f"{run_['id']}  {run_['name']}  {run_['state']}  {agents}{failed}\n")
    return 0


def _run(journal: Journal) -> dict[str, Any]:
    head, end = journal.head, journal.end
    done, failed = (sum(word in line for line in journal.lines) for word in ("key", "failed"))
    told = {"id": head["run"], "name": head["name"], "state": end.get("ended", "cut off or running")}
    return {**told, "agents": done, "failed": failed, "why": end.get("why", "")}


async def run(chosen: argparse.Namespace, host: Host) -> int:
    """Run one in a session of its own."""
    args = _args(chosen.words, chosen.arg)
    _options(chosen, host)
    workflow(host, chosen.name).read()  # what is wrong with it is said before there is a session
    async with host.open(model=chosen.model, title=f"workflow {chosen.name}") as session:
        return await _shown_to_the_end(new_run(session, chosen.name, args), session, chosen)


async def resume(chosen: argparse.Namespace, host: Host) -> int:
    """Go on with one, in its session."""
    journal = find(host, chosen.id)
    _options(chosen, host)
    async with host.open(str(journal.head["session"]), model=chosen.model) as session:
        await team(session).revive()
        return await _shown_to_the_end(old_run(session, journal), session, chosen)


def _options(chosen: argparse.Namespace, host: Host) -> None:
    host.options["headless"] = True
    if chosen.yolo:
        host.options["yolo"] = True


def _args(words: Iterable[str], pairs: Iterable[str]) -> dict[str, Any]:
    args: dict[str, Any] = {"text": " ".join(words)}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--arg {pair}: write it as NAME=VALUE")
        try:
            args[name] = json.loads(value)
        except ValueError:
            args[name] = value
    return args


async def _shown_to_the_end(work: Run, session: Session, chosen: argparse.Namespace) -> int:
    sys.stderr.write(f"{work.id}\n")
    watching = asyncio.create_task(_watch(session))
    await asyncio.sleep(0)  # it listens from here on
    try:
        outcome = await work.work()
        await asyncio.sleep(0)
    finally:
        watching.cancel()
    if chosen.json:
        told = {"run": work.id, "state": outcome.state, "result": outcome.value, "why": outcome.why}
        say(json.dumps(told, ensure_ascii=False) + "\n")
    elif outcome.value is not None:
        say(shown(outcome.value) + "\n")
    if outcome.why:
        sys.stderr.write(f"mimo: {outcome.why}; `mimo workflow resume {work.id}` goes on\n")
    return CODES[outcome.state]


async def _watch(session: Session) -> None:
    """Show how it goes; nobody is there to approve anything."""
    held: set[asyncio.Task[None]] = set()
    async for entry in session.host.follow():
        if isinstance(entry.event, ApprovalAsked):
            held.add(asyncio.create_task(_refuse(entry, session)))
        elif isinstance(entry.event, Noted) and entry.session == session.id and (line := _progress(entry.event)):
            sys.stderr.write(line + "\n")


async def _refuse(entry: Entry, session: Session) -> None:
    asked = entry.event
    assert isinstance(asked, ApprovalAsked)
    working = [session, *(each.child for each in team(session).live.values() if each.child)]
    asking = next((each for each in working if each.id == entry.session), None)
    why = asked.reason or "it needs approval"
    sys.stderr.write(f"! {asked.call.name} was refused: {why}. Allow it with a rule, or with --yolo.\n")
    if asking is not None:
        await asking.submit(Approve(asked.call.id, False, f"{why}. Nobody is there to approve it; go on without it."))


def _progress(noted: Noted) -> str:
    data = noted.data
    if noted.plugin == NOTES and data["op"] in ("phase", "log"):
        return f"# {data['name']}" if data["op"] == "phase" else f"  {data['text']}"
    if noted.plugin == "actors" and data.get("op") == "ended":
        return f"  {data['id']} {data['state']}: {data.get('summary') or data.get('why', '')}"
    return ""


async def show(chosen: argparse.Namespace, host: Host) -> int:
    """Print a script, or a run's journal."""
    if not chosen.what.startswith("wf_"):
        say(workflow(host, chosen.what).read()[0])
        return 0
    journal = find(host, chosen.what)
    row = _run(journal)
    say(f"{row['id']}  {row['name']}  {row['state']}\n")
    for line in journal.lines[1:]:
        text = next((f"{word}: {line[word]}" for word in ("phase", "log", "failed", "ended") if word in line), "")
        text = text or f"agent: {line.get('label')}: {shown(line.get('value'))[:200]}"
        say("  " + text + (f" ({line['why']})" if line.get("why") else "") + "\n")
    return 0


def declare_new(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `new`."""
    declare(parser)


async def new(chosen: argparse.Namespace, host: Host) -> int:
    """Write a new workflow."""
    name = checked(chosen.name)
    text = BODY.format(name=name, description=quoted(chosen.description or "Say what it does."))
    screened(text, name)
    write(place(host, FOLDER, everywhere=chosen.everywhere) / f"{name}.py", text, force=chosen.force)
    return 0
