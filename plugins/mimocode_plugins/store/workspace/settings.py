"""Layers of settings merged into one value, each key owned by the plugin that claims it.

Nothing vanishes silently: a key that nobody knows is an error that says where, and a key that is left out is named in
`LayeredSettings.ignored`.
"""

from __future__ import annotations

import builtins
import json
import re
import types
import typing
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import is_dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, get_args, get_origin

from mimocode.errors import SettingsError

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

    from mimocode.ports import Setting

    from .sources import Layer

LEGACY = frozenset({"theme", "keybinds", "tui"})
"""Keys of old files that live in tui.json now."""
JOINED = frozenset({"instructions", "plugin"})
"""Lists under these top-level keys are joined over the layers; all others are replaced (surface 3.1)."""
HINTS = {
    "mcpServers": 'MCP servers stand under "mcp"; `.mcp.json` is read as it is',
    "apiKey": "`mimo auth login PROVIDER` keeps a key",
    "apiKeyHelper": "`mimo auth import claude` knows what to do with it",
    "baseURL": "an address stands under provider.<id>.options.baseURL",
    "env": "variables are set where mimo is started, those of an MCP server under mcp.<name>.environment",
    "hooks": "what runs at an event is a plugin here",
    "permissions": 'rules stand under "permission", as {"bash": {"git *": "allow"}}',
    "rules": 'files to follow stand under "instructions"',
    "context_servers": 'MCP servers stand under "mcp"',
}
"""What people bring from other agents' files, and where it belongs."""
_PACKAGE = re.compile(r"((?:@[^/@]+/)?[\w.-]+)(?:[@=<>~!\[ ].*)?")


class LayeredSettings:
    """The settings of one workspace: `settings[name]` is the validated value of a claimed key.

    Args:
        claims: (plugin, setting) pairs.
        layers: low to high.
        trusted: whether the user trusts what this project would run.
        lenient: leave out keys that nobody knows and say so in `ignored`.
        ignored: what was left out before.

    Raises:
        SettingsError: two plugins claim one key, or a key is unknown.
    """

    def __init__(
        self,
        claims: Iterable[tuple[str, Setting]],
        layers: Iterable[Layer],
        *,
        trusted: bool = False,
        lenient: bool = False,
        ignored: Iterable[str] = (),
    ) -> None:
        self.claims, self.layers = _by_name(claims), tuple(layers)
        self.ignored: list[str] = list(ignored)
        """Sentences that name a file and a key that was left out, and why."""
        self.legacy: dict[str, Any] = {}
        """What old files say about the terminal; it counts below tui.json (surface.md 3.5)."""
        for layer in self.layers:
            self._admit(layer, trusted, lenient)
        self.data: Mapping[str, Any] = reduce(merge, (layer.data for layer in self.layers), {})
        """All layers merged, as written: neither validated nor completed with defaults."""
        self.consulted: list[tuple[str, str, bool]] = []
        """Every source that was looked at, low to high: its name, its file or "", and whether there is something."""
        self._values: dict[str, Any] = {}

    def _admit(self, layer: Layer, trusted: bool, lenient: bool) -> None:
        """Take out of a layer what may not count."""
        for key in list(layer.data):
            reason = ""
            if key in LEGACY and key not in self.claims:
                reason = "belongs into tui.json"
                if not layer.project or trusted:
                    self.legacy = merge(self.legacy, {key: layer.data[key]}, top=False)
                    reason += "; until it is moved it counts as if it stood there"
            elif key not in self.claims and key != "$schema":
                reason = f"is not a setting{self.meant(key)}"
                if not lenient:
                    raise SettingsError(f'"{key}" {reason}', layer.where((key,)))
            elif layer.project and not trusted and key in self.claims and self.claims[key].needs_trust:
                reason = "is ignored until you trust this folder"
            if reason or key == "$schema":
                del layer.data[key]
            if reason:
                self.ignored.append(f'{layer.where((key,))}: "{key}" {reason}')

    def meant(self, name: str) -> str:
        """What to do about a key that nobody knows, as the end of a sentence; "" when nobody can guess."""
        if name in HINTS:
            return f"; {HINTS[name]}"
        from .meaning import closest

        close = closest(name, list(self.claims))
        return f'; did you mean "{close}"?' if close else ""

    def __contains__(self, name: object) -> bool:
        """Whether some plugin claims this key."""
        return name in self.claims

    def __getitem__(self, name: str) -> Any:
        """The value of a key; validated when it is first asked for.

        Raises:
            KeyError: no plugin claims this key.
            SettingsError: the value is wrong; says file, line and path.
        """
        if name not in self._values:
            if name not in self.claims:
                raise KeyError(f'no plugin claims the settings key "{name}"')
            claim = self.claims[name]
            given = name in self.data or (isinstance(claim.type, str) and claim.default is not None)
            self._values[name] = self._validated(claim, self.data.get(name, claim.default)) if given else claim.default
        return self._values[name]

    def _validated(self, claim: Setting, value: Any) -> Any:
        kind = _named(claim.type)
        if value == {} and is_dataclass(kind) and isinstance(kind, type):
            with suppress(TypeError):  # a part must be given
                return kind()
        if fits(kind, value):
            return value
        from pydantic import ValidationError

        try:
            return self.adapter(claim.name).validate_python(value)
        except ValidationError as error:
            raise self._blame(claim.name, error) from None

    def adapter(self, name: str) -> TypeAdapter[Any]:
        """What validates a key. A type written as "package.module:Name" is imported now, not when it was claimed."""
        from pydantic import TypeAdapter

        return TypeAdapter(_named(self.claims[name].type))

    def _blame(self, name: str, error: ValidationError) -> SettingsError:
        found: dict[tuple[str, ...], list[str]] = {}
        for detail in error.errors(include_url=False, include_input=False):
            path, message = _follow(self.data.get(name), (name,), detail["loc"]), detail["msg"]
            if detail["type"] == "missing":
                message = f'the key "{detail["loc"][-1]}" is missing'
            elif detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
                message = "no such key"
            found.setdefault(path, []).append(message[:1].lower() + message[1:])
        # of several kinds that a value could have had, the one that fits furthest says what is meant
        path, messages = max(found.items(), key=lambda item: len(item[0]))
        speakers = [layer for layer in self.layers if _follow(layer.data, (), path) == path] or self.layers[-1:]
        where = speakers[-1].where(path) if speakers else ""
        hint = ""
        if "no such key" in messages and len(path) > 1:
            from .meaning import near

            meant = near(self.adapter(name).json_schema(), path[1:])
            hint = f'; did you mean "{meant}"?' if meant else ""
        return SettingsError(f"{', or '.join(dict.fromkeys(messages))}, at {'.'.join(path)}{hint}", where)


