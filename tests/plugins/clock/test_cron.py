"""What is scheduled is said once, when nobody is at work, whatever the clocks do."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimocode import Say, ToolCall, hookimpl
from mimocode.errors import StoreError, UsageError
from mimocode.events import ApprovalAsked, Event, Notice, Pulse
from mimocode.ports import Answer, Command, Prompt
from mimocode.session import Session
from mimocode.testing import Script, play, talk
from mimocode_plugins.clock import cron
from mimocode_plugins.clock.cron.beat import idle, words
from mimocode_plugins.clock.cron.desk import desk
from mimocode_plugins.clock.cron.jobs import MOST, Book, Job, made
from mimocode_plugins.clock.cron.times import following, local_zone, parsed, span
from mimocode_plugins.crew import commands
from mimocode_plugins.guard import permission
from support.catalogues import build, catalogue
from support.cli import Cli

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86_400.0
BERLIN = ZoneInfo("Europe/Berlin")


class Hands:
    """A clock that is moved by hand: whoever sleeps by it wakes whenever it moves."""

    def __init__(self, at: float = NOON) -> None:
        self.at, self.moved = at, asyncio.Event()

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        until = self.at + seconds
        while self.at < until:
            at = self.at
            await self.moved.wait()
            if self.at < at:  # set back: the wait of a real timer does not grow by that
                return

    def move(self, seconds: float) -> None:
        self.at += seconds
        self.moved.set()
        self.moved = asyncio.Event()


class Wall:
    """A plugin that brings the clock, lets the model wait for a sign, and keeps what is told."""

    def __init__(self) -> None:
        self.clock, self.go = Hands(), asyncio.Event()
        self.go.set()
        self.asking = asyncio.Event()
        self.heard: list[str] = []

    @hookimpl
    async def find_clock(self) -> Hands:
        return self.clock

    @hookimpl
    async def wrap_model(self, model: Script) -> Any:
        return Patient(model, self)

    @hookimpl
    async def on_event(self, event: Event) -> None:
        if isinstance(event, Notice) and event.source == "cron":
            self.heard.append(event.text)


class Patient:
    """A model that answers when it may."""

    ref, window = "script/lines", 200_000

    def __init__(self, inner: Script, wall: Wall) -> None:
        self.inner, self.wall = inner, wall

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        self.wall.asking.set()
        await self.wall.go.wait()
        async for piece in self.inner.stream(prompt):
            yield piece


@asynccontextmanager
async def room(wall: Wall, *lines: Any, folder: Path, **more: Any) -> AsyncIterator[Session]:
    async with play(*lines, plugins=[commands, cron, wall], directory=folder, **more) as session:
        await breath()
        wall.clock.move(2)  # the pause after opening is over
        yield session


async def breath(session: Session | None = None) -> None:
    """Let everything happen that can happen without the clock moving on."""
    for _ in range(100):
        await asyncio.sleep(0)
    if session:
        await session.settled()


def book(folder: Path) -> Book:
    return Book(folder / "schedule.db")


def job(folder: Path, when: str, prompt: str = "look", now: float = NOON, **more: Any) -> Job:
    fresh = made(parsed(when, now, UTC), prompt, folder, now, **more)
    book(folder).add(fresh)
    return fresh


async def test_a_job_is_said_to_an_idle_session_when_its_time_comes(tmp_path: Path) -> None:
    wall = Wall()
    daily = job(tmp_path, "0 13 * * *", "water the plants")
    async with room(wall, "Watered.", "Again.", folder=tmp_path) as session:
        wall.clock.move(HOUR - 10)
        await breath(session)
        assert talk(session) == [], "eight seconds too early"
        wall.clock.move(10)
        await breath(session)
        assert talk(session) == [
            f"user: [scheduled job {daily.id}, Sat 2026-11-21 13:00 UTC]\nwater the plants",
            "assistant: Watered.",
        ]
        assert session.state.messages[0].origin == "cron"
        wall.clock.move(DAY)
        await breath(session)
        assert talk(session)[3:] == ["assistant: Again."]


async def test_never_during_a_turn(tmp_path: Path) -> None:
    wall = Wall()
    job(tmp_path, "in 5m", "water")
    async with room(wall, "Working.", "Watered.", folder=tmp_path) as session:
        wall.go.clear()
        await session.submit(Say("work"))
        await wall.asking.wait()
        assert not idle(session)
        wall.clock.move(HOUR)
        await breath()
        assert [message.text for message in session.state.messages] == ["work"]
        assert len(book(tmp_path).jobs(tmp_path)) == 1, "it is not taken before it can be said"
        wall.go.set()
        await session.settled()
        await breath(session)
        said = [line.split("\n")[-1] for line in talk(session)]
        assert said == ["user: work", "assistant: Working.", "water", "assistant: Watered."]
        assert book(tmp_path).jobs(tmp_path) == []


async def test_what_the_user_has_just_typed_goes_first(tmp_path: Path) -> None:
    """The message stands in the queue, no turn has begun yet: that is not idle either."""
    wall = Wall()
    job(tmp_path, "in 5m", "water")
    async with room(wall, "Working.", "Watered.", folder=tmp_path) as session:
        wall.clock.move(HOUR)
        await session.submit(Say("work"))
        await breath(session)
        said = [line.split("\n")[-1] for line in talk(session)]
        assert said == ["user: work", "assistant: Working.", "water", "assistant: Watered."]
        assert len(session.state.turns) == 2, "two turns, not one message in the middle of the other's"


async def test_after_sleep_what_was_missed_is_made_up_for_once(tmp_path: Path) -> None:
    wall = Wall()
    job(tmp_path, "0 * * * *")
    async with room(wall, "Looked.", "Looked again.", folder=tmp_path) as session:
        wall.clock.move(3 * DAY)
        await breath(session)
        assert len(session.state.turns) == 1
        wall.clock.move(HOUR)
        await breath(session)
        assert len(session.state.turns) == 2


async def test_or_left_out(tmp_path: Path) -> None:
    wall = Wall()
    kept = job(tmp_path, "0 * * * *", catch_up="skip")
    gone = job(tmp_path, "at 2026-11-22 09:00", "too late", catch_up="skip")
    async with room(wall, "Looked.", folder=tmp_path) as session:
        wall.clock.move(3 * DAY + 1800)
        await breath(session)
        assert talk(session) == []
        assert [text.split(":")[0] for text in wall.heard] == ["missed and left out, as cron.catch_up says"] * 2
        assert [each.id for each in book(tmp_path).jobs(tmp_path)] == [kept.id]
        assert gone.id in "".join(wall.heard)
        wall.clock.move(1800)
        await breath(session)
        assert len(session.state.turns) == 1, "on time again"


async def test_a_clock_that_is_set_back_brings_nothing_twice(tmp_path: Path) -> None:
    wall = Wall()
    job(tmp_path, "0 * * * *")
    async with room(wall, "13:00.", "14:00.", folder=tmp_path) as session:
        wall.clock.move(HOUR)
        await breath(session)
        wall.clock.move(-HOUR)
        await breath(session)
        wall.clock.move(HOUR)
        await breath(session)
        assert len(session.state.turns) == 1, "13:00 came twice, the job once"
        wall.clock.move(HOUR)
        await breath(session)
        assert len(session.state.turns) == 2


async def test_a_clock_that_was_years_ahead_does_not_silence_a_job(tmp_path: Path) -> None:
    wall = Wall()
    job(tmp_path, "0 * * * *", days=0)
    job(tmp_path, "every 1h", "round", days=0)
    async with room(wall, *["Looked."] * 4, folder=tmp_path) as session:
        wall.clock.move(4000 * DAY)
        await breath(session)
        assert len(session.state.turns) == 2
        wall.clock.move(-4000 * DAY)
        await breath(session)
        assert len(session.state.turns) == 2
        wall.clock.move(HOUR)
        await breath(session)
        assert len(session.state.turns) == 4


async def test_repeating_jobs_end_and_say_so(tmp_path: Path) -> None:
    wall = Wall()
    old = job(tmp_path, "0 0 * * 1")
    async with room(wall, folder=tmp_path) as session:
        wall.clock.move(8 * DAY)
        await breath(session)
        assert talk(session) == []
        assert wall.heard[0].startswith(f"a scheduled job has reached its end and is removed: {old.id}")
        assert book(tmp_path).jobs(tmp_path) == []


async def test_a_loop_goes_round_until_it_is_stopped(tmp_path: Path) -> None:
    wall = Wall()
    async with room(wall, "Green.", "Still green.", folder=tmp_path) as session:
        await session.submit(Say("/loop 5m is the build green?"))
        await breath(session)
        wall.clock.move(300)
        await breath(session)
        (loop,) = book(tmp_path).jobs(tmp_path)
        assert [line.split("\n")[-1] for line in talk(session)] == [
            "user: is the build green?",
            "assistant: Green.",
            "is the build green?",
            "assistant: Still green.",
        ]
        await session.submit(Say("/loops"))
        await session.submit(Say(f"/loop stop {loop.id[:4]}"))
        await session.submit(Say("/loop list"))
        await breath(session)
        wall.clock.move(HOUR)
        await breath(session)
        assert len(session.state.turns) == 2
        assert wall.heard == [
            f"loop {loop.id}: now and every 5m, next Sat 2026-11-21 12:05 UTC; /loop stop {loop.id} ends it",
            f"{loop.id}  every 5m, next Sat 2026-11-21 12:10 UTC, until Sat 2026-11-28 12:00 UTC, "
            'this session only: "is the build green?"',
            f"ended: {loop.id}",
            "nothing is scheduled; /loop 10m look at the build says it again and again",
        ]


class Switch:
    """A plugin with a command that switches something off."""

    def __init__(self) -> None:
        self.thrown: list[str] = []

    @hookimpl
    async def register_commands(self) -> list[Command]:
        async def throw(arguments: str, session: Session) -> None:
            self.thrown.append(arguments)

        return [Command("switch", "switch something", throw)]


async def test_a_command_that_the_user_repeats_is_run_and_a_loop_of_loops_refused(tmp_path: Path) -> None:
    wall, switch = Wall(), Switch()
    async with play(plugins=[commands, cron, wall, switch], directory=tmp_path) as session:
        await breath()
        wall.clock.move(2)
        await session.submit(Say("/loop 5m /switch off"))
        await breath(session)
        wall.clock.move(300)
        await breath(session)
        assert switch.thrown == ["off", "off"]
        await session.submit(Say("/loop 5m /loop 5m hi"))
        await breath(session)
        assert len(book(tmp_path).jobs(tmp_path)) == 1
        assert talk(session) == []


async def test_what_the_agent_schedules_is_words_and_never_a_command_of_the_users(tmp_path: Path) -> None:
    wall, switch = Wall(), Switch()
    job(tmp_path, "every 5m", "/switch off", by="agent")
    async with play("I cannot.", plugins=[commands, cron, wall, switch], directory=tmp_path) as session:
        await breath()
        wall.clock.move(300)
        await breath(session)
        assert switch.thrown == []
        assert talk(session)[0].endswith("\n/switch off")
    assert words(Job("1", "/p", "/switch off", "once", "", 0, by="agent"), await desk(session.host)).startswith("[")


async def test_a_loop_belongs_to_its_session(tmp_path: Path) -> None:
    wall = Wall()
    job(tmp_path, "every 5m", session="another")
    async with room(wall, folder=tmp_path) as session:
        wall.clock.move(HOUR)
        await breath(session)
        assert talk(session) == []


async def test_the_agent_schedules_and_the_user_is_asked_first(tmp_path: Path) -> None:
    wall, asked = Wall(), list[str]()

    class Person:
        @hookimpl
        async def on_event(self, event: Event) -> None:
            if isinstance(event, ApprovalAsked):
                asked.append(str(event.call.arguments["operation"]))

    arguments = {"operation": "schedule", "cron": "every 2h", "prompt": "look at the build"}
    lines = [[ToolCall("1", "cron", arguments)], [ToolCall("2", "cron", {"operation": "list"})], "Done."]
    plugins = [commands, permission, cron, wall, Person()]
    async with play(*lines, plugins=plugins, directory=tmp_path) as session:
        await session.submit(Say("look every two hours"))
        await session.settled()
        (kept,) = book(tmp_path).jobs(tmp_path)
        told = (
            f'{kept.id}  every 2h, next Sat 2026-11-21 14:00 UTC, until Sat 2026-11-28 12:00 UTC: "look at the build"'
        )
        assert [m.text for m in session.state.messages if m.role == "tool"] == [f"Scheduled {told}", told]
    assert asked == ["schedule"], "looking needs no approval, arranging to be spoken to does"
    assert (kept.by, kept.session) == ("agent", "")


def use(n: int, **arguments: Any) -> list[ToolCall]:
    return [ToolCall(str(n), "cron", arguments)]


async def test_the_agent_looks_at_a_job_renames_it_and_calls_it_off(tmp_path: Path) -> None:
    water = job(tmp_path, "0 13 * * *", "water the plants")
    lines = [
        use(1, operation="rename", id=water.id[:5], name="plants  at noon"),
        use(2, operation="get", id=water.id),
        use(3, operation="cancel", id=water.id),
        use(4, operation="list"),
    ]
    async with room(Wall(), *lines, "Done.", folder=tmp_path) as session:
        await session.submit(Say("go"))
        await breath(session)
        rest = "0 13 * * *, next Sat 2026-11-21 13:00 UTC"
        until = "Sat 2026-11-28 12:00 UTC"
        assert [m.text for m in session.state.messages if m.role == "tool"] == [
            f'{water.id}  plants at noon, {rest}, until {until}: "water the plants"',
            f"id: {water.id}\nname: plants at noon\nwhen: {rest}\nuntil: {until}\nmissed times: made up for once\n"
            "last run: none yet\nmade: Sat 2026-11-21 12:00 UTC by the user\nprompt: water the plants",
            f"Removed {water.id}.",
            "nothing is scheduled",
        ]


async def test_one_shot_is_said_the_first_time_only_and_what_is_not_durable_stays_in_its_session(
    tmp_path: Path,
) -> None:
    wall = Wall()
    lines = [
        use(1, operation="schedule", cron="0 13 * * *", prompt="once", one_shot=True, reason="you asked"),
        use(2, operation="schedule", cron="every 2h", prompt="here", durable=False, name="mine"),
        "Done.",
        "Said.",
    ]
    async with room(wall, *lines, folder=tmp_path) as session:
        await session.submit(Say("go"))
        await breath(session)
        first, second = book(tmp_path).jobs(tmp_path)
        assert (first.kind, first.session, first.reason, first.expires) == ("once", "", "you asked", 0)
        assert (second.kind, second.session, second.name) == ("every", session.id, "mine")
        wall.clock.move(HOUR)
        await breath(session)
        assert talk(session)[-1] == "assistant: Said."
        assert [each.name for each in book(tmp_path).jobs(tmp_path)] == ["mine"]
    async with room(wall, folder=tmp_path) as session:
        wall.clock.move(3 * HOUR)
        await breath(session)
        assert talk(session) == [], "another session has nothing to do with it"


async def test_the_agent_paces_a_loop_and_one_that_it_forgets_ends_after_one_more_round(tmp_path: Path) -> None:
    wall = Wall()
    lines = [
        use(1, operation="loop", delay_seconds=5, prompt="look at the build", reason="it takes a while"),
        "I look again in a minute.",
        use(2, operation="loop", delay_seconds=7200, prompt="look at the build"),
        "Still building.",
        "Green at last.",
        "Nothing new.",
    ]
    async with room(wall, *lines, folder=tmp_path) as session:
        await session.submit(Say("watch the build"))
        await breath(session)
        begun = wall.clock.now()
        for seconds in (60, 3600, 1200):  # at least a minute, at most an hour, and once more by itself
            (loop,) = book(tmp_path).jobs(tmp_path)
            assert loop.next - wall.clock.now() == pytest.approx(seconds)
            wall.clock.move(seconds)
            await breath(session)
        assert book(tmp_path).jobs(tmp_path) == []
        wall.clock.move(DAY)
        await breath(session)
        assert wall.clock.now() - begun == DAY + 4860
        assert [line for line in talk(session) if line.startswith("assistant")][1::2] == [
            "assistant: I look again in a minute.",
            "assistant: Still building.",
            "assistant: Nothing new.",
        ]


async def test_a_session_that_ends_with_its_answer_has_no_loops(tmp_path: Path) -> None:
    lines = [use(1, operation="loop", prompt="again"), "I cannot."]
    async with play(*lines, plugins=[cron], directory=tmp_path, headless=True) as session:
        await session.submit(Say("go"))
        await session.settled()
        assert "This session ends with your answer: use schedule" in talk(session)[2]


def test_a_book_of_an_older_version_is_read(tmp_path: Path) -> None:
    old = job(tmp_path, "every 5m")
    with sqlite3.connect(tmp_path / "schedule.db") as base:
        base.execute("ALTER TABLE jobs DROP COLUMN name")
        base.execute("ALTER TABLE jobs DROP COLUMN reason")
    base.close()
    assert book(tmp_path).jobs(tmp_path) == [old]
    assert book(tmp_path).rename(old.id, tmp_path, "new").name == "new"


async def test_the_tool_says_what_is_wrong(tmp_path: Path) -> None:
    calls = [
        {"operation": "schedule", "cron": "every 5s", "prompt": "x"},
        {"operation": "schedule", "cron": "0 0 30 2 *", "prompt": "x"},
        {"operation": "schedule", "cron": "every 5m", "prompt": " "},
        {"operation": "delete", "id": "abc"},
    ]
    lines = [[ToolCall(str(n), "cron", arguments)] for n, arguments in enumerate(calls)]
    async with play(*lines, "Sorry.", plugins=[permission, cron], directory=tmp_path) as session:
        await session.submit(Say("try"))
        await session.settled()
        assert [m.text.split(' "0 9')[0] for m in session.state.messages if m.role == "tool"] == [
            "Error executing tool cron: Every 5s is too often: a minute is the least.",
            "Error executing tool cron: '0 0 30 2 *' is no schedule: bad day-of-month; write",
            "Error executing tool cron: A job needs words to say, at most 8,000 characters.",
            "Error executing tool cron: There is no job 'abc'; `mimo cron list`.",
        ]


CONTEND = """
import sys, time
from datetime import UTC
from pathlib import Path
from mimocode_plugins.clock.cron.jobs import Book
book, folder, start = Book(Path(sys.argv[1])), Path(sys.argv[2]), float(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for minute in range(60):
    for _ in range(3):
        taken = book.take(folder, "", start + 60 * minute, UTC)
        if taken.job:
            print(minute, flush=True)
"""


def test_three_processes_run_a_job_once(tmp_path: Path) -> None:
    job(tmp_path, "* * * * *")
    command = [sys.executable, "-c", CONTEND, str(tmp_path / "schedule.db"), str(tmp_path), str(NOON + 60)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    env = {"PYTHONPATH": ":".join(sys.path)}
    racers = [subprocess.Popen(command, env=env, **pipes) for _ in range(3)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    runs = [line for racer in racers for line in _go(racer)]
    assert len(set(runs)) == len(runs), "a minute had two runs"
    assert "59" in runs


def _go(racer: subprocess.Popen[str]) -> list[str]:
    for each in (racer,):
        assert each.stdin is not None
    return racer.communicate("\n", timeout=60)[0].split()


def test_a_broken_book_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "schedule.db").write_text("no database at all, " * 100)
    with pytest.raises(StoreError, match=r"the schedule .*schedule\.db cannot be used: file is not a database"):
        book(tmp_path).jobs(tmp_path)


def test_jobs_of_sessions_that_nobody_opens_again_are_forgotten(tmp_path: Path) -> None:
    for when in ("every 5m", "in 5m"):
        job(tmp_path, when, session="gone")
    kept = job(tmp_path, "in 5m", now=NOON + 8 * DAY)
    assert [each.kind for each in book(tmp_path).jobs(tmp_path)] == ["once", "once"], "one has reached its end"
    late = job(tmp_path, "in 5m", now=NOON + 31 * DAY)
    assert book(tmp_path).jobs(tmp_path) == [kept, late], "what any session may do stays"


def test_a_project_has_a_limit(tmp_path: Path) -> None:
    for _ in range(MOST):
        job(tmp_path, "in 5m")
    with pytest.raises(UsageError, match="has 50 jobs already"):
        job(tmp_path, "in 5m")


def test_the_users_time_zone_counts() -> None:
    nine = following("0 9 * * *", NOON, BERLIN)
    assert datetime.fromtimestamp(nine, UTC) == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert local_zone({"TZ": "Asia/Tokyo"}) == ZoneInfo("Asia/Tokyo")
    assert local_zone({"TZ": "Asia/Tokyo"}, "Europe/Berlin") == BERLIN
    with pytest.raises(UsageError, match="there is no time zone 'Mars/Base'"):
        local_zone({}, "Mars/Base")


@pytest.mark.parametrize(("spring", "month"), [(29, 3), (25, 10)])
def test_a_night_with_an_hour_too_few_or_too_many_has_one_run(spring: int, month: int) -> None:
    now = datetime(2026, month, spring - 1, 12, tzinfo=BERLIN).timestamp()
    runs = []
    while (now := following("30 2 * * *", now, BERLIN)) < datetime(2026, month, spring + 2, tzinfo=BERLIN).timestamp():
        runs.append(datetime.fromtimestamp(now, BERLIN).day)
    assert runs == [spring, spring + 1]


@pytest.mark.parametrize(
    ("words", "kind", "hours"),
    [
        ("0 13 * * *", "cron", 1),
        ("@daily", "cron", 12),
        ("every 1h30m", "every", 1.5),
        ("in 2d", "once", 48),
        ("at 2026-11-21 14:00", "once", 2),
        ("at 11:00", "once", 23),
        ("at 2026-11-21T15:00+01:00", "once", 2),
    ],
)
def test_words_of_a_schedule(words: str, kind: str, hours: float) -> None:
    rule = parsed(words, NOON, UTC)
    assert (rule.kind, rule.first) == (kind, NOON + hours * HOUR)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("tomorrow", "'tomorrow' is no schedule: write"),
        ("61 * * * *", "bad minute"),
        ("* * * * * *", "is no schedule"),
        ("every now and then", "'now and then' is no span of time"),
        ("at 2020-01-01", "2020-01-01 is past"),
        ("at noon", "'noon' is no time"),
        ("in 1.2.3m", "is no span"),
    ],
)
def test_words_that_are_none(words: str, complaint: str) -> None:
    with pytest.raises(UsageError) as error:
        parsed(words, NOON, UTC)
    assert complaint in str(error.value)


@given(st.integers(0, 4), st.integers(0, 23), st.integers(1, 59))
def test_a_span_is_the_sum_of_its_parts(days: int, hours: int, minutes: int) -> None:
    assert span(f"{days}d{hours}h{minutes}m") == days * DAY + hours * HOUR + minutes * 60


@settings(deadline=None)
@given(st.lists(st.floats(-2 * HOUR, 10 * HOUR), max_size=30), st.sampled_from(["17 * * * *", "*/5 * * * *"]))
def test_however_the_clock_wanders_no_time_has_two_runs(steps: list[float], spec: str) -> None:
    """Time goes on and jumps about, by less than a day back: times that had their run have no second one."""
    now, done = NOON, NOON
    at = Job("1", "/p", "look", "cron", spec, following(spec, NOON, UTC))
    for step in steps:
        now += step
        if at.next <= now:
            assert at.next > done, "this time, or one after it, had its run"
            done = max(now, at.next)
            following_job = at.moved(now, UTC)
            assert following_job is not None
            at = following_job


async def test_the_catalogue_is_what_the_server_lists() -> None:
    kept = Path(str(cron.__file__)).with_name("catalogue.json").read_text("utf-8")
    assert kept == await catalogue(build("clock.cron"))


def test_from_the_command_line(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    env = {"TZ": "Europe/Berlin"}
    cli.settings(model=cli.scenario([{"text": "The plants have water."}]))
    assert cli("cron", "list", **env).err == 'nothing is scheduled; mimo cron add "every 1h" "look at the build"\n'
    added = cli("cron", "add", "0 9 * * 1-5", "water", "the plants", "--expires", "never", **env)
    assert added.code == 0, added.err
    assert cli("cron", "list", **env).out == added.out
    (kept,) = json.loads(cli("cron", "list", "--json", **env).out)
    assert (kept["prompt"], kept["spec"], kept["expires"]) == ("water the plants", "0 9 * * 1-5", 0)
    local = datetime.fromtimestamp(kept["next"], BERLIN)
    assert (local.hour, local.minute, local.weekday() < 5) == (9, 0, True)
    idle = cli("cron", "run", **env)
    assert (idle.code, idle.out) == (0, ""), "nothing is due"
    run = cli("cron", "run", kept["id"][:5], **env)
    assert (run.code, run.out) == (0, "The plants have water.\n"), run.err
    assert "cron: water the plants" in cli("session", "list", **env).out
    assert cli("cron", "remove", kept["id"], **env).out == f"removed {added.out}"
    gone = cli("cron", "remove", kept["id"], **env)
    assert (gone.code, gone.err) == (2, f"mimo: there is no job '{kept['id']}'; `mimo cron list`\n")


@contextmanager
def watching(cli: Cli, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """`mimo serve`, or the other words for it; it does not outlive the test."""
    with cli.start(*words or ("serve",)) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("words", ["serve", "cron run --watch"])
def test_without_a_terminal_jobs_run_when_they_are_due_until_one_ends_it(tmp_path: Path, words: str) -> None:
    cli = Cli(tmp_path)
    cli.settings(model=cli.scenario([{"text": "The build is green."}]))
    assert cli("cron", "add", "in 1s", "look", "at", "the build", "--name", "build").code == 0
    left = cli("cron", "add", "0 0 1 1 *", "far away", "--once").out.split()[0]
    listed = cli("cron", "list").out.splitlines()
    with watching(cli, *words.split()) as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline() == b"The build is green.\n"
        watch.send_signal(signal.SIGTERM)
        _, told = watch.communicate(timeout=60)
        assert watch.returncode == 0
    lines = told.decode().splitlines()
    assert lines[0] == f"watching the schedule of {cli.project}: 2 jobs; Ctrl-C ends it"
    assert lines[1:3] == [f"  {job}" for job in listed]
    assert lines[3] == f"running {listed[0]}"
    assert cli("cron", "rename", left, "new", "year").out.startswith(f"{left}  new year, once, ")
    assert f"id: {left}\nname: new year\n" in cli("cron", "show", left).out


def test_what_is_due_is_run_by_one_of_three_that_serve(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    cli.settings(model=cli.scenario([{"text": "Done."}]))
    for number in range(3):
        assert cli("cron", "add", "in 1s", f"job {number}").code == 0
    said: Queue[bytes] = Queue()
    with watching(cli) as one, watching(cli) as two, watching(cli) as three:
        watches = (one, two, three)
        for watch in watches:
            assert watch.stdout is not None
            Thread(target=lambda lines=watch.stdout: [said.put(line) for line in lines], daemon=True).start()
        assert [said.get(timeout=60) for _ in range(3)] == [b"Done.\n"] * 3
        for watch in watches:
            watch.send_signal(signal.SIGTERM)
        told = [watch.stderr.read().decode() for watch in watches if watch.stderr]
    assert "".join(told).count("\nrunning ") == 3
    assert said.empty()


def test_a_job_that_cannot_be_run_stops_no_other(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    cli.settings(model="scripted/no-such-scenario")
    for prompt in ("first", "second"):
        assert cli("cron", "add", "in 1s", prompt).code == 0
    with watching(cli) as watch:
        assert watch.stderr is not None
        told = ""
        while told.count("no-such-scenario") < 2:
            line = watch.stderr.readline().decode()
            assert line, told
            told += line
        watch.send_signal(signal.SIGINT)
        watch.communicate(timeout=60)
        assert watch.returncode == 0
    assert '"first"' in told and '"second"' in told


@pytest.mark.parametrize("name, value", [("MIMOCODE_DISABLE_CRON", "1"), ("MIMOCODE_EXPERIMENTAL_CRON", "false")])
async def test_the_environment_switches_the_clock_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    switched = Cli(tmp_path)("serve", **{name: value})
    told = "mimo: schedules are switched off by MIMOCODE_DISABLE_CRON or MIMOCODE_EXPERIMENTAL_CRON\n"
    assert (switched.code, switched.err) == (2, told)
    async with play() as session:
        assert [server.name for server in cron.tool_servers(session)] == ["cron"]
        monkeypatch.setenv(name, value)
        assert list(cron.tool_servers(session)) == []
        assert cron.off(session.host)
