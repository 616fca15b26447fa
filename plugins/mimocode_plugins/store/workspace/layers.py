"""All layers of settings of one workspace, and what had to be left out of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mimocode.errors import PluginError, SettingsError
from mimocode.ports import Places, Setting

from .places import flag
from .settings import LayeredSettings, merge
from .sources import MANAGED, PREFERENCES, Layer, Source, open_layer, sources

NESTED = "MIMOCODE__"
"""`MIMOCODE__SECTION__KEY=value` sets one key from the environment."""


@dataclass(frozen=True)
class Reader:
    """Reads the settings of one directory; `overrides` come from the command line and go over everything."""

    places: Places
    directory: Path
    root: Path
    environ: Mapping[str, str]
    overrides: Mapping[str, Any] = field(default_factory=dict)
    managed: Path = MANAGED
    """The administrator's directory."""
    preferences: Path | None = PREFERENCES
    """Where macOS puts what an administrator's profiles say."""
    report: Callable[[str, Exception], None] | None = None
    """Is told of a plugin whose claim makes no sense; without it that is an error."""

    def __call__(self, claims: Sequence[tuple[str, Setting]], trusted: bool, lenient: bool) -> LayeredSettings:
        """The settings.

        Raises:
            SettingsError: two plugins claim one key; or a file makes no sense or has a key that nobody knows, and
                `lenient` does not leave it out.
        """
        claims = claims if self.report is None else list(_sensible(claims, self.report))
        layers, ignored = self._layers({claim.name for _, claim in claims}, trusted, lenient)
        settings = LayeredSettings(claims, layers, trusted=trusted, lenient=lenient, ignored=ignored)
        settings.consulted = self.consulted()
        return settings

    def _layers(self, known: Collection[str], trusted: bool, lenient: bool) -> tuple[list[Layer], list[str]]:
        ignored: list[str] = []

        def attempt(get: Callable[[], Layer | None]) -> Layer | None:
            try:
                return get()
            except SettingsError as error:
                if not lenient:
                    raise
                ignored.append(f"{error} (left out)")
                return None

        looked = self.sources()
        layers = [
            attempt(partial(open_layer, source, self.directory, self.environ, trusted, ignored.append))
            for source in looked
        ]
        at = len(layers) - sum(bool(source.inside) for source in looked)
        layers[at:at] = [attempt(partial(nested_layer, self.environ, known)), switches(self.environ, known)]
        if self.overrides:
            layers.append(Layer("command line", data=dict(self.overrides)))
        return [layer for layer in layers if layer], ignored

    def sources(self) -> list[Source]:
        """Every place that is looked at, low to high."""
        return sources(self.places, self.directory, self.root, self.environ, self.managed, self.preferences)

    def consulted(self) -> list[tuple[str, str, bool]]:
        """The same for people: name, file or "", and whether there is something."""
        return [
            (
                source.name,
                str(source.file or ""),
                source.text is not None or bool(source.file and source.file.is_file()),
            )
            for source in self.sources()
        ]


def _sensible(claims: Sequence[tuple[str, Setting]], report: Callable[[str, Exception], None]) -> Iterator[Any]:
    """Claims of keys that nobody has. Who came first keeps a key: the others here rely on what its value is."""
    owners: dict[str, str] = {}
    for plugin, claim in reversed(claims):  # they come the latest first
        if (owner := owners.setdefault(claim.name, plugin)) != plugin:
            report(plugin, PluginError(plugin, f'the settings key "{claim.name}" belongs to {owner}; choose another'))
        else:
            yield plugin, claim


SWITCHES: Mapping[str, tuple[str, Any]] = {
    "MIMOCODE_DISABLE_AUTOCOMPACT": ("compaction", {"auto": False}),
    "MIMOCODE_DISABLE_PRUNE": ("compaction", {"prune": False}),
    "MIMOCODE_AUTO_SHARE": ("share", "auto"),
    "MIMOCODE_DISABLE_SHARE": ("share", "disabled"),
    "MIMOCODE_ALWAYS_NOTIFY_UPDATE": ("autoupdate", "notify"),
    "MIMOCODE_DISABLE_AUTOUPDATE": ("autoupdate", False),
}
"""Variables that set one setting (surface 3.1, 4.2); of two about the same the later one wins."""


def switches(environ: Mapping[str, str], known: Collection[str]) -> Layer | None:
    """The variables that say yes, as one layer; None when there is none."""
    data: dict[str, Any] = {}
    for name, (key, value) in SWITCHES.items():
        if flag(environ, name) and key in known:
            data = merge(data, {key: value})
    return Layer("MIMOCODE_* variables", data) if data else None


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
