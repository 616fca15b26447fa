"""Find Markdown with front matter: what ships with the product, and what users and projects put beside it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from mimocode.errors import SettingsError

_OPENED = re.compile(r"---[ \t]*\n")
_UNFENCED = re.compile(r"(?:[-—]+[ \t]*\n)?((?:(?:[A-Za-z_][\w-]*:|[ \t]+\S).*\n)+)[-—]{2,}[ \t]*(?:\n|\Z)")
"""What was meant as a front matter: the first line --- is missing, or is another one."""
_FENCED = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)(.*)", re.DOTALL | re.MULTILINE)
LARGEST = 256 * 1024
"""Bytes of a file. More than that is data, not instructions."""
_VALUE = re.compile(r"^([A-Za-z_][\w-]*):[ \t]+([^\s|>\"'&*!].*)$", re.MULTILINE)


_COMMANDING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """A text of a project that cannot command the terminal that it is shown in, nor turn its letters round."""
    return _COMMANDING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def say(text: str) -> None:
    """Print a result."""
    sys.stdout.write(visible(text))


@dataclass(frozen=True)
class Asset:
    """One Markdown file: front matter and prose."""

    path: Path
    name: str
    """Its place below the folder without the ending: "a/b" for a/b.md."""
    meta: dict[str, Any]
    body: str
    source: str
    """Whose it is, as the caller named the folder: "shipped", "user", "project"."""


def root(kind: str) -> Path:
    """The folder of shipped assets of one kind: inside the installed package, or next to the source tree."""
    packed = Path(str(resources.files("mimocode"))) / kind
    return packed if packed.is_dir() else Path(__file__).parents[3] / kind


def find(
    kinds: Sequence[str], folders: Iterable[tuple[str, Path]], skip: Callable[[Path], bool] = lambda path: False
) -> tuple[list[Asset], list[str]]:
    """All Markdown files below the folders' subfolders of these names, in the order of the folders.

    Args:
        kinds: names of subfolders that mean the same, say the singular and the plural.
        folders: (source, folder) pairs; what is not there is passed over. What ships is `root(kind).parent`.
        skip: says of a file or folder that it is not to be looked at.

    Returns:
        The assets, and a sentence for each file that was left out because it cannot be understood.
    """
    assets: list[Asset] = []
    problems: list[str] = []
    for source, folder in folders:
        for kind in kinds:
            for path in _markdown(folder / kind, skip):
                try:
                    assets.append(open_asset(path, path.relative_to(folder / kind).with_suffix("").as_posix(), source))
                except SettingsError as error:
                    problems.append(f"{visible(str(error))} (left out)")
    return assets, problems


def open_asset(path: Path, name: str, source: str) -> Asset:
    """One file as an asset.

    Raises:
        SettingsError: it cannot be opened, is not UTF-8, or its front matter is malformed.
    """
    if path.exists() and not path.is_file():  # reading a pipe or a device would never end
        raise SettingsError("this is not a file", str(path))
    if _COMMANDING.search(name):
        raise SettingsError("its name has control characters in it", str(path))
    try:
        if path.stat().st_size > LARGEST:
            raise SettingsError(f"it has more than {LARGEST // 1024} KB: move parts into files beside it")
        meta, body = front_matter(path.read_text("utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"cannot be read: {error.strerror}", str(path)) from None
    except UnicodeDecodeError:
        raise SettingsError("this is not UTF-8 text", str(path)) from None
    except SettingsError as error:
        raise SettingsError(str(error), str(path)) from None
    return Asset(path, name, meta, body, source)


def front_matter(text: str) -> tuple[dict[str, Any], str]:
    """Split a file into its front matter and its body; without a front matter all is body.

    Values of one line that are not YAML, and that people write, are taken as text (surface 8.2): those that hold a
    colon, are more than one thing in brackets, or begin with a backtick, an `@` or a `%`.

    Raises:
        SettingsError: the front matter is neither YAML nor nearly so, or is not a mapping.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if (begun := text.lstrip()).startswith("---"):
        text = begun
    if not (split := _FENCED.match(text)):
        if _OPENED.match(text):
            raise SettingsError("the front matter is not closed by a line ---")
        if (meant := _UNFENCED.match(text)) and re.search(r"^(?:name|description):", meant[1], re.MULTILINE):
            raise SettingsError("the front matter must stand between two lines ---")
        return {}, text
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        try:
            meta = yaml.load(split[1], loader)
        except yaml.YAMLError:
            meta = yaml.load(_VALUE.sub(lambda line: _as_text(line, yaml, loader), split[1]), loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark, said = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
        line = f" in line {mark.line + 2}" if mark else ""
        raise SettingsError(f"the front matter is not YAML{line}: {said.splitlines()[0]}") from None
    if not isinstance(meta, dict | None):
        raise SettingsError('the front matter must be lines of the form "key: value"')
    return {_shown(str(key)): _shown(value) for key, value in (meta or {}).items()}, split[2].lstrip("\n")


def _shown(value: Any) -> Any:
    """A value of a front matter: names, descriptions and rules are all shown to people."""
    if isinstance(value, str):
        return _COMMANDING.sub(" ", value)
    if isinstance(value, dict):
        return {_shown(key): _shown(each) for key, each in value.items()}
    return [_shown(each) for each in value] if isinstance(value, list) else value


def _as_text(line: re.Match[str], yaml: Any, loader: Any) -> str:
    """A line that is YAML as it is, any other with its value as a text."""
    try:
        yaml.load(line[0], loader)
    except (yaml.YAMLError, ValueError):
        if any(line[2].count(one) != line[2].count(other) for one, other in ("[]", "{}")):
            return line[0]  # what was meant as a list stays wrong; `argument-hint: [issue] [priority]` is none
        return f"{line[1]}: |-\n  {line[2]}"
    return line[0]


def _markdown(folder: Path, skip: Callable[[Path], bool]) -> Iterator[Path]:
    """Markdown files below a folder by name; links are followed, but no folder is entered twice."""
    entered: set[str] = set()
    for at, inner, files in os.walk(folder, followlinks=True):
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name != "node_modules")
        if (real := os.path.realpath(at)) in entered or skip(Path(at)):
            inner.clear()
            continue
        entered.add(real)
        found = (Path(at, name) for name in sorted(files) if name.endswith(".md") and name != "README.md")
        yield from (path for path in found if not skip(path))
