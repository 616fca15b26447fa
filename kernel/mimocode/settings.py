"""What the user wants: layers of settings merged into one value, each key owned by the plugin that claims it.

Nothing vanishes silently: a key that nobody knows is an error with file and line, a key that is left out is named
in `Settings.ignored`, and every value can say where it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import SettingsError
from .merging import Keys, find, follow, hides, merge, value_at
from .places import Places
from .sources import MANAGED, Layer, Source, open_layer, sources

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

    from .ports import Setting

NESTED = "MIMOCODE__"
"""`MIMOCODE__SECTION__KEY=value` sets one key from the environment."""
LEGACY = frozenset({"theme", "keybinds", "tui"})
"""Keys of old files that live in tui.json now."""


@dataclass(frozen=True)
class Origin:
    """One layer's word on a key."""

    layer: str
    file: str
    line: int
    value: Any


@dataclass(frozen=True)
class Explanation:
    """A value and everyone who had a say, low to high: the last one won."""

    key: str
    value: Any
    origins: tuple[Origin, ...]


class Settings:
    """The settings of one workspace: `settings[name]` is the validated value of a claimed key."""

    def __init__(self, claims: Mapping[str, Setting], layers: Iterable[Layer]) -> None:
        self.claims, self.layers = dict(claims), tuple(layers)
        self.ignored: list[str] = []
        """Sentences that name a file and a key that was left out, and why."""
        self.looked: list[Source] = []
        """Where was looked, low to high, whether there was something or not."""
        self.data: Mapping[str, Any] = reduce(merge, (layer.data for layer in self.layers), {})
        """All layers merged, as written: neither validated nor completed with defaults."""
        self._values: dict[str, Any] = {}

    @classmethod
    def load(
        cls,
        claims: Iterable[tuple[str, Setting]],
        *,
        places: Places,
        directory: Path,
        root: Path,
        environ: Mapping[str, str],
        trusted: bool,
        overrides: Mapping[str, Any] | None = None,
        managed: Path = MANAGED,
        lenient: bool = False,
    ) -> Settings:
        """Gather the layers.

        Args:
            claims: (plugin, setting) pairs.
            directory: where the user is; `root` is where the project begins.
            trusted: whether the user trusts what this project would run.
            overrides: settings from the command line.
            managed: the administrator's directory.
            lenient: leave out what makes no sense and say so in `ignored`, so that a safe start is always possible.

        Raises:
            SettingsError: two plugins claim one key, a file makes no sense, or a key is unknown.
        """
        claimed = _by_name(claims)
        looked = sources(places, directory, root, environ, managed)
        ignored: list[str] = []

        def attempt(get: Callable[[], Layer | None]) -> Layer | None:
            try:
                if layer := get():
                    _admit(layer, claimed, trusted, lenient, ignored.append)
                return layer
            except SettingsError as error:
                if not lenient:
                    raise
                ignored.append(f"{error} (left out)")
                return None

        openers: list[Callable[[], Layer | None]] = [
            partial(open_layer, source, directory, environ, trusted, ignored.append) for source in looked
        ]
        openers.insert(len(looked) - bool(looked[-1].inside), partial(nested_layer, environ, claimed))
        openers.append(partial(Layer, "command line", data=dict(overrides or {})))
        settings = cls(claimed, [layer for opener in openers if (layer := attempt(opener)) and layer.data])
        settings.ignored, settings.looked = ignored, looked
        return settings

    def __contains__(self, name: object) -> bool:
        """Whether some plugin claims this key."""
        return name in self.claims

    def __getitem__(self, name: str) -> Any:
        """The value of a key; validated when it is first asked for.

        Raises:
            KeyError: no plugin claims this key.
            SettingsError: the value is wrong; says file, line and path.
        """
        if name in self._values:
            return self._values[name]
        if name not in self.claims:
            raise KeyError(f'no plugin claims the settings key "{name}"')
        claim = self.claims[name]
        if name in self.data or isinstance(claim.type, str):
            value = self._validated(claim, self.data.get(name, claim.default))
        else:
            value = claim.default
        self._values[name] = value
        return value

    def _validated(self, claim: Setting, value: Any) -> Any:
        if value is claim.default and value is None:
            return None
        from pydantic import ValidationError

        try:
            return adapter(claim).validate_python(value)
        except ValidationError as error:
            raise self._blame(claim.name, error) from None

    def _blame(self, name: str, error: ValidationError) -> SettingsError:
        found: dict[Keys, list[str]] = {}
        for detail in error.errors(include_url=False, include_input=False):
            path, message = follow(self.data.get(name), (name,), detail["loc"]), detail["msg"]
            if detail["type"] == "missing":
                message = f'the key "{detail["loc"][-1]}" is missing'
            elif detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
                message = "no such key"
            found.setdefault(path, []).append(message[:1].lower() + message[1:])
        path, messages = next(iter(found.items()))
        speakers = [layer for layer in self.layers if value_at(layer.data, path) is not None] or self.layers[-1:]
        where = speakers[-1].where(path) if speakers else ""
        return SettingsError(f"{', or '.join(dict.fromkeys(messages))}, at {'.'.join(path)}", where)

    def explain(self, key: str) -> Explanation:
        """Say what a key is and why; parts are joined with dots, as in "permission.bash".

        Raises:
            SettingsError: no such key.
        """
        path = find(self.data, key.split("."))
        name = path[0] if path else key.split(".")[0]
        if name not in self.claims:
            raise SettingsError(f'no such setting: "{name}"{_did_you_mean(name, self.claims)}')
        origins: list[Origin] = []
        for layer in self.layers:
            if own := find(layer.data, key.split(".")):
                origins.append(Origin(layer.name, layer.file, layer.line(own), value_at(layer.data, own)))
            elif hides(layer.data, path or tuple(key.split("."))):
                origins.clear()
        if not path:
            complete = {name: adapter(self.claims[name]).dump_python(self[name], mode="json", by_alias=True)}
            if not (path := find(complete, key.split("."))):
                raise SettingsError(f'nothing sets "{key}", and it has no default')
            return Explanation(key, value_at(complete, path), (Origin("default", "", 0, value_at(complete, path)),))
        return Explanation(key, value_at(self.data, path), tuple(origins))

    def schema(self) -> dict[str, Any]:
        """The JSON Schema (draft 2020-12) of a settings file, for editors."""
        from pydantic import TypeAdapter

        adapters = {name: adapter(claim) for name, claim in sorted(self.claims.items())}
        each, shared = TypeAdapter.json_schemas([(name, "validation", one) for name, one in adapters.items()])
        properties: dict[str, Any] = {"$schema": {"type": "string", "description": "Where this schema is published."}}
        for name, one in adapters.items():
            claim = self.claims[name]
            properties[name] = {**each[name, "validation"], "description": claim.doc}
            if claim.default is not None:
                properties[name]["default"] = one.dump_python(claim.default, mode="json", warnings=False)
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "MiMo Code settings",
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            "allowTrailingCommas": True,
            **shared,
        }


