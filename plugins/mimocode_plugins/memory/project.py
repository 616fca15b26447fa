"""Which project a folder belongs to, so that its memory survives a re-clone and no two projects ever share one.

A repository is known by its remote together with its first commit, and by the places it was seen at; a folder without
git by its canonical path. What is known is kept in `<data>/memory/projects.json`. Ids are derived from what they stand
for, so that a lost table is found again. Source: DESIGN.md 7, runtime.md 12.1 (12).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from .saving import locked, replace

TABLE = "projects.json"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PATIENCE = 3.0
"""Seconds that git gets to find the first commit. A repository too large for that is known by its remote."""
HARMLESS = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never"),
    *("-c", "core.pager=cat", "--no-replace-objects"),
)
"""Options that take the repository's own configuration its power to run something."""


@dataclass(frozen=True)
class Identity:
    """What can be seen of a folder without knowing it: everything but `place` may be empty."""

    place: str
    """"git:<common git directory>" or "dir:<folder>", canonical."""
    name: str
    remote: str = ""
    """"host/path" without scheme, user and `.git`."""
    root: str = ""
    """The first commit."""
    origin: str = ""
    """The place of the repository on this disk that this one was cloned from."""
    legacy: str = ""
    """The id that older versions wrote into the git directory."""


def project_id(folder: Path, base: Path, home: Path) -> str:
    """The id of the project that `folder` is the root of; `base` is the memory folder. Reads git's files, may run git.

    Where nothing can be written the project is known all the same, only nothing is learnt of it.
    """
    common = None if folder in (home, home.resolve()) or folder == Path(folder.anchor) else git_folder(folder)
    with suppress(OSError), locked(base):
        table = _table(base / TABLE)
        me = _seen(folder, common, table)
        id = match(table, me) or _new_id(me)
        if _learn(table.setdefault(id, {"name": me.name}), me, common):
            replace(base / TABLE, json.dumps(table, indent=1, ensure_ascii=False) + "\n")
        return id
    table = {}
    with suppress(OSError):
        table = _table(base / TABLE)
    me = _seen(folder, common, table)
    return match(table, me) or _new_id(me)


def directories(known: Iterable[str], base: Path, id: str) -> list[str]:
    """Those of the directories that belong to a project, gone ones too. Looks for `.git` above each, runs nothing."""
    table: dict[str, dict[str, Any]] = {}
    with suppress(OSError):
        table = _table(base / TABLE)
    places = table.get(id, {}).get("places", {})
    owners = {_home(place): owner for owner, record in table.items() for place in record.get("places", {})}
    found: list[str] = []
    for directory in known:
        here = Path(os.path.realpath(directory))
        top = next((above for above in (here, *here.parents) if git_folder(above)), None)
        common = git_folder(top) if top else None
        if common is None:
            nearest = next((above for above in (here, *here.parents) if above in owners), None)
            mine = nearest is not None and owners[nearest] == id
        else:
            mine = f"git:{os.path.realpath(common)}" in places
        found += [directory] * mine
    return found


def _home(place: str) -> Path:
    """The folder that a place in the table stands for."""
    return Path(place.partition(":")[2].removesuffix("/.git"))


def match(table: Mapping[str, Mapping[str, Any]], me: Identity) -> str:
    """The known project that this is, or ""."""
    for test in (_same_place, _same_remote, _cloned_from, _same_root):
        for id, record in table.items():
            if test(record, me):
                return id
    return ""


def _same_place(record: Mapping[str, Any], me: Identity) -> bool:
    """The place, unless another repository stands there now; a folder that became a repository is still itself."""
    here = me.place in record.get("places", {})
    if not here and me.place.startswith("git:"):
        plain = "dir:" + me.place.removeprefix("git:").removesuffix("/.git")
        here = plain in record.get("places", {}) and not record.get("roots")
    roots, remotes = record.get("roots", ()), record.get("remotes", ())
    other = bool(me.root and roots) and me.root not in roots
    return here and not (other and not (me.remote and me.remote in remotes))


def _same_remote(record: Mapping[str, Any], me: Identity) -> bool:
    roots = record.get("roots", ())
    return bool(me.remote) and me.remote in record.get("remotes", ()) and (me.root in roots or not (me.root and roots))


def _cloned_from(record: Mapping[str, Any], me: Identity) -> bool:
    return bool(me.origin and me.root) and me.origin in record.get("places", {}) and me.root in record.get("roots", ())


def _same_root(record: Mapping[str, Any], me: Identity) -> bool:
    """Copies of a repository that never had a remote. With remotes, forks of one template are different projects."""
    return bool(me.root) and not me.remote and not record.get("remotes") and me.root in record.get("roots", ())


