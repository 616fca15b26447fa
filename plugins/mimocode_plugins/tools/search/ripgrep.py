"""Search with ripgrep, told to leave out what our own walk leaves out, so that both give the same results."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from mimocode.errors import ToolFailed

from .found import LARGEST, LINE, MATCHES, BadPattern, Found, cut, newest
from .walk import Rules

SECONDS = 20.0
"""How long a search may take."""
_TREE = [
    "--no-config",
    "--hidden",
    "--no-require-git",
    "--no-ignore-global",
    "--no-ignore-dot",
    "--glob=!.git",
    "--null",
    "--color=never",
]
_TEXT = ["--crlf", f"--max-filesize={LARGEST}"]
_SIMPLE = re.compile(r"[\w.*?{},-]+")


class Job:
    """A search under way, which can be stopped from outside."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped = False

    def run(self, command: list[str], feed: bytes = b"") -> tuple[int, bytes, str]:
        """Run a program to its end: exit code, output, complaints.

        Raises:
            ToolFailed: it took too long or cannot be started.
        """
        if self.stopped:
            raise ToolFailed("The search was stopped.")
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/"
            )
        except ValueError:
            raise ToolFailed("The pattern contains a character that cannot be searched for.") from None
        with self.process as process:
            if self.stopped:  # while it was being started
                process.kill()
            try:
                output, complaints = process.communicate(feed, timeout=SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise too_long() from None
            except BaseException:
                process.kill()
                raise
        return process.returncode, output, complaints.decode(errors="replace")

    def stop(self) -> None:
        """End it from another thread."""
        self.stopped = True
        if self.process is not None:
            self.process.kill()


def too_long() -> ToolFailed:
    """What to say of a search that was given up."""
    return ToolFailed(f"The search was stopped after {SECONDS:g} seconds; use a simpler pattern or a narrower path.")


def list_files(rg: str, top: Path, job: Job) -> list[str]:
    """The files below a directory."""
    _, output, _ = job.run([rg, "--files", *_tree(top), "--", str(top)])
    return [_path(name) for name in output.split(b"\0") if name]


def search(rg: str, pattern: str, top: Path, include: Callable[[str], bool] | None, glob: str, job: Job) -> Found:
    """Search the files below `top` whose path relative to it passes `include` (of which `glob` is the text).

    Counts first, then fetches the lines of the newest files only: the output stays small, and the count is exact.

    Raises:
        BadPattern: ripgrep does not take the pattern.
    """
    base = [rg, *_tree(top), *_TEXT, *_type(glob), f"--regexp={pattern}"]
    code, output, complaints = job.run([*base, "--count", "--with-filename", "--", str(top)])
    denied = [line for line in complaints.splitlines() if "(os error " in line]
    if code == 2 and len(denied) < len(complaints.splitlines()):
        raise BadPattern(complaints)
    counts = dict(_counts(output))
    if include is not None:
        counts = {path: n for path, n in counts.items() if include(path[len(str(top)) :].lstrip("/"))}
    found = Found(total=sum(counts.values()), denied=len(denied))
    wanted: list[str] = []
    enough = 0
    for path, _ in newest(counts):
        if enough >= MATCHES:
            break
        wanted.append(path)
        enough += counts[path]
    if wanted:
        found.files = _lines(base, wanted, job)
    return found


def _lines(base: list[str], files: list[str], job: Job) -> list[tuple[str, list[tuple[int, str]]]]:
    wide = f"--max-columns={LINE * 4}"  # bytes
    flags = [
        "--line-number",
        "--with-filename",
        "--no-heading",
        f"--max-count={MATCHES}",
        wide,
        "--max-columns-preview",
    ]
    _, output, _ = job.run([*base, *flags, "--", *files])
    lines: dict[str, list[tuple[int, str]]] = {path: [] for path in files}
    for record in output.split(b"\n"):
        name, _, rest = record.partition(b"\0")
        number, colon, text = rest.partition(b":")
        if colon and number.isdigit() and (matches := lines.get(_path(name))) is not None:
            matches.append((int(number), cut(text.decode(errors="replace"))))
    room = MATCHES
    kept = []
    for path, matches in lines.items():
        if matches and room > 0:
            kept.append((path, matches[:room]))
            room -= len(matches)
    return kept


def _tree(top: Path) -> list[str]:
    asked_by_name = top.is_dir() and not Rules.above(top).specs
    return [*_TREE, "--no-ignore-parent"] if asked_by_name else _TREE


def _type(glob: str) -> list[str]:
    """Leave out early what `include` would leave out later. Unlike `--glob`, a type does not undo ignore rules."""
    name = glob.rpartition("/")[2]
    return [f"--type-add=wanted:{name}", "--type=wanted"] if _SIMPLE.fullmatch(name) and name != "**" else []


def _counts(output: bytes) -> Iterable[tuple[str, int]]:
    # A name may contain a line feed; with --crlf some versions end all records in CR LF.
    for name, number in re.findall(rb"([^\0]+)\0(\d+)\r?\n", output):
        yield _path(name), int(number)


def _path(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
