"""The jobs, in one SQLite file that all processes share; taking one that is due is one transaction.

So a job runs once however many processes look at it: whoever moves its next time first has it. Should that process
die in the same instant, this one run is lost rather than doubled.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, tzinfo
from pathlib import Path

from mimocode.errors import StoreError, UsageError

from .times import Rule, following

BACK = 86_400.0
"""Seconds. A clock that stands further back than this behind the last run was wrong then, and schedules begin anew."""
GRACE = 120.0
"""Seconds that a run may be late and still count as on time where missed ones are skipped."""
MOST = 50
"""Jobs of one project."""
LONGEST = 8_000
"""Characters of a prompt."""
LONGEST_NAME = 80
"""Characters of a name."""
SPANS = ("every", "loop")
"""Kinds whose `spec` is a number of seconds; that of a loop runs when the agent has not said when to go on."""


@dataclass(frozen=True)
class Job:
    """Something to say to an agent at a time. Times are Unix seconds."""

    id: str
    project: str
    """The folder that the project begins at."""
    prompt: str
    kind: str
    spec: str
    next: float
    session: str = ""
    """The one session that it belongs to; empty: any of the project."""
    last: float = 0
    runs: int = 0
    expires: float = 0
    """0: never."""
    catch_up: str = "once"
    made: float = 0
    by: str = "user"
    name: str = ""
    reason: str = ""
    """Why the agent wants to look again."""

    def moved(self, now: float, zone: tzinfo) -> Job | None:
        """The job after a run at `now`; None when that was the last one."""
        if self.kind == "once" or (self.kind == "loop" and self.runs):
            return None
        due = max(now, self.next)  # never a second run for a time that had its run, whatever the clock says
        ahead = now + float(self.spec) if self.kind in SPANS else following(self.spec, due, zone)
        return replace(self, next=ahead, last=now, runs=self.runs + 1)


@dataclass(frozen=True)
class Taken:
    """What came of looking for a due job: a job to run, and those that ended or were passed over without a run."""

    job: Job | None = None
    ended: tuple[Job, ...] = ()
    missed: tuple[Job, ...] = ()


FORGOTTEN = 30 * 86_400.0
"""Seconds after which a job of a session that nobody has opened again is forgotten."""
LEFT = "session != '' AND ((expires > 0 AND expires <= ?) OR next <= ?)"
MINE = "project = ? AND session IN ('', ?) ORDER BY next"
COLUMNS = tuple(field.name for field in fields(Job))


def made(
    rule: Rule,
    prompt: str,
    project: Path,
    now: float,
    *,
    session: str = "",
    days: float = 7,
    catch_up: str = "once",
    by: str = "user",
    name: str = "",
    reason: str = "",
) -> Job:
    """A new job.

    Args:
        days: after which a repeating job ends; 0 is never.
        name: what it is called in lists.
        reason: why, for lists.

    Raises:
        UsageError: there is nothing to say, or too much.
    """
    prompt = prompt.strip()
    if not prompt or len(prompt) > LONGEST:
        raise UsageError(f"a job needs words to say, at most {LONGEST:,} characters")
    expires = now + days * 86_400 if days and rule.kind != "once" else 0
    own = secrets.token_hex(4)
    return Job(
        *(own, str(project), prompt, rule.kind, rule.spec, rule.first, session),
        expires=expires,
        catch_up=catch_up,
        made=now,
        by=by,
        name=named(name),
        reason=" ".join(reason.split()),
    )


def named(name: str) -> str:
    """A name in one line.

    Raises:
        UsageError: it is too long.
    """
    name = " ".join(name.split())
    if len(name) > LONGEST_NAME:
        raise UsageError(f"a job's name has at most {LONGEST_NAME} characters")
    return name


@dataclass(frozen=True)
class Book:
    """All jobs of this user, of every project."""

    path: Path

    def add(self, job: Job) -> None:
        """Keep a job.

        Raises:
            UsageError: the project has too many.
            StoreError: it cannot be written.
        """
        with self._open() as base:
            base.execute(f"DELETE FROM jobs WHERE {LEFT}", (job.made, job.made - FORGOTTEN))
            (count,) = base.execute("SELECT count(*) FROM jobs WHERE project = ?", (job.project,)).fetchone()
            if count >= MOST:
                raise UsageError(f"this project has {count} jobs already; `mimo cron remove ID` makes room")
            if job.kind == "loop":  # a session goes round one loop at a time; this is its next round
                base.execute("DELETE FROM jobs WHERE kind = 'loop' AND session = ?", (job.session,))
            _write(base, job)

    def rename(self, id: str, project: Path, name: str) -> Job:
        """Call the job whose id begins like this by another name; "" takes its name away.

        Raises:
            UsageError: there is none in this project, or more than one, or the name is too long.
        """
        job = replace(self.find(id, project), name=named(name))
        with self._open() as base:
            base.execute("UPDATE jobs SET name = ? WHERE id = ?", (job.name, job.id))
        return job

    def remove(self, id: str, project: Path) -> Job:
        """Forget the job whose id begins like this.

        Raises:
            UsageError: there is none in this project, or more than one.
        """
        job = self.find(id, project)
        with self._open() as base:
            base.execute("DELETE FROM jobs WHERE id = ?", (job.id,))
        return job

    def find(self, id: str, project: Path) -> Job:
        """The job whose id begins like this.

        Raises:
            UsageError: there is none in this project, or more than one.
        """
        found = [job for job in self.jobs(project) if id and job.id.startswith(id)]
        if len(found) != 1:
            raise UsageError(f"there is {'no job' if not found else 'more than one job'} {id!r}; `mimo cron list`")
        return found[0]

    def jobs(self, project: Path) -> list[Job]:
        """The jobs of a project, the next one first."""
        return self._read("project = ? ORDER BY next", str(project))

    def next(self, project: Path, session: str, now: float, zone: tzinfo) -> float | None:
        """When something is due that this session may do; None: never. Sees to it that the clock makes sense.

        Raises:
            StoreError: the file cannot be read or written.
        """
        if not self.path.exists():
            return None
        with self._open() as base:
            mine = _rows(base, MINE, str(project), session)
            return min((_set_back(base, job, now, zone).next for job in mine), default=None)

    def take(self, project: Path, session: str, now: float, zone: tzinfo) -> Taken:
        """Take the job that has been due longest; nobody else gets this run of it.

        Raises:
            StoreError: the file cannot be read or written.
        """
        if not self.path.exists():
            return Taken()
        ended, missed = list[Job](), list[Job]()
        with self._open() as base:
            for job in _rows(base, MINE, str(project), session):
                if job.next > now:
                    continue
                late = job.catch_up == "skip" and now - job.next > GRACE
                over = bool(job.expires) and now >= job.expires
                after = None if over else job.moved(now, zone)
                _put(base, job, replace(after, last=job.last, runs=job.runs) if late and after else after)
                if over:
                    ended.append(job)
                elif late:
                    missed.append(job)
                else:
                    return Taken(job, tuple(ended), tuple(missed))
        return Taken(None, tuple(ended), tuple(missed))

    def ran(self, job: Job, now: float) -> None:
        """Note a run out of turn; what was to happen once has happened."""
        with self._open() as base:
            if job.moved(now, UTC) is None:
                base.execute("DELETE FROM jobs WHERE id = ?", (job.id,))
            else:
                base.execute("UPDATE jobs SET last = ?, runs = runs + 1 WHERE id = ?", (now, job.id))

    def _read(self, where: str, *values: str) -> list[Job]:
        if not self.path.exists():
            return []
        with self._open() as base:
            return _rows(base, where, *values)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction, the only one of all processes while it lasts."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=5, isolation_level=None)) as base:
                base.execute("BEGIN IMMEDIATE")
                base.execute(f"CREATE TABLE IF NOT EXISTS jobs ({', '.join(COLUMNS)}, PRIMARY KEY (id))")
                _grow(base)
                try:
                    yield base
                except BaseException:
                    base.execute("ROLLBACK")
                    raise
                base.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"the schedule {self.path} cannot be used: {error}") from error


def _grow(base: sqlite3.Connection) -> None:
    """Add what an older version did not keep."""
    there = {row[1] for row in base.execute("PRAGMA table_info(jobs)")}
    for name in COLUMNS:
        if name not in there:
            base.execute(f"ALTER TABLE jobs ADD COLUMN {name} DEFAULT ''")


def _rows(base: sqlite3.Connection, where: str, *values: str) -> list[Job]:
    found = base.execute(f"SELECT {', '.join(COLUMNS)} FROM jobs WHERE {where}", values).fetchall()
    return [Job(*row) for row in found]


def _write(base: sqlite3.Connection, job: Job) -> None:
    marks = ", ".join("?" * len(COLUMNS))
    base.execute(f"INSERT OR REPLACE INTO jobs VALUES ({marks})", tuple(asdict(job).values()))


def _put(base: sqlite3.Connection, job: Job, after: Job | None) -> None:
    if after is None:
        base.execute("DELETE FROM jobs WHERE id = ?", (job.id,))
    else:
        _write(base, after)


def _set_back(base: sqlite3.Connection, job: Job, now: float, zone: tzinfo) -> Job:
    """The job, begun anew if the clock stands far behind its last run; a little behind, it waits."""
    if job.last <= now + (0 if job.kind in SPANS else BACK):
        return job
    ahead = now + float(job.spec) if job.kind in SPANS else following(job.spec, now, zone)
    fresh = replace(job, next=min(job.next, ahead), last=now)
    _write(base, fresh)
    return fresh
