"""Programs that call tools: each call under the session's rules, and nothing but calls."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from mimocode import Ruling, ToolServer, Verdict, hookimpl
from mimocode.events import ApprovalAsked, Approve, CallFinished, CallStarted, Interrupt, Noted, Say
from mimocode.messages import ToolCall
from mimocode.ports import Agent
from mimocode.session import Session
from mimocode.state import replay
from mimocode.testing import MemoryStore, play, talk
from mimocode_plugins.guard import permission
from mimocode_plugins.tools import ask, code, files, search, shell, undo
from mimocode_plugins.tools.code.server import build
from support.calling import until
from support.catalogues import catalogue
from support.cli import Cli

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="programs can only be held on Linux")


class Calm:
    """Allows all but what is named; keeps what it was asked about."""

    def __init__(self, *denied: str) -> None:
        self.denied, self.ruled = denied, list[tuple[str, str]]()

    @hookimpl
    def rule_on_call(self, call: ToolCall) -> Ruling:
        self.ruled.append((call.id, call.name))
        return Ruling(Verdict.DENY, "not this one") if call.name in self.denied else Ruling(Verdict.ALLOW)


class Meeting:
    """A tool that only ends when `most` calls are there at once, and tells how many there were."""

    def __init__(self, most: int) -> None:
        self.most, self.here, self.peak = most, 0, 0
        self.full = asyncio.Event()

    @hookimpl
    def tool_servers(self) -> list[ToolServer]:
        from mcp.server.mcpserver import MCPServer
        from mcp_types import ToolAnnotations

        server = MCPServer("meeting")
        server.tool(structured_output=False, annotations=ToolAnnotations(read_only_hint=True))(self.meet)
        return [ToolServer("meeting", lambda: server)]

    async def meet(self, n: int) -> str:
        """Meet others."""
        self.here += 1
        self.peak = max(self.peak, self.here)
        if self.here >= self.most:
            self.full.set()
        await self.full.wait()
        self.here -= 1
        return f"met {n}"


def exec_(source: str, **options: Any) -> Sequence[ToolCall]:
    return [ToolCall("e", "exec", {"code": source, **options})]


def played(
    directory: Path, source: str, *plugins: Any, options: dict[str, Any] | None = None, **given: Any
) -> AbstractAsyncContextManager[Session]:
    plugins = plugins or (Calm(), files, search, shell)
    return play(exec_(source, **(options or {})), "done", plugins=[code, *plugins], directory=directory, **given)


async def _turn(session: Session) -> str:
    """The result of the program."""
    await session.submit(Say("go"))
    await session.settled()
    return talk(session)[2].removeprefix("tool: ")


async def test_a_program_calls_tools_and_tells_what_matters(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text(f"{name} = 1\n")
    source = """
import re
names = re.findall(r"\\S+\\.txt", tools.glob(pattern="*.txt"))
for name, text in zip(sorted(names), parallel([("read", {"file_path": name}) for name in sorted(names)])):
    if "b = 1" in text:
        tools.edit(file_path=name, old_string="1", new_string="2")
print(len(names), tools.bash(command="cat b.txt", description="Look"))
"""
    store, guard = MemoryStore(), Calm()
    async with played(tmp_path, source, guard, files, search, shell, store=store) as session:
        assert await _turn(session) == "3 b = 2"
        assert (tmp_path / "b.txt").read_text() == "b = 2\n"
        nested = [f"e.{n}" for n in range(1, 7)]
        names = ["glob", "read", "read", "read", "edit", "bash"]
        assert guard.ruled == [("e", "exec"), *zip(nested, names, strict=True)]
        log = [entry.event for entry in store.facts[session.id]]
        noted = [e.data for e in log if isinstance(e, Noted) and e.plugin == "nested"]
        assert [(note["call"], note["of"], note["name"]) for note in noted] == [
            (id, "e", name) for id, name in zip(nested, names, strict=True)
        ]
        assert noted[-1]["arguments"] == {"command": "cat b.txt", "description": "Look"}
        assert [e.call_id for e in log if isinstance(e, CallStarted)] == ["e", *nested]
        assert sorted(e.call_id for e in log if isinstance(e, CallFinished)) == ["e", *nested]
        assert [m.role for m in session.state.messages] == ["user", "assistant", "tool", "assistant"]
        assert replay(store.facts[session.id]) == session.state
        assert session.host.options["complaints"] == []


async def test_what_is_denied_fails_and_the_program_may_go_on(tmp_path: Path) -> None:
    source = """
try:
    tools.write(file_path="x", content="x")
except ToolError as error:
    print("no:", error)
