"""What a call touches: the (key, pattern) pairs that rules are asked about.

Read from what the tool's author declares in its `meta` (`permission`, `paths`, `patch`, `command`, `patterns`), so
that no guard knows a tool's name. Paths are judged where they really lead, after links. Source: surface.md 6.2, 6.3, 7.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from glob import iglob
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.errors import ToolFailed

from .. import policy as policies
from ..policy import BASH_WRITE, EGRESS, FORCED, FOREIGN, PROTECTED
from ..protected import protected
from ..rules import one_line
from .arity import telling, words_of
from .beyond import lasts, shows_login
from .destructive import destroys, harmless, smells
from .effects import effects, only_reads, reads_named, risky, stream, writes_named
from .egress import leaves
from .shell import Command, Word, commands

if TYPE_CHECKING:
    from mimocode.messages import ToolCall
    from mimocode.session import Session

MOVERS = words_of("cd pushd popd chdir")
CARRIERS = words_of("mv cp ln rsync scp tar zip")
_NAMES = re.compile(r"[^\s'\"`;|&<>(){}=$:,\\\0]+")
"""What could be the name of a file, somewhere in a command."""
MOST = 5_000
"""Files of a directory that are looked at when all of it is moved or copied; what has more is asked."""
_PATCHED = re.compile(r"^[^\S\n]*\*{3}[^\S\n]*(?:(?:Add|Update|Delete) File|Move to):(.*\S.*)$", re.MULTILINE)
"""The files that a patch names. It finds more than the tool that applies it accepts, never less."""


LOOKING = words_of("read glob grep list")
"""Keys under which a path is only looked at."""
_SYSTEM = re.compile(
    r"/(usr/(?!local/etc/)|s?bin/|lib(32|64)?/|nix/store/|opt/homebrew/|System/Library/|Library/Developer/"
    r"|(etc/(os-release|debian_version|lsb-release|shells|services|protocols|mime\.types)"
    r"|proc/(cpuinfo|meminfo|version|loadavg|uptime|filesystems))/)"
)
_LIBRARIES = re.compile(
    r"(\.cargo/registry|\.rustup/toolchains|go/pkg/mod|\.pyenv/versions|\.nvm/versions|\.rbenv/versions|\.asdf/installs"
    r"|\.local/share/(uv|mise/installs|pnpm/store)|\.local/lib|\.m2/repository|\.gradle/caches|miniconda3|anaconda3)/"
)
"""Below the home: what compilers and package managers fetched for everybody."""


@dataclass(frozen=True)
class Touch:
    """One thing that a call touches.

    `spellings` are other names of the same thing: rules about them can tighten, never loosen. `offer` is the
    pattern that "always" would allow ("" for none). With `literal` only a rule that spells out the very text can
    allow it; with `only_tighten` there is nothing to allow, only something to forbid.
    """

    key: str
    pattern: str
    offer: str = "*"
    spellings: tuple[str, ...] = ()
    literal: bool = False
    only_tighten: bool = False
    common: bool = False
    """It is read, and lies where a system keeps what is the same for everybody: only the user's own rules ask."""


@dataclass(frozen=True)
class Place:
    """Where a session works: real paths of its directory and project, and what of our own data is open to it."""

    directory: Path
    inside: tuple[Path, ...]
    exempt: tuple[Path, ...]
    own: tuple[Path, ...] = ()
    """Where our settings and data are kept."""

    @classmethod
    def of(cls, session: Session) -> Place:
        """The place of a session."""
        host, here = session.host, session.directory
        inside = tuple(dict.fromkeys(p.resolve() for p in (host.root, here) if str(p.resolve()) != "/"))
        paths = host.paths
        exempt = tuple((paths.data / name).resolve() for name in ("tool-output", "memory", "worktree"))
        own = tuple(dict.fromkeys(p.resolve() for p in (paths.data, paths.config, paths.state)))
        return cls(here, inside, exempt, tuple(p for p in own if p not in inside))

    def outside(self, real: Path) -> bool:
        """Whether a real path belongs neither to the project nor to what is open."""
        return not any(real == p or p in real.parents for p in (*self.inside, *self.exempt))