def fits(kind: Any, value: Any) -> bool:
    """Whether a value is of a plain type as it is, so that the library that validates need not be imported.

    False is no verdict: the library decides, and has the words for what is wrong.
    """
    if kind in (str, int, float, bool, type(None)):
        return type(value) is kind
    match get_origin(kind), get_args(kind):
        case ((types.UnionType | typing.Union), kinds):
            return any(fits(kind, value) for kind in kinds)
        case typing.Literal, words:
            return any(type(value) is type(word) and value == word for word in words)
        case builtins.list, (each,):
            return type(value) is list and all(fits(each, item) for item in value)
        case builtins.dict, (key, each):
            return type(value) is dict and all(fits(key, k) and fits(each, v) for k, v in value.items())
    return False


def _named(kind: Any) -> Any:
    """A type, imported now if it was only named when it was claimed."""
    from pkgutil import resolve_name

    return resolve_name(kind) if isinstance(kind, str) else kind


def _by_name(claims: Iterable[tuple[str, Setting]]) -> dict[str, Setting]:
    owners: dict[str, str] = {}
    claimed: dict[str, Setting] = {}
    for plugin, claim in claims:
        if (other := owners.setdefault(claim.name, plugin)) != plugin:
            raise SettingsError(f'the plugins {other} and {plugin} both claim the settings key "{claim.name}"')
        claimed[claim.name] = claim
    return claimed


def merge(low: Mapping[str, Any], high: Mapping[str, Any], top: bool = True) -> dict[str, Any]:
    """Put one layer over another: objects merge, everything else is replaced.

    A key that the higher layer sets comes after those it leaves alone, so that where the last match wins, the
    higher layer does. `top` says that these are whole layers, not parts of them.
    """
    merged = dict(low)
    for key, value in high.items():
        old = merged.pop(key, None)
        if isinstance(old, dict) and isinstance(value, dict):
            value = merge(old, value, top=False)
        elif top and key in JOINED and isinstance(old, list) and isinstance(value, list):
            value = _joined(old + value, packages=key == "plugin")
        merged[key] = value
    return merged


def _joined(items: list[Any], packages: bool) -> list[Any]:
    """Every item once, at its last place; a package with another version or other options is the same item."""
    kept: dict[str, Any] = {}
    for item in items:
        name = item[0] if packages and isinstance(item, list) and item else item
        if packages and isinstance(name, str) and (package := _PACKAGE.fullmatch(name)):
            name = package[1]
        key = json.dumps(name, sort_keys=True)
        kept.pop(key, None)
        kept[key] = item
    return list(kept.values())


def _follow(data: Any, start: tuple[str, ...], steps: Iterable[int | str]) -> tuple[str, ...]:
    """How far the steps of a validator lead into the data; it also counts members of unions as steps."""
    path = list(start)
    for step in steps:
        step = int(step) if isinstance(data, list) and str(step).isdigit() else step
        inside = step in data if isinstance(data, dict) else isinstance(data, list) and step in range(len(data))
        if inside:
            data = data[step]
            path.append(str(step))
    return tuple(path)
