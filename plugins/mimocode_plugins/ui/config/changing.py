"""`mimo config get, set, unset, edit, validate`: one value of a settings file changes, everything else stays."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode import hookspecs as on
from mimocode.errors import SettingsError, UsageError

from ..effects import idle
from .commands import filled, is_telling, masked_under
from .misspelt import misspelt
from .telling import find, value_at

if TYPE_CHECKING:
    from mimocode.host import Host

SCHEMA = "https://mimo.xiaomi.com/mimocode/config.json"
_PART = re.compile(r'"((?:[^"\\]|\\.)*)"|([^."]+)')
_REFERENCE = re.compile(r"\{(?:env|file):[^{}]*\}")


async def get(args: argparse.Namespace, host: Host) -> int:
    """Print a value, text as it is and anything else as JSON; 1 when nothing sets it and it has no default."""
    settings: Any = host.settings
    path = find(settings.data, args.key.split(".")) or parts(args.key)
    if path[0] not in settings.claims:
        raise _unknown(path[0], settings)
    value = value_at(settings.data, path)
    if value is None:
        whole = {path[0]: settings.adapter(path[0]).dump_python(settings[path[0]], mode="json", by_alias=True)}
        value = value_at(whole, path)
    if value is None:
        return 1
    safe = masked_under(args.key, value, filled(settings))
    print(safe if isinstance(safe, str) else json.dumps(safe, indent=2, ensure_ascii=False))
    return 0


async def put(args: argparse.Namespace, host: Host) -> int:
    """Set a value in the user's settings or the project's, after it was found to make sense.

    Raises:
        SettingsError: the key is unknown or the value wrong; nothing is changed.
        UsageError: the value is a secret.
    """
    path, value = parts(args.key), _value(args.value)
    if any(is_telling(part) for part in path) and isinstance(value, str) and not _REFERENCE.search(value) and value:
        hint = f"`mimo auth login {path[1]}` keeps it" if path[0] == "provider" and len(path) > 1 else "use {env:NAME}"
        raise UsageError(f"{args.key} would put a secret into a file that is shown and shared: {hint}")
    file = _file(args, host)
    before = await asyncio.to_thread(file.value, ())
    check(before, _with(before, path, value), path[0], host)
    await asyncio.to_thread(file.put, path, value)
    print(f"{args.key} is set in {file.path}", file=sys.stderr)
    _say_who_wins(path, value, args, host)
    return 0


async def unset(args: argparse.Namespace, host: Host) -> int:
    """Take a value out; 1 when it is not there."""
    file = _file(args, host)
    table = file.value(())
    path = find(table, args.key.split(".")) or parts(args.key)
    if not await asyncio.to_thread(file.drop, path):
        print(f"{file.path} does not set {args.key}", file=sys.stderr)
        return 1
    print(f"{args.key} is no longer set in {file.path}", file=sys.stderr)
    return 0


async def edit(args: argparse.Namespace, host: Host) -> int:
    """Open a settings file in the user's editor, then say whether it makes sense.

    Raises:
        UsageError: there is no editor.
    """
    file = _file(args, host)
    if not file.path.exists():
        await asyncio.to_thread(file.replace, f'{{\n  "$schema": "{SCHEMA}"\n}}\n')
    words = shlex.split(host.environ.get("VISUAL") or host.environ.get("EDITOR") or "")
    words = words or [found for name in ("nano", "vi") if (found := shutil.which(name))][:1]
    if not words:
        raise UsageError(f"set EDITOR to your editor; the file is {file.path}")
    try:
        process = await asyncio.create_subprocess_exec(*words, str(file.path), env=dict(host.environ))
    except OSError as error:
        raise UsageError(f"the editor {words[0]} cannot be started: {error.strerror}") from None
    if code := await process.wait():
        print(f"the editor ended with {code}", file=sys.stderr)
        return 1
    return await validate(argparse.Namespace(file=None), host)


async def validate(args: argparse.Namespace, host: Host) -> int:
    """Look at all settings that count here, or at one file; a line for each mistake, 1 when there is one."""
    wrong = await asyncio.to_thread(lambda: list(mistakes(host, args.file)))
    for line in wrong:
        print(line)
    if args.file is None:
        for where, key, sentence in idle(host.settings):
            print(f"{where}: {key} has no effect here: {sentence}", file=sys.stderr)
    if not wrong:
        print("no mistakes", file=sys.stderr)
    return 1 if wrong else 0


def mistakes(host: Host, file: str | None = None) -> Iterator[str]:
    """A sentence, with file and line, for everything that makes no sense."""
    claims = [(plugin, claim) for plugin, offer in host.hooks.collect_now(on.register_settings) for claim in offer]
    if file is not None:
        if not Path(file).is_file():
            raise UsageError(f"there is no file {file}")
        own = type(_user(host))(Path(file))
        try:
            table = own.value(())
        except SettingsError as error:
            yield str(error)
            return
        settings: Any = _alone(host, claims, table)
        for name in table:
            if name not in settings.claims and name != "$schema":
                yield f'{file}: "{name}" is not a setting{settings.meant(name)}'
    else:
        settings = host.workspace.read(claims, host.trusted, True)
        yield from (line for line in settings.ignored if "until you trust" not in line)
    for name in settings.data:
        try:
            _ = settings[name]
        except SettingsError as error:
            yield str(error) if file is None else f"{file}: {error}"
    for layer in settings.layers:
        for path, meant in misspelt(layer.data):
            place, given = ".".join(path[:-1]), path[-1]
            yield f"{file or layer.where(path)}: there is no {given} at {place}; did you mean {meant}?"


def check(before: dict[str, Any], table: dict[str, Any], name: str, host: Host) -> None:
    """See whether the value of a top-level key makes sense; what made none before is not this change's fault.

    Raises:
        SettingsError: it does not, or there is no such key.
    """
    claims = [(plugin, claim) for plugin, offer in host.hooks.collect_now(on.register_settings) for claim in offer]
    settings = _alone(host, claims, {name: table[name]})
    if name not in settings.claims:
        raise _unknown(name, settings)
    try:
        _ = settings[name]
    except SettingsError as error:
        if _REFERENCE.search(json.dumps(table[name])) and name in before:
            try:  # what a reference stands for is not known here
                _ = _alone(host, claims, {name: before[name]})[name]
            except SettingsError as older:
                if str(older) == str(error):
                    return
        raise


def parts(key: str) -> tuple[str, ...]:
    """The way that a dotted key means; a part with dots is put in quotes: provider.acme.models."gpt-4.1".

    Raises:
        UsageError: it is empty, or a quote is not closed.
    """
    found, at = [], 0
    while at <= len(key):
        part = _PART.match(key, at)
        if part is None:
            raise UsageError(f"{key!r} is no key: parts are joined with dots, a part with dots stands in quotes")
        found.append(json.loads(part[0]) if part[1] is not None else part[2])
        at = part.end()
        if at == len(key):
            return tuple(found)
        if key[at] != ".":
            raise UsageError(f"{key!r} is no key: parts are joined with dots, a part with dots stands in quotes")
        at += 1
    raise UsageError("name a key")


def _alone(host: Host, claims: list[Any], table: dict[str, Any]) -> Any:
    """Settings that come from this table and nowhere else."""
    read = host.workspace.read
    layered = type(read(claims, host.trusted, True))
    layer: Any = type("Only", (), {"name": "", "data": dict(table), "project": False, "where": lambda self, path: ""})()
    return layered(claims, [layer], lenient=True)  # type: ignore[call-arg]


def _value(said: str) -> Any:
    """JSON where it is JSON, else text."""
    try:
        return json.loads(said)
    except ValueError:
        return said


def _user(host: Host) -> Any:
    own = getattr(host.workspace, "own_settings", None)
    if own is None:
        raise UsageError("settings cannot be changed: the plugin that keeps them is switched off")
    return own


def _file(args: argparse.Namespace, host: Host) -> Any:
    """The user's file, or the project's: the one that is there, else `.mimocode/mimocode.jsonc`."""
    own = _user(host)
    if not args.project:
        return own
    kind = type(own)
    for folder in (host.root / ".mimocode", host.root):
        file = kind.of(folder)
        if file.path.is_file():
            return file
    return kind.of(host.root / ".mimocode")


def _with(table: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    inner = table.get(path[0])
    below = inner if isinstance(inner, dict) else {}
    return {**table, path[0]: value if len(path) == 1 else _with(below, path[1:], value)}


def _say_who_wins(path: tuple[str, ...], value: Any, args: argparse.Namespace, host: Host) -> None:
    """A value that somebody above overrides would surprise."""
    claims = [(plugin, claim) for plugin, offer in host.hooks.collect_now(on.register_settings) for claim in offer]
    after: Any = host.workspace.read(claims, host.trusted, True)
    if value_at(after.data, path) != value and not _REFERENCE.search(json.dumps(value)):
        print(f"but something else decides: see `mimo config explain {args.key}`", file=sys.stderr)


def _unknown(name: str, settings: Any) -> SettingsError:
    return SettingsError(f'there is no setting "{name}"{settings.meant(name)}')