def touches(call: ToolCall, session: Session) -> list[Touch]:
    """All that a call touches, at least one thing."""
    key, said = policies.key_of(session.toolbox.specs.get(call.name), call.name)
    place = Place.of(session)
    command = said.get("command")
    found: list[Touch] = []
    base = place.directory
    for text in values(call.arguments, said.get("paths")):
        path = real_path(text, place.directory)
        if command:
            base = path
            found += _beyond(path, place)
        else:
            found += path_touches(key, text, place)
    for text in values(call.arguments, said.get("patch")):
        found += [touch for name in _PATCHED.findall(text) for touch in path_touches(key, name.strip(), place)]
    for text in values(call.arguments, command):
        found += command_touches(key, text, base, place)
    if key == "glob":
        found += [touch for text in _patterns(call, said) for touch in _rooted(text, place)]
    found += [Touch(key, text, offer=text if key == "skill" else "*") for text in _patterns(call, said)]
    spec = session.toolbox.specs.get(call.name)
    if spec is not None and not said and not spec.read_only:
        found += [Touch(key, "*"), Touch(FOREIGN, call.name, offer="")]
    return found or [Touch(key, "*")]


def _patterns(call: ToolCall, said: Mapping[str, Any]) -> list[str]:
    return values(call.arguments, said.get("patterns"))


def _rooted(pattern: str, place: Place) -> Iterator[Touch]:
    """An absolute file name pattern reaches as far as a path does: judge the part before its wildcards."""
    if pattern.startswith(("/", "~", "..")):
        parts = pattern.split("/")
        fixed = next((at for at, part in enumerate(parts) if re.search(r"[*?\[{\\]", part)), len(parts))
        yield from _beyond(real_path("/".join(parts[:fixed]) or "/", place.directory), place)


def values(arguments: Mapping[str, Any], names: Any) -> list[str]:
    """The texts given for these argument names, however they are spelt: a second spelling must not hide one."""
    wanted = {names} if isinstance(names, str) else set(names or ())
    found: list[str] = []
    for name, value in arguments.items():
        if name in wanted or re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower() in wanted:
            found += [v for v in (value if isinstance(value, list | tuple) else [value]) if isinstance(v, str)]
    return found


def real_path(text: str, base: Path) -> Path:
    """Where a path leads after `~`, links and `..`; what does not exist is resolved as far as it does.

    Raises:
        ToolFailed: no file can have this name.
    """
    try:
        return Path(os.path.realpath(base / os.path.expanduser(text)))  # noqa: PTH111 - keeps an unknown ~user
    except ValueError:  # NUL, or half a character
        raise ToolFailed(f'"{one_line(text)}" cannot be a path on this system.') from None


def path_touches(key: str, text: str, place: Place, base: Path | None = None) -> list[Touch]:
    """A path under `key`: relative to the project for edits, absolute for everything else."""
    base = base or place.directory
    real = real_path(text, base)
    lexical = os.path.normpath(base / os.path.expanduser(text))  # noqa: PTH111
    names = [str(real), *(str(real.relative_to(p)) for p in place.inside if real.is_relative_to(p)), lexical, text]
    relative = next((n for n in names[1:] if not n.startswith("/")), str(real)) if place.inside else str(real)
    pattern = relative if key == "edit" and not place.outside(real) else str(real)
    composed = [unicodedata.normalize(form, n) for form in ("NFC", "NFD") for n in (*names, pattern)]
    spellings = tuple(n for n in dict.fromkeys((*names, *composed)) if n != pattern)
    found = [*_beyond(real, place, key in LOOKING), Touch(key, pattern, spellings=spellings)]
    if lexical.startswith("/proc/") and not place.outside(real):
        found.append(Touch("external_directory", lexical, offer=""))  # what it leads to depends on who asks
    if key == "edit":
        found += _delicate(real, place)
    return found


def _delicate(real: Path, place: Place) -> Iterator[Touch]:
    """What else an edit touches: files that decide what runs next, and other names of the same file."""
    if protected(real, place.own, place.exempt):
        yield Touch(PROTECTED, str(real), offer="")
    try:
        found = real.lstat()
    except OSError:
        return
    if stat.S_ISREG(found.st_mode) and found.st_nlink > 1 and not place.outside(real):
        yield Touch("external_directory", str(real), offer=str(real))  # its other names may lie anywhere


def _beyond(real: Path, place: Place, looks: bool = False) -> Iterator[Touch]:
    if place.outside(real):
        folder = real if real.is_dir() else real.parent
        pattern = f"{str(folder).rstrip('/')}/*"
        common = looks and (_SYSTEM.match(f"{real}/") or _below_home(real)) is not None
        yield Touch("external_directory", pattern, offer=pattern, spellings=(str(real),), common=common)


def _below_home(real: Path) -> re.Match[str] | None:
    home = Path.home().resolve()
    return _LIBRARIES.match(f"{real.relative_to(home)}/") if real.is_relative_to(home) else None