print([type(each).__name__ for each in parallel([("write", {"file_path": "x", "content": ""}), ("glob", {"pattern": "*"})])])
tools.write(file_path="x", content="x")
"""
    async with played(tmp_path, source, Calm("write"), files, search) as session:
        said = await _turn(session)
    assert said.startswith("no: Denied: not this one\n['ToolError', 'str']\n\nTraceback (most recent call last):\n")
    assert said.endswith('    tools.write(file_path="x", content="x")\nToolError: Denied: not this one')
    assert not (tmp_path / "x").exists()


async def test_what_has_to_be_asked_is_asked_and_the_wait_is_not_the_programs(tmp_path: Path) -> None:
    class User:
        """Answers after longer than the program may take."""

        @hookimpl
        async def on_event(self, event: Any, session: Session) -> None:
            if isinstance(event, ApprovalAsked):
                asyncio.get_running_loop().call_later(2.0, self.answer, event.call.id, session)

        def answer(self, call: str, session: Session) -> None:
            self.task = asyncio.create_task(session.submit(Approve(call, True)))

    class Asks:
        @hookimpl
        def rule_on_call(self, call: ToolCall) -> Ruling:
            return Ruling(Verdict.ASK if call.name == "write" else Verdict.ALLOW)

    source = 'print(tools.write(file_path="x", content="x"))'
    async with played(tmp_path, source, Asks(), User(), files, options={"timeout_ms": 1_900}, allow=None) as session:
        assert "Wrote file successfully." in await _turn(session)


@pytest.mark.parametrize(
    ("options", "source", "said"),
    [
        (
            {"max_tool_calls": 2},
            "for n in range(3): print(len(tools.glob(pattern='*')) > 0)",
            "the program has made the 2",
        ),
        ({"timeout_ms": 300}, "print('begun', flush=True)\nwhile True: pass", "Ended: it took longer than 300 ms."),
        ({}, "x = bytearray(1 << 34)", "MemoryError"),
        ({}, "print('x' * 500_000)", "(Only the first 400000 characters of the output are kept.)"),
        (
            {},
            "import os\nos.write(1, b'nonsense\\n')\ntools.glob(pattern='*')",
            "it wrote where only its runner writes",
        ),
        ({}, "import os\nos._exit(7)", "The program's process ended before the program did: exit code 7"),
        ({}, "raise SystemExit('enough')", "The program ended with exit code enough."),
        ({}, "raise SystemExit", "(no output)"),
        ({}, "def broken(:", "SyntaxError: invalid syntax"),
        ({}, "tools.nothing()", "AttributeError"),
        ({}, "tools.glob(pattern={1})", "TypeError: a call is a name and plain data"),
        ({"max_tool_calls": 501}, "", "max_tool_calls is at most 500."),
        ({"timeout_ms": 600_001}, "", "timeout_ms is in milliseconds, at most 600000."),
    ],
)
async def test_limits_and_mistakes_are_told(tmp_path: Path, options: dict[str, Any], source: str, said: str) -> None:
    async with played(tmp_path, source, Calm(), search, options=options) as session:
        assert said in await _turn(session)
        assert session.host.options["complaints"] == []


async def test_eight_calls_that_read_run_at_once_and_no_more(tmp_path: Path) -> None:
    meeting = Meeting(8)
    source = "print(parallel([('meet', {'n': n}) for n in range(20)]) == [f'met {n}' for n in range(20)])"
    async with played(tmp_path, source, Calm(), meeting) as session:
        assert await _turn(session) == "True"
    assert meeting.peak == 8


async def test_calls_that_change_something_wait_for_each_other(tmp_path: Path) -> None:
    command = "test ! -e busy && touch busy && for i in 1 2 3 4 5; do test -e busy || exit 1; done && rm busy"
    calls = [("bash", {"command": command, "description": f"{n}"}) for n in range(4)]
    async with played(tmp_path, f"print(parallel({calls!r}))", Calm(), shell) as session:
        assert "ToolError" not in (said := await _turn(session)) and "Exit code" not in said


async def test_an_interruption_ends_the_program_and_its_calls(tmp_path: Path) -> None:
    store = MemoryStore()
    source = "tools.bash(command='echo $$ > pid; sleep 600', description='Wait')"
    async with played(tmp_path, source, Calm(), shell, store=store) as session:
        await session.submit(Say("go"))
        await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), 60)
        await session.submit(Interrupt())
        await session.settled()
        assert "cut short" in talk(session)[2]
        pid = int((tmp_path / "pid").read_text())
        await until(lambda: not Path(f"/proc/{pid}").exists(), 30)

        def finished() -> set[str]:
            return {e.event.call_id for e in store.facts[session.id] if isinstance(e.event, CallFinished)}

        await until(lambda: finished() == {"e", "e.1"}, 30)
        assert replay(store.facts[session.id]) == session.state
        assert (session.state.open, session.state.results) == ((), {})


ESCAPES = {
    "read": "open('canary').read()",
    "read by descriptor": "os.open('/etc/passwd', 0)",
    "list": "os.listdir('/')",
    "write": "open('out', 'w')",
    "unlink": "os.unlink('canary')",
    "rename": "os.rename('canary', 'gone')",
    "link": "os.symlink('a', 'b')",
    "make": "os.mkdir('made')",
    "mode": "os.chmod('canary', 0)",
    "truncate": "os.truncate('canary', 0)",
    "fork": "os.fork()",
    "exec": "os.execv('/bin/sh', ['sh', '-c', 'touch out'])",
    "spawn": "os.posix_spawn('/bin/sh', ['sh', '-c', 'touch out'], {})",
    "kill": "os.kill(os.getppid(), 0)",
    "priority": "os.nice(5)",
    "directory": "os.chdir('/tmp')",
    "pipe": "os.pipe()",
    "look": "os.stat('canary')",
    "environment of others": "open(f'/proc/{os.getppid()}/environ')",
    "native open": "libc('open', b'/etc/passwd', 0)",
    "native openat2": "libc('syscall', 437, -100, b'/etc/passwd', b'', 0)",
    "native socket": "libc('socket', 2, 1, 0)",
    "native connect": "libc('syscall', 42, 3, b'', 0)",
    "native ptrace": "libc('ptrace', 16, os.getppid(), 0, 0)",
    "native io_uring": "libc('syscall', 425, 8, b'')",
    "native clone3": "libc('syscall', 435, b'', 64)",
    "native seccomp off": "libc('prctl', 22, 0, 0, 0)",
    "second table": "libc('syscall', 0x40000000 + 2, b'/etc/passwd', 0)",
}


async def test_a_program_can_only_compute(tmp_path: Path) -> None:
    (tmp_path / "canary").write_text("secret")
    source = f"""
