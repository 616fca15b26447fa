"""What `mimo config` prints: results to stdout, what was left out to stderr, secrets nowhere."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..effects import why
from . import telling

if TYPE_CHECKING:
    from mimocode.host import Host

    from .telling import Origin

MASK = "***"
VERDICTS = ("allow", "ask", "deny")
"""A permission is no secret, whatever the name of the file that it is about."""
_SECRET = re.compile(
    r"api[-_]?key|secret|passw(or)?d|passphrase|authorization|bearer|cookie|credential|private[-_]?key|token$", re.I
)
_USER_IN_ADDRESS = re.compile(r"(?<=://)[^/\s@]+@")
_LONG_ENOUGH = 8
"""A filled-in value this long is also masked inside of other text; a shorter one would hit by chance."""


async def show(args: argparse.Namespace, host: Host) -> int:
    """Print all layers merged, as JSON."""
    _print_json(masked(dict(_layered(host).data), filled(_layered(host))))
    _say_ignored(_layered(host))
    return 0


def explain_arguments(parser: argparse.ArgumentParser) -> None:
    """The key to explain."""
    parser.add_argument("key", metavar="KEY", help='parts joined with dots, as in "permission.bash"')


async def explain(args: argparse.Namespace, host: Host) -> int:
    """Print a value and everyone who had a say.

    Raises:
        SettingsError: no such key.
    """
    settings = _layered(host)
    told = telling.explain(settings, args.key)
    known = filled(settings)

    def safe(value: Any) -> Any:
        return masked_under(args.key, value, known)

    print(f"{told.key} = {json.dumps(safe(told.value), indent=2, ensure_ascii=False)}")
    if claim := settings.claims.get(told.key):
        print(claim.doc)
    if sentence := why(args.key):
        print(f"It is accepted, and has no effect here: {sentence}.")
    rows = [(origin.layer, _place(origin, host), _short(safe(origin.value))) for origin in told.origins]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    print("\nlow to high, the last one counts:")
    for layer, place, value in rows:
        print(f"  {layer:{widths[0]}}  {place:{widths[1]}}  {value}".rstrip())
    _say_ignored(settings, args.key.split(".")[0])
    return 0


async def schema(args: argparse.Namespace, host: Host) -> int:
    """Print the JSON Schema, for editors."""
    _print_json(telling.schema(_layered(host)))
    return 0


async def path(args: argparse.Namespace, host: Host) -> int:
    """Print every place that is looked at, low to high, and whether there is something."""
    print("low to high, a later one counts more; project settings stop at", _home(host.root))
    for name, place, there in _layered(host).consulted:
        print(f"  {'read' if there else '-':4}  {name:24}  {_home(Path(place)) if place else '(variable)'}")
    _say_ignored(_layered(host))
    return 0


def filled(settings: Any) -> dict[str, str]:
    """Values that came through `{env:}` or `{file:}`, with the reference that is shown in their place."""
    return {value: reference for layer in settings.layers for value, reference in getattr(layer, "filled", {}).items()}


def masked_under(key: str, value: Any, known: dict[str, str]) -> Any:
    """A value that stands under a dotted key, without secrets."""
    for part in reversed(key.split(".")):
        value = {part: value}
    value = masked(value, known)
    for part in key.split("."):
        value = value[part]
    return value


def is_telling(name: str) -> bool:
    """Whether what stands under a name is a secret."""
    return _SECRET.search(name) is not None


def masked(value: Any, known: dict[str, str]) -> Any:
    """The same without secrets: text under a telling key, filled-in values, passwords in addresses."""
    if isinstance(value, dict):
        return {
            key: _hidden(each, known) if _SECRET.search(key) else masked(each, known) for key, each in value.items()
        }
    if isinstance(value, list):
        return [masked(each, known) for each in value]
    if not isinstance(value, str):
        return value
    if value in known:
        return known[value]
    for secret, reference in known.items():
        if len(secret) >= _LONG_ENOUGH:
            value = value.replace(secret, reference)
    return _USER_IN_ADDRESS.sub(f"{MASK}@", value)


def _hidden(value: Any, known: dict[str, str]) -> Any:
    """What is shown under a telling key: the reference if there is one; switches and numbers of tokens as they are."""
    if isinstance(value, str):
        return value if value in VERDICTS else known.get(value, MASK if value else "")
    if isinstance(value, dict):
        return {key: _hidden(each, known) for key, each in value.items()}
    return [_hidden(each, known) for each in value] if isinstance(value, list) else value


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def _place(origin: Origin, host: Host) -> str:
    file, _, line = origin.where.rpartition(":")
    if not line.isdigit():
        return ""
    path = Path(file)
    return f"{path.relative_to(host.directory) if path.is_relative_to(host.directory) else _home(path)}:{line}"


def _home(file: Path) -> str:
    home = Path.home()
    return f"~/{file.relative_to(home)}" if file.is_relative_to(home) else str(file)


def _say_ignored(settings: Any, key: str = "") -> None:
    for sentence in settings.ignored:
        if f'"{key}' in sentence:
            print(sentence, file=sys.stderr)


def _layered(host: Host) -> Any:
    """The settings, as the plugin that reads files makes them: with layers and sources."""
    return host.settings
