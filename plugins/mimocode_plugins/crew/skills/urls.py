"""Skills from an address (`skills.urls`): `<url>/index.json` names them and their files, and they are kept as a copy.

An address is asked once, when it is new, and again only by `mimo skill list --refresh`: a procedure that the user read
does not change behind their back. What cannot be had leaves the copy as it is. Files are data: none is executable.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from mimocode.errors import MimoError, SettingsError
from mimocode.hookspecs import hookspec
from mimocode_plugins.crew.assets import LARGEST

from .reading import NAME, read

if TYPE_CHECKING:
    from mimocode.host import Host

INDEX, FILE, ALL = 1_000_000, 1_000_000, 20_000_000
"""Bytes of an index, of one file, of all files of one address."""
SKILLS, FILES, DEEPEST = 200, 50, 5
"""Skills of an address, files of a skill, levels of folders in it."""
AT_ONCE = 8
FIRST = 6.0
"""Seconds that a new address may hold up the first request; then it is fetched at the next start."""
AGAIN = 3600.0
"""Seconds before a new address that could not be reached is asked again."""
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._ -]*")


@hookspec(deadline=60, foreseen=True)
async def fetch_public(url: str, room: int, host: Host) -> bytes | None:
    """Names the hook of the tool family that gets something from the public web and nothing from elsewhere."""
    return None


def urls(host: Host) -> list[str]:
    """The addresses of the settings: the user's, or those of a project that is trusted."""
    return [url.rstrip("/") for url in getattr(host.settings["skills"], "urls", ())]


def place(host: Host, url: str) -> Path:
    """Where the copy is kept."""
    return host.paths.cache / "skills" / hashlib.sha256(url.encode()).hexdigest()[:16]


def problems(host: Host) -> Iterator[str]:
    """A sentence for each address that could not be had when it was asked last."""
    for url in urls(host):
        said = _state(place(host, url))
        if said.get("problem"):
            have = _day(said) if said.get("fetched") else ""
            yield f"skills.urls: {said['problem']} ({f'the copy of {have} is used' if have else 'left out'})"


async def first_time(host: Host) -> None:
    """Fetch addresses that were never asked."""
    now = time.time()
    new = [url for url in urls(host) if not (said := _state(place(host, url))).get("fetched") and _due(said, now)]
    if new:
        try:
            async with asyncio.timeout(FIRST):
                await asyncio.gather(*(refresh(host, url) for url in new))
        except TimeoutError:
            for url in new:
                if not _state(place(host, url)).get("fetched"):
                    _write(place(host, url), {"url": url, "problem": f"{url} takes too long", "tried": now})


def _due(said: Mapping[str, Any], now: float) -> bool:
    return now - float(said.get("tried", 0)) > AGAIN


async def refresh(host: Host, url: str) -> list[str]:
    """Fetch one address anew and say what is new, changed or gone; what cannot be had leaves the copy as it is."""
    at = place(host, url)
    try:
        return _keep(await _fetch(host, url), at, url)
    except (MimoError, OSError) as error:
        _write(at, {**_state(at), "url": url, "problem": str(error).rstrip("."), "tried": time.time()})
        return []


def _keep(files: Mapping[str, bytes], at: Path, url: str) -> list[str]:
    """Put files in the place of the copy, if all of the skills make sense."""
    at.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=at.parent, prefix=".new-") as name:
        fresh = Path(name) / "copy"
        for file, data in files.items():
            path = fresh / "skills" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        for path in (fresh / "skills").glob("*/SKILL.md"):
            read(path, url)
        changes = list(_changes(_digests(at / "skills"), _digests(fresh / "skills")))
        _write(fresh, {"url": url, "fetched": time.time(), "tried": time.time()})
        shutil.rmtree(at, ignore_errors=True)
        with suppress(OSError):  # another process was faster
            fresh.replace(at)
    return changes


async def _fetch(host: Host, url: str) -> dict[str, bytes]:
    """Everything that the index of an address names, by its path.

    Raises:
        MimoError: the address or its index makes no sense, or something cannot be had.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")):
        raise SettingsError(f"{url!r} must begin with https://")
    wanted = index(await _get(host, f"{url}/index.json", INDEX), f"{url}/index.json")
    found: dict[str, bytes] = {}
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(file: str) -> None:
        async with gate:
            found[file] = await _get(host, f"{url}/{quote(file)}", LARGEST if file.endswith("/SKILL.md") else FILE)
        if sum(map(len, found.values())) > ALL:
            raise SettingsError(f"{url}: its files have more than {ALL:,} bytes")

    try:
        async with asyncio.TaskGroup() as group:
            for name, files in wanted.items():
                for file in files:
                    group.create_task(one(f"{name}/{file}"))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return found


async def _get(host: Host, url: str, room: int) -> bytes:
    try:
        data = await host.hooks.first(fetch_public, url=url, room=room, host=host)
    except AttributeError:
        data = None
    if data is None:
        raise SettingsError(f"{url} cannot be fetched: no plugin of this installation fetches from the web")
    return data


def index(data: bytes, where: str) -> dict[str, list[str]]:
    """The files of each skill that an index names: a list of {"name", "files"}, or {"skills": that list}.

    Raises:
        SettingsError: it is no such list; says what is wrong where.
    """
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        raise SettingsError(f"{where} is not JSON") from None
    rows = said.get("skills") if isinstance(said, dict) else said
    if not isinstance(rows, list) or len(rows) > SKILLS:
        raise SettingsError(f'{where} must be a list of at most {SKILLS} {{"name", "files"}}')
    found: dict[str, list[str]] = {}
    for number, row in enumerate(rows, 1):
        if wrong := _wrong(row, found):
            raise SettingsError(f"{where}, entry {number}: {wrong}")
        found[row["name"]] = row["files"]
    return found


def _wrong(row: Any, before: Mapping[str, Any]) -> str:
    if not isinstance(row, dict):
        return "it is no table"
    name, files = row.get("name"), row.get("files")
    if not isinstance(name, str) or not NAME.fullmatch(name) or ":" in name or name in before:
        return f"name is {name!r}: use lower case letters, digits and hyphens, each name once"
    if not isinstance(files, list) or not 0 < len(files) <= FILES or not all(isinstance(file, str) for file in files):
        return f"files of {name} must be a list of at most {FILES} paths"
    if "SKILL.md" not in files:
        return f"files of {name} lacks SKILL.md"
    for file in files:
        parts = file.split("/")
        if len(parts) > DEEPEST or not all(_PART.fullmatch(part) for part in parts):
            return f"{file!r} is no path inside of the skill {name}"
    return ""


def _digests(folder: Path) -> dict[str, str]:
    """What each skill of a copy is, as one hash over its files."""
    found = {}
    for skill in sorted(folder.iterdir()) if folder.is_dir() else ():
        sums = [f"{path.relative_to(skill)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in _files(skill)]
        found[skill.name] = hashlib.sha256("\n".join(sums).encode()).hexdigest()
    return found


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"{name}: {'new' if name not in before else 'gone' if name not in after else 'changed'}"


def _state(at: Path) -> dict[str, Any]:
    try:
        said = json.loads((at / "source.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _write(at: Path, state: Mapping[str, Any]) -> None:
    at.mkdir(parents=True, exist_ok=True)
    (at / "source.json").write_text(json.dumps(state, ensure_ascii=False, indent=1), "utf-8")


def _day(said: Mapping[str, Any]) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(float(said["fetched"])))