import os, sys
libc_ = sys.modules["__main__"].ctypes.pythonapi
def libc(name, *words):
    result = getattr(libc_, name)(*words)
    if result < 0:
        raise OSError("refused")
    return result
os.environ["HOME"] = "/"
for name, attempt in {ESCAPES!r}.items():
    try:
        attempt = attempt.replace("'canary'", repr({str(tmp_path / "canary")!r})).replace("'out'", repr({str(tmp_path / "out")!r}))
        print(name, "DID", eval(attempt))
    except OSError:
        print(name, "refused")
"""
    async with played(tmp_path, source, Calm()) as session:
        said = (await _turn(session)).splitlines()
    assert said == [f"{name} refused" for name in ESCAPES]
    assert os.listdir(tmp_path) == ["canary"]


async def test_it_calls_what_the_session_may_and_nothing_that_is_about_the_conversation(tmp_path: Path) -> None:
    agent = Agent("narrow", tools={"bash": False})
    source = """
for name in ("read", "bash", "exec", "question"):
    print(name, parallel([(name, {})])[0].args[0].partition(";")[0][:60])
"""
    async with played(tmp_path, source, Calm(), files, shell, ask, agent=agent) as session:
        said = (await _turn(session)).splitlines()
    there = "there is no tool '{}' for a program"
    assert said[1:] == [f"{name} {there.format(name)}" for name in ("bash", "exec", "question")]
    assert "file_path" in said[0] or "validation" in said[0]


async def test_in_plan_mode_nothing_changes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    source = """
for call in [("write", {"file_path": "n", "content": "n"}), ("edit", {"file_path": "a.txt", "old_string": "a", "new_string": "b"}),
             ("bash", {"command": "touch n", "description": "x"}), ("bash", {"command": "cat a.txt", "description": "x"})]:
    print(str(parallel([call])[0])[:40])
"""
    agent = Agent("plan", options={"read_only": True, "permission": {"*": "allow", "edit": "deny"}})
    async with played(tmp_path, source, permission, files, shell, agent=agent) as session:
        said = (await _turn(session)).splitlines()
    assert [line.startswith("Denied") for line in said] == [True, True, True, False]
    assert os.listdir(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "a\n"


async def test_what_a_program_changed_is_taken_back(tmp_path: Path) -> None:
    from mimocode_plugins.tools.undo.commands import undo as take_back

    (tmp_path / "a.txt").write_text("a\n")
    source = """
tools.read(file_path="a.txt")
tools.edit(file_path="a.txt", old_string="a", new_string="b")
tools.bash(command="echo new > n.txt", description="x")
"""
    async with played(tmp_path, source, Calm(), files, shell, undo) as session:
        assert await _turn(session) == "(no output)"
        assert (tmp_path / "a.txt").read_text() == "b\n"
        await take_back("", session)
        assert session.host.options["complaints"] == []
    assert (tmp_path / "a.txt").read_text() == "a\n"
    assert not (tmp_path / "n.txt").exists()


def test_on_the_command_line_with_its_trail(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    source = (
        "tools.write(file_path='made.txt', content='x')\nprint(tools.bash(command='cat made.txt', description='x'))"
    )
    call = {"name": "exec", "arguments": {"code": source, "maxToolCalls": 5, "timeoutMs": 50_000}}
    done = cli("run", "--yolo", "-m", cli.scenario([{"calls": [call]}, {"text": "Done."}]), "go")
    assert (done.code, (cli.project / "made.txt").read_text()) == (0, "x")
    acts = cli("audit", "last", "--json").lines
    assert [(act["tool"], act["result"]) for act in acts if act["tool"] != "exec"] == [
        ("write", "done"),
        ("bash", "exit code 0"),
    ]
    assert json.dumps(acts).count("made.txt") >= 2
    assert cli("session", "verify", "last").code == 0


async def test_the_catalogue_is_what_the_server_lists() -> None:
    committed = Path(str(sys.modules["mimocode_plugins.tools.code"].__file__)).with_name("catalogue.json")
    assert committed.read_text() == await catalogue(build(None))
