"""One run of a workflow: its process, what it asks for, its journal, its end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode import turn
from mimocode.errors import MimoError, ToolFailed, UsageError
from mimocode.events import Noted
from mimocode.messages import ToolCall
from mimocode.ports import Verdict

from ..children import worktree
from ..children.reports import unfit
from ..children.roster import Actor, Order
from ..children.team import team
from .journal import Journal, folder, key
from .screening import screened
from .settings import bounds
from .sources import INLINE, Workflow, fingerprint, inline, workflow

if TYPE_CHECKING:
    from mimocode.session import Session

NOTES = "workflow"
RUNNER = Path(__file__).with_name("runner.py")
LINE = 16 * 1024 * 1024
"""Bytes that one message of a script may have."""
READ, FOUND = 256_000, 1000
"""Characters of a file, and files of a pattern, that a script gets."""
PAUSE = 0.4
"""Seconds before the first retry; then twice as many each time, at most 4 (runtime.md 10.3)."""
_HEADER = re.compile(r"\A\W*status\W*[:=].*\n(?:\W*summary\W*[:=].*(?:\n|\Z))?", re.IGNORECASE)


@dataclass
class Outcome:
    """How a run ended: done, failed or cancelled."""

    state: str
    value: Any = None
    why: str = ""


def new_run(session: Session, name: str, args: Mapping[str, Any], *, script: str = "", workspace: str = "") -> Run:
    """A run that has yet to begin.

    Args:
        script: the workflow itself, instead of the name of one.
        workspace: a folder of the project: the script's paths and its agents begin there.

    Raises:
        UsageError: there is no such workflow or folder, or it cannot be run.
    """
    id = f"wf_{time.time_ns() // 1_000_000:012x}{secrets.token_hex(3)}"
    path = folder(session.host) / f"{id}.jsonl"
    if script:
        screened(script, INLINE)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".py").write_text(script, "utf-8")
    found = inline(path.with_suffix(".py")) if script else workflow(session.host, name)
    source, _ = found.read()
    if workspace and not inside(session.host.root, workspace).is_dir():
        raise UsageError(f"the workspace {workspace} is no folder of the project")
    journal = Journal(path)
    place = {"root": str(session.host.root), "session": session.id, "workspace": workspace}
    journal.write(run=id, name=found.name, script=fingerprint(source), args=dict(args), **place)
    return Run(session, found, journal)


def old_run(session: Session, journal: Journal) -> Run:
    """A run that goes on: the script is read again, what had succeeded is answered from the journal.

    Raises:
        UsageError: the workflow is gone, or cannot be run.
    """
    kept = journal.path.with_suffix(".py")
    found = inline(kept) if kept.exists() else workflow(session.host, str(journal.head["name"]))
    return Run(session, found, journal)


def inside(root: Path, path: str) -> Path:
    """A place below a folder.

    Raises:
        UsageError: it lies outside, if only by a link.
    """
    place = Path(os.path.normpath(root / path))
    if not place.is_relative_to(root) or not place.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{path} lies outside of the project")
    return place


class Run:
    """One run."""

    def __init__(self, session: Session, found: Workflow, journal: Journal) -> None:
        self.session, self.journal = session, journal
        self._source, meta = found.read()
        self._found = found
        self._root = inside(session.host.root, str(journal.head.get("workspace", "")))
        self._scripts = {found.name: fingerprint(self._source)}
        self._rules = {found.name: meta.permissions}
        self._strangers = set() if found.trusted else {found.name}
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._agents = 0
        self._limits = bounds(session.host)
        self._free = asyncio.Semaphore(self._limits.maxConcurrentAgents or self._limits.maxLifecycleAgents)
        self._actors: set[str] = set()
        self._rulings: dict[str, str] = {}
        self._turns = asyncio.Lock()
        """Questions to the user and merges come one after the other."""

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.journal.head["run"])

    async def work(self) -> Outcome:
        """Run to the end. Cancelling ends the script and its agents; the journal stays for a resume."""
        await self._note("began", name=self._found.name)
        outcome = Outcome("cancelled", why="it was stopped")
        try:
            async with asyncio.timeout(self._limits.deadline):
                outcome = await self._conversation()
        except TimeoutError:
            outcome = Outcome("failed", why=f"it took longer than {self._limits.deadline:g} s")
        finally:
            await self._stop()
            self.journal.write(ended=outcome.state, value=outcome.value, why=outcome.why)
            await self._note("ended", state=outcome.state, why=outcome.why)
        return outcome

    async def _conversation(self) -> Outcome:
        limits = self._limits
        starting = asyncio.create_task(self._started())
        try:
            process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            await starting  # so that somebody ends it
            raise
        order = {"source": self._source, "name": self._found.name, "args": self.journal.head["args"]}
        self._send({**order, "memory": limits.memory, "cpu": limits.cpu})
        assert process.stdout is not None
        assert process.stderr is not None
        while line := await process.stdout.readline():
            message = json.loads(line)
            if message["do"] == "end":
                why = str(message.get("error", ""))
                return Outcome("failed", why=why) if why else Outcome("done", message.get("value"))
            task = asyncio.create_task(self._answer(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        code = await process.wait()
        said = (await process.stderr.read()).decode("utf-8", "replace").strip().splitlines()
        cause = (
            "it computed for too long" if -code in (signal.SIGXCPU, signal.SIGKILL) else (said or [f"code {code}"])[-1]
        )
        return Outcome("failed", why=f"the script's process ended: {cause}")

    async def _started(self) -> asyncio.subprocess.Process:
        """The script's process."""
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, "-s", "-S", "-B", "-P", str(RUNNER)]
        env = {"PYTHONHASHSEED": "0", "PYTHONIOENCODING": "utf-8"}
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, env=env, cwd="/", start_new_session=True, limit=LINE
        )
        return self._process

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with suppress(ConnectionError):
            self._process.stdin.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")

    async def _answer(self, message: Mapping[str, Any]) -> None:
        """Do what the script asks for. What makes no sense ends the script; an agent that fails is None."""
        try:
            value = await self._done(message)
        except MimoError as error:
            self._send({"id": message.get("id"), "fatal": str(error)})
        except Exception as error:
            self.session.host.report("mimocode_plugins.crew.workflows", error)
            self._send({"id": message.get("id"), "fatal": f"{type(error).__name__}: {error}"})
        else:
            if "id" in message:
                self._send({"id": message["id"], "value": value})

    async def _done(self, message: Mapping[str, Any]) -> Any:
        match message["do"]:
            case "agent":
                return await self._agent(message["prompt"], message["opts"], message["stack"])
            case "phase":
                self.journal.write(phase=message["name"])
                await self._note("phase", name=message["name"])
            case "log":
                text = str(message["text"])[:2000]
                self.journal.write(log=text)
                await self._note("log", text=text)
            case "load":
                return self._load(message["name"], message["depth"])
            case "read":
                return await self._read(message["path"])
            case "exists":
                return inside(self._root, message["path"]).exists()
            case "find":
                return self._find(message["pattern"])
        return None

    def _load(self, name: str, depth: int) -> str:
        if depth >= self._limits.maxDepth:
            raise UsageError(f"workflows call workflows at most {self._limits.maxDepth} deep")
        found = workflow(self.session.host, name)
        source, meta = found.read()
        self._scripts[name], self._rules[name] = fingerprint(source), meta.permissions
        if not found.trusted:
            self._strangers.add(name)
        return source

    async def _agent(self, prompt: str, opts: Mapping[str, Any], stack: Sequence[str]) -> Any:
        script = stack[-1]
        name = opts["agent"] or "general"
        agent = (await self.session.host.agents()).get(name)
        if agent is None or agent.hidden:
            raise UsageError(f"there is no agent {name!r}")
        if why := await self._forbidden(name):
            raise UsageError(f"the agent {name} may not be sent: {why}")
        if opts["model"] and script in self._strangers:
            raise UsageError(
                f"{script} came with a project that you have not trusted, and chooses a model: `mimo trust`"
            )
        if opts["schema"] is not None and (why := unfit(opts["schema"])):
            raise UsageError(f"the schema of {opts['label'] or prompt[:40]!r} is none: {why}")
        tools = [dict(agent.tools), agent.options.get("permission")]
        mark = key(prompt, opts, self._scripts[script], tools)
        apart = bool(opts["isolation"]) and not opts["merge"]  # what it leaves behind is not in the tree
        known, value = (False, None) if apart else self.journal.occurrence(mark)
        if known:
            return value
        self._agents += 1
        if self._agents > self._limits.maxLifecycleAgents:
            raise UsageError(f"a run has at most {self._limits.maxLifecycleAgents} agents")
        order = Order(
            name,
            prompt,
            opts["label"] or opts["phase"] or self._found.name,
            opts["context"] or "none",
            opts["model"],
            opts["schema"],
            worktree=opts["isolation"] == "worktree",
            origin="workflow",
            directory=str(self._root) if self._root != self.session.host.root else "",
            within=tuple(rules for each in stack if (rules := self._rules[each])),
        )
        async with self._free:
            value = await self._tried(order, opts)
        if value is not None and not apart:
            self.journal.write(key=mark, value=value, label=order.description)
        return value

    async def _forbidden(self, name: str) -> str:
        """Why the rules do not let this agent be sent, as if the tool for subagents sent it; asked once in a run."""
        async with self._turns:
            if name not in self._rulings:
                specs = self.session.toolbox.specs.values()
                tool = next((s.name for s in specs if (s.meta.get("mimocode") or {}).get("permission") == "actor"), "")
                wish = {"action": "run", "subagent_type": name, "description": f"for the workflow {self._found.name}"}
                ruling = await turn.rule(self.session, ToolCall(f"wf_{secrets.token_hex(6)}", tool, wish))
                self._rulings[name] = "" if ruling.verdict is Verdict.ALLOW else ruling.reason or "denied"
            return self._rulings[name]

    async def _tried(self, order: Order, opts: Mapping[str, Any]) -> Any:
        for attempt in range(int(opts["retries"] or 0) + 1):
            if attempt:
                await asyncio.sleep(min(4.0, PAUSE * 2 ** (attempt - 1)))
            value = await self._once(order, float(opts["timeout"] or 0), merge=bool(opts["merge"]))
            if value is not None:
                return value
        return None

    async def _once(self, order: Order, seconds: float, *, merge: bool) -> Any:
        mine = team(self.session)
        try:
            live = await mine.start(order)
        except ToolFailed as error:
            raise UsageError(str(error)) from None
        self._actors.add(live.id)
        await mine.wait([live.id], seconds or 1e9)
        if live.id in mine.live:
            await mine.cancel(live.id, f"it took longer than {seconds:g} s")
        actor = mine.find(live.id)
        if actor.state not in ("done", "partial"):
            self.journal.write(failed=actor.id, why=actor.why or actor.summary, label=order.description)
            return None
        if actor.place and not await self._settled(actor, merge):
            return None
        if order.schema is not None:
            return actor.value
        return _HEADER.sub("", actor.text).strip() or actor.summary

    async def _settled(self, actor: Actor, merge: bool) -> bool:
        """Whether what an agent changed in its worktree is where the script wants it."""
        mine = team(self.session)
        if not merge:
            self.journal.write(log=f"{actor.id} left its changes in {actor.place}")
            return True
        try:
            async with self._turns:
                await worktree.merge(self.session, Path(actor.place))
        except ToolFailed as error:
            self.journal.write(failed=actor.id, why=str(error), label=actor.order.description)
            await self.session.notice(self._found.name, f"{actor.id}: {error}", "warning")
            return False
        await mine.note(actor.id, "placed", place="")
        return True

    async def _read(self, path: str) -> str | None:
        """A file of the project, if the guards let its tool read it."""
        place = inside(self._root, path)
        tool = next((s.name for s in self.session.toolbox.specs.values() if s.name == "read"), "")
        call = ToolCall(f"wf_{secrets.token_hex(6)}", tool, {"file_path": str(place)})
        if not tool or (await turn.rule(self.session, call)).verdict is not Verdict.ALLOW:
            return None
        try:
            return place.read_text("utf-8", "replace")[:READ]
        except OSError:
            return None

    def _find(self, pattern: str) -> list[str]:
        inside(self._root, pattern)
        root, found = self._root, []
        for path in root.glob(pattern):
            if ".git" not in path.relative_to(root).parts and path.is_file():
                found.append(path.relative_to(root).as_posix())
            if len(found) >= FOUND:
                break
        return sorted(found)

    async def _note(self, op: str, **data: Any) -> None:
        await self.session.emit(Noted(NOTES, {"run": self.id, "op": op, **data}))
        if op in ("phase", "log"):
            await self.session.notice(self._found.name, str(data.get("text") or f"phase: {data.get('name')}"))

    async def _stop(self) -> None:
        """Nothing of the run goes on."""
        for task in list(self._tasks):
            task.cancel()
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        mine = team(self.session)
        cut = [id for id in self._actors if id in mine.live]
        await asyncio.gather(*(mine.cancel(id, "its workflow ended") for id in cut))
