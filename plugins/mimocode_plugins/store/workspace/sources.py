"""Where settings come from: which files and variables are looked at, low to high, and what each one says.

The order is that of surface 3.1, with one difference: the nearest `.mimocode` directory wins over the outer ones.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mimocode.errors import SettingsError
from mimocode.ports import Places

from . import jsonc
from .places import flag, home

_MAC = sys.platform == "darwin"
LARGEST = 1024 * 1024
"""Bytes of a project's settings file."""
MANAGED = Path("/Library/Application Support/mimocode" if _MAC else "/etc/mimocode")
"""What an administrator decides for everyone on the machine."""
PREFERENCES = Path("/Library/Managed Preferences") if _MAC else None
"""Where macOS puts what an administrator's profiles say; files there are property lists."""
DOMAIN = "ai.mimocode.managed"
"""The preference domain of such a profile (surface.md 3.1)."""


@dataclass(frozen=True)
class Source:
    """A place where settings may stand: a file that may be missing, or a text from the environment."""

    name: str
    file: Path | None = None
    text: str | None = None
    project: bool = False
    required: bool = False
    inside: str = ""
    """The top-level key that the text is the value of; empty: the text is the whole."""

    @property
    def where(self) -> str:
        """The file, or the variable."""
        return str(self.file) if self.file else self.name


@dataclass(frozen=True)
class Layer:
    """What one source of settings says. Keys that may not count are taken out of `data` before it is merged."""

    name: str
    """As the user is shown it."""
    data: dict[str, Any] = field(default_factory=dict)
    project: bool = False
    """It came with the project, not from the user."""

    def where(self, path: Iterable[str]) -> str:
        """Where a key stands: "file:line", or the name of the source."""
        return self.name


@dataclass(frozen=True)
class FileLayer(Layer):
    """What one file or variable says, after references were filled in and refused keys were taken out."""

    file: str = ""
    text: str = ""
    """As it was written."""
    filled: dict[str, str] = field(default_factory=dict, repr=False)
    """Values that came through references, with the reference: they may be secret."""
    inside: str = ""

    def line(self, path: Iterable[str]) -> int:
        """The line that sets a path or the nearest key above it; 0 when there is no file."""
        keys = tuple(path)
        while keys and self.file and not self.file.endswith(".plist"):
            if keys in self._lines:
                return self._lines[keys]
            keys = keys[:-1]
        return 0

    def where(self, path: Iterable[str]) -> str:
        """ "file:line" for a path, or the name of the layer."""
        line = self.line(path)
        return f"{self.file}:{line}" if line else self.file or self.name

    @cached_property
    def _lines(self) -> dict[tuple[str, ...], int]:
        return jsonc.lines(jsonc.quote_references(self.text))


def sources(
    places: Places,
    directory: Path,
    root: Path,
    environ: Mapping[str, str],
    managed: Path = MANAGED,
    preferences: Path | None = PREFERENCES,
) -> list[Source]:
    """Every place to look at, low to high, whether there is something or not. Nothing above `root` is looked at."""

    def pair(name: str, folder: Path) -> list[Source]:
        return [Source(name, folder / f"mimocode.{ending}") for ending in ("json", "jsonc")]

    user = [Source(f"settings of {path.stem}", path) for path in organisations(places)]
    user += [Source("user settings", places.config / "config.json"), *pair("user settings", places.config)]
    if own := environ.get("MIMOCODE_CONFIG"):
        user.append(Source("MIMOCODE_CONFIG", _absolute(own, directory, environ), required=True))
    above = pair("user settings", home(environ) / ".mimocode")
    if folder := environ.get("MIMOCODE_CONFIG_DIR"):
        above += pair("MIMOCODE_CONFIG_DIR", _absolute(folder, directory, environ))
    mine = {source.file for source in (*user, *above)}
    project = [source for source in _project(root, directory, environ) if source.file not in mine]
    rest = pair("managed settings", managed)
    if preferences is not None:
        folders = (preferences, preferences / (environ.get("USER") or environ.get("LOGNAME") or ""))
        rest += [Source("managed preferences", folder / f"{DOMAIN}.plist") for folder in dict.fromkeys(folders)]
    if content := environ.get("MIMOCODE_CONFIG_CONTENT"):
        rest.insert(0, Source("MIMOCODE_CONFIG_CONTENT", text=content))
    if permission := environ.get("MIMOCODE_PERMISSION"):
        rest.append(Source("MIMOCODE_PERMISSION", text=permission, inside="permission"))
    return [*user, *project, *above, *rest]


def organisations(places: Places) -> list[Path]:
    """The settings that came with logins at an organisation (`mimo auth login URL`), in the order of their names."""
    return sorted((places.data / "wellknown").glob("*.json"))