def _seen(folder: Path, common: Path | None, table: Mapping[str, Mapping[str, Any]]) -> Identity:
    if common is None:
        return Identity(f"dir:{os.path.realpath(folder)}", folder.name)
    place = f"git:{os.path.realpath(common)}"
    url = remote_url(common)
    remote, origin = _network(url), ""
    if not remote and url:
        source = Path(os.path.realpath((folder / url.removeprefix("file://")).expanduser()))
        origin = f"git:{os.path.realpath(git_folder(source) or source)}"
    name = remote.rpartition("/")[2] or folder.name
    return Identity(place, name, remote, _root(common, place, table), origin, _legacy(common))


def git_folder(folder: Path) -> Path | None:
    """The git directory that all work trees of a repository share, or None if the folder is not the top of one."""
    try:
        dot = folder / ".git"
        if dot.is_file():
            said = dot.read_text("utf-8", "replace").strip()
            if not said.startswith("gitdir:"):
                return None
            dot = folder / said.removeprefix("gitdir:").strip()
        elif not dot.exists() and (folder / "objects").is_dir():
            dot = folder  # a bare one
        if not (dot / "HEAD").is_file():
            return None
        shared = dot / "commondir"
        return dot / shared.read_text("utf-8", "replace").strip() if shared.is_file() else dot
    except OSError:
        return None


def remote_url(common: Path) -> str:
    """The address of `origin`, else of the first remote by name, read from git's file without following includes."""
    try:
        text = (common / "config").read_text("utf-8", "replace")
    except OSError:
        return ""
    urls: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        if header := re.match(r'\s*\[\s*(\w+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]', line):
            section = header[2] or "" if header[1].lower() == "remote" else ""
        elif section and (found := re.match(r"\s*url\s*=\s*(.+)", line, re.IGNORECASE)):
            urls.setdefault(section, found[1].split(" #")[0].strip().strip('"'))
    return urls.get("origin") or next((urls[name] for name in sorted(urls)), "")


def _network(url: str) -> str:
    """An address in the one form in which two clones agree; "" for a path on this disk."""
    found = re.match(r"(?:ssh|https?|git|git\+ssh)://(?:[^@/]*@)?([^/:]+)(?::\d+)?/(.+)", url) or re.match(
        r"(?:[^@/\s]+@)?([\w.-]+\.[\w.-]+|localhost):(?!/)(.+)", url
    )
    if not found:
        return ""
    return f"{found[1].lower()}/{found[2].strip('/').removesuffix('.git')}"


def _root(common: Path, place: str, table: Mapping[str, Mapping[str, Any]]) -> str:
    """The first commit: from the table while the same directory stands there, else from git."""
    stamp = _stamp(common)
    for record in table.values():
        if record.get("places", {}).get(place) == stamp and record.get("roots"):
            return str(record["roots"][-1])
    if (common / "shallow").exists():  # the history is cut off: what looks like the first commit is not
        return ""
    environ = {"PATH": os.environ.get("PATH", os.defpath), "GIT_CONFIG_NOSYSTEM": "1", "GIT_NO_LAZY_FETCH": "1"}
    environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    command = ["git", f"--git-dir={os.path.realpath(common)}", *HARMLESS, "rev-list", "--max-parents=0", "HEAD"]
    try:
        ran = subprocess.run(
            command, env=environ, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return min(ran.stdout.decode("ascii", "replace").split(), default="")


def _stamp(common: Path) -> int:
    try:
        return common.stat().st_ino
    except OSError:
        return 0


def _legacy(common: Path) -> str:
    try:
        id = (common / "mimocode-project-id").read_text("ascii", "replace").strip()
    except OSError:
        return ""
    return id if UUID.fullmatch(id) else ""


def _new_id(me: Identity) -> str:
    if me.legacy:
        return me.legacy
    seed = f"{me.remote}#{me.root}" if me.remote else me.root or me.place
    slug = re.sub(r"[^a-z0-9]+", "-", me.name.lower()).strip("-")[:40] or "project"
    return f"{slug}-{sha256(seed.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


def _learn(record: dict[str, Any], me: Identity, common: Path | None) -> bool:
    """Add what is new about a project to its record; whether anything was."""
    before = json.dumps(record)
    record.setdefault("places", {})[me.place] = _stamp(common) if common else 0
    for key, value in (("remotes", me.remote), ("roots", me.root)):
        known: list[str] = record.setdefault(key, [])
        if value and value not in known:
            known.append(value)
    return json.dumps(record) != before


def _table(path: Path) -> dict[str, dict[str, Any]]:
    """Raises:
    OSError: it is there and cannot be read.
    """
    try:
        table = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return {id: record for id, record in _pairs(table) if isinstance(record, dict) and _sound(record)}


def _pairs(table: Any) -> Iterable[tuple[str, Any]]:
    return table.items() if isinstance(table, dict) else ()


def _sound(record: Mapping[str, Any]) -> bool:
    lists = all(isinstance(record.get(key, []), list) for key in ("remotes", "roots"))
    return lists and isinstance(record.get("places", {}), dict)