def adapter(claim: Setting) -> TypeAdapter[Any]:
    """What validates a claim. A type written as "package.module:Name" is imported now, not when it was claimed."""
    from pydantic import TypeAdapter

    kind = claim.type
    if isinstance(kind, str):
        from pkgutil import resolve_name

        kind = resolve_name(kind)
    return TypeAdapter(kind)


def _by_name(claims: Iterable[tuple[str, Setting]]) -> dict[str, Setting]:
    owners: dict[str, str] = {}
    claimed: dict[str, Setting] = {}
    for plugin, claim in claims:
        if (other := owners.setdefault(claim.name, plugin)) != plugin:
            raise SettingsError(f'the plugins {other} and {plugin} both claim the settings key "{claim.name}"')
        claimed[claim.name] = claim
    return claimed


def _admit(
    layer: Layer, claims: Mapping[str, Setting], trusted: bool, lenient: bool, ignore: Callable[[str], None]
) -> None:
    """Take out of a layer what may not count."""
    for key in list(layer.data):
        reason = ""
        if key in LEGACY and key not in claims:
            reason = "is ignored here: it belongs into tui.json"
        elif key not in claims and key != "$schema":
            reason = f"is not a setting{_did_you_mean(key, claims)}"
            if not lenient:
                raise SettingsError(f'"{key}" {reason}', layer.where((key,)))
        elif layer.project and not trusted and key in claims and claims[key].needs_trust:
            reason = "is ignored until you trust this folder"
        if reason or key == "$schema":
            del layer.data[key]
        if reason:
            ignore(f'{layer.where((key,))}: "{key}" {reason}')


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), 1)
    return f'; did you mean "{near[0]}"?' if near else ""


def nested_layer(environ: Mapping[str, str], names: Iterable[str]) -> Layer | None:
    """The variables `MIMOCODE__SECTION__KEY=value` as one layer.

    A part in capitals stands for small letters (write `MIMOCODE__section__camelCase` where the case matters);
    a value that is JSON is taken as JSON, any other as text.
    """
    if not (given := {name: value for name, value in environ.items() if name.startswith(NESTED)}):
        return None
    # 150 ms, hence only when such a variable is there.
    from pydantic import create_model
    from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

    class Environment(BaseSettings):
        model_config = SettingsConfigDict(
            case_sensitive=True, env_prefix=NESTED, env_nested_delimiter="__", protected_namespaces=()
        )

    spelling = {name.lower(): name for name in names}
    variables: dict[str, str | None] = {}
    fields: dict[str, Any] = {}
    for name, value in given.items():
        first, *rest = (part.lower() if part.isupper() else part for part in name.removeprefix(NESTED).split("__"))
        first = spelling.get(first.lower(), first)
        variables[NESTED + "__".join((first, *rest))] = value
        fields[first] = (dict if rest or fields.get(first, (str,))[0] is dict else dict | str, None)
    reader = EnvSettingsSource(create_model("Variables", __base__=Environment, **fields))
    reader.env_vars = variables
    try:
        return Layer("MIMOCODE__* variables", data=reader())
    except ValueError as error:
        raise SettingsError(f"{error}; a value with parts below it must be a JSON object", NESTED + "*") from None
