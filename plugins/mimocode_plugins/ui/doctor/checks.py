"""The checks of what is nobody's in particular."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode import __version__
from mimocode.errors import MimoError

from ..effects import idle
from ..variables import WITHOUT, unknown

if TYPE_CHECKING:
    from mimocode.host import Host

Finding = tuple[str, str, str, str]
PACKAGES = ("mcp", "openai", "anthropic", "httpx2", "msgspec", "pydantic", "prompt_toolkit", "rich", "keyring")
LOW, EMPTY = 500_000_000, 50_000_000
"""Bytes of free disk below which it is tight, and below which the log may fail."""
VERIFIED = 3
"""Sessions whose hash chain is looked at."""


async def everything(host: Host) -> list[Finding]:
    """All findings. A check that breaks is a finding itself."""
    plain: tuple[Callable[[Host], Iterator[Finding]], ...] = (
        _python,
        _terminal,
        _programs,
        _places,
        _settings,
        _variables,
        _plugins,
    )
    found: list[Finding] = []
    for check in plain:
        try:
            found += await asyncio.to_thread(lambda check=check: list(check(host)))  # type: ignore[misc]
        except MimoError as error:
            found.append(("fail", check.__name__.strip("_"), str(error), ""))
    found += await _log(host)
    found += await _model(host)
    return found


def _python(host: Host) -> Iterator[Finding]:
    here = f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}"
    old = sys.version_info < (3, 11)
    yield "fail" if old else "ok", "python", here, "mimocode needs Python 3.11 or newer"
    yield "ok", "mimocode", f"{__version__} in {Path(__file__).parents[3]}", ""
    known, missing = [], []
    for name in PACKAGES:
        try:
            known.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    yield "ok", "packages", ", ".join(known), ""
    if missing:
        yield "fail", "packages", f"missing: {', '.join(missing)}", "install mimocode again: `mimo upgrade --force`"


def _terminal(host: Host) -> Iterator[Finding]:
    size = shutil.get_terminal_size()
    name, where = host.environ.get("TERM", "none"), []
    where += ["tmux"] if host.environ.get("TMUX") else []
    where += ["SSH"] if host.environ.get("SSH_CONNECTION") else []
    inside = f", inside {' and '.join(where)}" if where else ""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    said = f"{name}, {size.columns}×{size.lines}, {sys.stdout.encoding}{inside}"
    if encoding not in ("utf8", "utf_8"):
        yield "warn", "terminal", said, "set LANG to a UTF-8 locale, such as C.UTF-8: other encodings lose characters"
    elif sys.stdout.isatty() and name in ("dumb", "none", ""):
        yield "warn", "terminal", said, "set TERM, as in TERM=xterm-256color: `mimo` needs to move the cursor"
    else:
        yield "ok", "terminal", said, ""


def _programs(host: Host) -> Iterator[Finding]:
    for name, package, loss in (
        ("git", "git", "projects are found by their folder only"),
        ("rg", "ripgrep", "searching is slower"),
    ):
        if found := shutil.which(name, path=host.environ.get("PATH")):
            yield "ok", name, found, ""
        else:
            yield "warn", name, f"not found: {loss}", f"install the package {package}"


def _places(host: Host) -> Iterator[Finding]:
    for name, path in vars(host.paths).items():
        there = next(each for each in (path, *path.parents) if each.exists())
        if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
            yield "ok", name, f"{path}{'' if path.exists() else ' (made when it is needed)'}", ""
        else:
            yield "fail", name, f"{path} cannot be written", f"make {there} yours: chown, or set MIMOCODE_HOME"
    secrets = host.paths.data / "auth.json"
    if secrets.exists() and secrets.stat().st_mode & 0o077:
        yield "fail", "auth.json", f"{secrets} can be read by others", f"chmod 600 {secrets}"
    there = next(each for each in (host.paths.data, *host.paths.data.parents) if each.exists())
    free = shutil.disk_usage(there).free
    level = "fail" if free < EMPTY else "warn" if free < LOW else "ok"
    yield level, "disk", f"{free / 1e9:.1f} GB free for {host.paths.data}", "make room: the log cannot be cut short"


def _settings(host: Host) -> Iterator[Finding]:
    settings: Any = host.settings
    wrong = 0
    for name in getattr(settings, "data", {}):
        try:
            _ = settings[name]
        except MimoError as error:
            wrong += 1
            yield "fail", "settings", str(error), "`mimo config edit`"
    for sentence in settings.ignored:
        yield "warn", "settings", sentence, "`mimo trust` for what the folder brings, else `mimo config validate`"
    if hasattr(settings, "layers"):
        for where, key, sentence in idle(settings):
            yield "ok", "settings", f"{where}: {key} has no effect here: {sentence}", ""
    if not wrong:
        files = [file for _, file, there in getattr(settings, "consulted", ()) if there and file]
        yield "ok", "settings", ", ".join(files) or "none, all defaults", ""


def _variables(host: Host) -> Iterator[Finding]:
    for name in sorted(unknown(host.environ)):
        yield "warn", "variable", f"{name} is unknown", "`mimo config variables --all` lists those that are known"
    for name in sorted(WITHOUT):
        if host.environ.get(name):
            yield "warn", "variable", f"{name} has no effect here: {WITHOUT[name]}", f"unset {name}"


def _plugins(host: Host) -> Iterator[Finding]:
    for name, why in host.plugins.broken.items():
        yield "fail", "plugin", why, f"remove or update {name}; `mimo --pure` starts without plugins of others"
    yield "ok", "plugins", f"{len(host.plugins.manager.get_plugins())} loaded", ""


async def _log(host: Host) -> list[Finding]:
    try:
        store = await host.store()
        infos = await asyncio.to_thread(store.sessions)
        for info in infos[:VERIFIED]:
            await asyncio.to_thread(store.verify, info.id)
    except MimoError as error:
        return [("fail", "log", str(error), "move the file away to begin a new one; the old one can be read later")]
    count = f"{len(infos)} session{'s' * (len(infos) != 1)}" if infos else "no sessions yet"
    checked = min(VERIFIED, len(infos))
    latest = f"; the latest {checked if checked > 1 else ''}".rstrip() + (" are" if checked > 1 else " is")
    return [("ok", "log", f"{count}{f'{latest} as written' if infos else ''}", "")]


async def _model(host: Host) -> list[Finding]:
    try:
        ref = await host.default_model()
        model = await host.model(ref)
    except MimoError as error:
        return [("fail", "model", str(error), "`mimo setup` leads to one")]
    if (close := getattr(model, "close", None)) is not None:
        await close()
    return [("ok", "model", f"{ref}; `mimo setup --check` asks it something", "")]