def command_touches(key: str, text: str, base: Path, place: Place) -> Iterator[Touch]:
    """A shell command: each simple command under `key`, the files it redirects to, the places it reaches."""
    found = commands(text)
    if found is None:
        if smells(text):
            yield Touch(FORCED, text, offer="")
        yield Touch(key, text, offer=text, literal=True)
        yield Touch(BASH_WRITE, text, offer="")
        return
    if any(map(reads_named, found)):
        for each in dict.fromkeys(_NAMES.findall(text)):
            yield Touch("read", each, offer="", spellings=(str(real_path(each, base)), each), only_tighten=True)
    if any(map(writes_named, found)):
        for each in dict.fromkeys(_NAMES.findall(text)):
            yield from (touch for touch in _delicate(real_path(each, base), place) if touch.key == PROTECTED)
    moved = any(command.name in MOVERS for command in found)
    protected = [*place.inside, *(p.parent for p in place.exempt), Path.home().resolve()]
    bases = [base]
    for command in found:
        if destroys(command, None if moved else base) and not harmless(command, None if moved else base, protected):
            yield Touch(FORCED, command.text, offer="")
        yield from _simple(key, command)
        if leaves(command):
            yield Touch(EGRESS, command.text, offer=command.text, spellings=command.spellings)
        if lasts(command):
            yield Touch(PROTECTED, command.text, offer="")
        if shows_login(command):
            yield Touch("external_directory", f"a login: {command.text}", offer=f"a login: {command.text}")
        if not only_reads(command):
            yield Touch(BASH_WRITE, command.text or text, offer=command.text or text)
        for each in bases:
            yield from _files(command, each, place)
        if command.name in MOVERS:
            bases = _moved(command, bases)
            for each in bases:
                yield from _beyond(each, place)


def _simple(key: str, command: Command) -> Iterator[Touch]:
    if not command.text or (command.name in MOVERS and not command.inner):
        return
    if command.inner:
        yield Touch(key, command.text, offer="", spellings=(command.text, *command.spellings), only_tighten=True)
        return
    if risky(command):
        yield Touch(key, command.text, offer=command.text, spellings=command.spellings, literal=True)
        return
    front = [word.raw for word in command.assignments]
    front += [word.raw for word in command.words[: telling(command.argv)]]
    yield Touch(key, command.text, offer=" ".join(front) + " *", spellings=command.spellings)


def _moved(command: Command, bases: list[Path]) -> list[Path]:
    """Where the shell may be after `cd`: the new place, and the old ones when it is not certain to get there."""
    target = next((word for word in command.words[1:] if not word.value.startswith("-")), None)
    if target is None or target.dynamic or target.glob:
        return [*bases, *([Path.home()] if target is None else [])]
    there = [real_path(target.value, each) for each in bases]
    sure = not command.scoped and all(each.is_dir() for each in there)
    return list(dict.fromkeys(there if sure else [*bases, *there]))


def _files(command: Command, base: Path, place: Place) -> Iterator[Touch]:
    """Redirections and the arguments of file commands count as reading and editing."""
    for key, words in (("edit", command.writes), ("read", command.reads)):
        for word in words:
            if word.dynamic or word.glob:
                yield Touch(key, word.raw, offer=word.raw, literal=True)
            elif not stream(word.value):
                yield from path_touches(key, word.value, place, base)
    for key, word in effects(command):
        yield from _argument(command, key, word, base, place)


def _argument(command: Command, key: str, word: Word, base: Path, place: Place) -> Iterator[Touch]:
    if not word.value or stream(word.value) or word.value == "-" or "://" in word.value:
        return
    if word.dynamic:
        if key == "edit":
            yield Touch(key, word.raw, offer=word.raw, literal=True)
        return
    yield from path_touches(key, word.value, place, base)
    if word.glob:
        for found in islice(iglob(str(base / word.value), include_hidden=True), MOST):  # noqa: PTH207 - as the shell
            yield from path_touches(key, found, place, base)
    elif key == "read" and command.name in CARRIERS:
        yield from _within(real_path(word.value, base), place, base)


def _within(folder: Path, place: Place, base: Path) -> Iterator[Touch]:
    """The files below a directory that is moved, copied or linked as a whole."""
    if not folder.is_dir() or place.outside(folder):
        return
    seen = 0
    for where, _, names in os.walk(folder):
        for name in names:
            seen += 1
            if seen > MOST:
                yield Touch("read", f"{folder}/*", offer=f"{folder}/*", literal=True)
                return
            yield Touch("read", str(Path(where) / name), spellings=(name,))