def _project(root: Path, directory: Path, environ: Mapping[str, str]) -> Iterator[Source]:
    if flag(environ, "MIMOCODE_DISABLE_PROJECT_CONFIG"):
        return
    folders = [folder for folder in (directory, *directory.parents) if folder.is_relative_to(root)][::-1]
    for inner in ("", ".mimocode"):
        for folder in folders or [directory]:
            for ending in ("json", "jsonc"):
                yield Source("project settings", folder / inner / f"mimocode.{ending}", project=True)


def _absolute(path: str, directory: Path, environ: Mapping[str, str]) -> Path:
    return directory / (home(environ) / path[2:] if path.startswith("~/") else path)


def open_layer(
    source: Source, directory: Path, environ: Mapping[str, str], trusted: bool, ignore: Callable[[str], None]
) -> Layer | None:
    """What a source says, or None when there is nothing.

    A project that the user does not trust gets no references filled in: they could carry secrets away. Their keys
    are taken out, and `ignore` is told.

    Raises:
        SettingsError: the file cannot be read or makes no sense.
    """
    if (text := _text(source)) is None or not jsonc.uncommented(text).strip():
        return None
    if line := jsonc.commanding(text):
        raise SettingsError("a control character has no place in settings", f"{source.where}:{line}")
    filled: dict[str, str] = {}
    fenced = source.project and not trusted and jsonc.has_reference(text)
    if fenced:
        data = jsonc.parse(jsonc.quote_references(text), source.where)
    else:
        data = jsonc.parse(jsonc.fill(text, _resolver(source, directory, environ, filled)), source.where)
    if source.inside:
        data = {source.inside: data}
    if not isinstance(data, dict):
        raise SettingsError("settings are one JSON object in braces", f"{source.where}:1")
    for key, line in jsonc.twice(jsonc.quote_references(text)):
        ignore(f'{source.where}:{line}: "{key}" stands there twice; the later one counts')
    file = str(source.file) if source.file else ""
    layer = FileLayer(source.name, data, source.project, file, text, filled, source.inside)
    for path in _drop_references(data, ()) if fenced else ():
        ignore(
            f'{layer.where(path)}: "{".".join(path)}" is ignored because it uses {{env:}} or {{file:}} '
            "and this folder is not trusted"
        )
    return layer


def _text(source: Source) -> str | None:
    if source.file is None:
        return source.text
    try:
        if source.file.suffix == ".plist":
            return _listed(source.file)
        if source.project and not source.file.is_file() and source.file.exists():  # a pipe or a device has no end
            raise SettingsError("this is not a file", str(source.file))
        if source.project and source.file.stat().st_size > LARGEST:
            raise SettingsError(f"it has more than {LARGEST // 1024} KB", str(source.file))
        return source.file.read_text("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        if source.required:
            raise SettingsError(f"{source.file} does not exist", source.name) from None
        return None
    except OSError as error:
        raise SettingsError(f"cannot be read: {error.strerror}", str(source.file)) from None
    except UnicodeDecodeError:
        raise SettingsError("this is not UTF-8 text", str(source.file)) from None


def _listed(path: Path) -> str:
    """A property list as JSON, without what a profile says about itself.

    Raises:
        SettingsError: it is none.
    """
    import plistlib
    from xml.parsers.expat import ExpatError

    try:
        table = plistlib.loads(path.read_bytes())
        kept = {key: value for key, value in table.items() if not key.startswith(("Payload", "PFC_"))}
        return json.dumps(kept, ensure_ascii=False)
    except (plistlib.InvalidFileException, ExpatError, ValueError, TypeError, AttributeError):
        raise SettingsError("this is not a property list of settings", str(path)) from None


def _resolver(source: Source, directory: Path, environ: Mapping[str, str], filled: dict[str, str]) -> jsonc.Resolve:
    base = source.file.parent if source.file else directory

    def resolve(kind: str, name: str, line: int) -> str:
        if kind == "env":
            value = environ.get(name, "")
        else:
            try:
                value = _absolute(name, base, environ).read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
                raise SettingsError(f"{{file:{name}}} cannot be read: {reason}", f"{source.where}:{line}") from None
        if value:
            filled[value] = f"{{{kind}:{name}}}"
        return value

    return resolve


def _drop_references(data: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, value in list(data.items()):
        if isinstance(value, dict) and not jsonc.has_reference(key):
            yield from _drop_references(value, (*above, key))
        elif jsonc.has_reference(key) or _mentions(value):
            del data[key]
            yield (*above, key)


def _mentions(value: Any) -> bool:
    if isinstance(value, str):
        return jsonc.has_reference(value)
    if isinstance(value, dict):
        return any(map(_mentions, (*value, *value.values())))
    return isinstance(value, list) and any(map(_mentions, value))
