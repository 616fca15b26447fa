"""Finds what is said about agents: which folders and settings, in which order, and who may say what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.ports import StashKey
from mimocode_plugins.crew import assets
from mimocode_plugins.crew.places import escapes, home, project, switched_on

if TYPE_CHECKING:
    from mimocode.host import Host

AGENTS, MODES = ("agent", "agents"), ("mode", "modes")
SETTINGS = "settings"
"""The source of what the setting `agent` says."""

_said: StashKey[dict[str, bool]] = StashKey("crew.agents.problems")


@dataclass(frozen=True)
class Layer:
    """What one source says about one agent."""

    name: str
    meta: dict[str, Any]
    body: str
    source: str
    """The file, or `SETTINGS`."""
    claude: bool = False
    """Written for Claude Code: other names for tools and models."""
    tightens: bool = False
    """From a project that is not trusted."""


@dataclass(frozen=True)
class Folder:
    """A folder with agents in it."""

    path: Path
    kinds: tuple[str, ...] = AGENTS
    claude: bool = False
    project: bool = False


def layers(host: Host) -> tuple[list[Layer], list[str]]:
    """Everything that is said, low to high, and a sentence for each file that makes no sense."""
    found: list[Layer] = []
    problems: list[str] = []
    for folder in folders(host):
        skip = partial(escapes, host=host, project=folder.project)
        read, wrong = assets.find(folder.kinds, [("", folder.path)], skip)
        problems += wrong
        found += [_layer(asset, folder, host) for asset in read]
    for key, extra, source in (("mode", {"mode": "primary"}, "settings (mode)"), ("agent", {}, SETTINGS)):
        for name, table in (host.settings[key] or {}).items():
            found.append(Layer(name, {**table, **extra}, "", source))
    return found, problems


def folders(host: Host) -> Iterator[Folder]:
    """Where agents are looked for, low to high."""
    own = home(host)
    claude = not switched_on(host, "MIMOCODE_DISABLE_CLAUDE_CODE")
    yield Folder(assets.root("agents").parent, ("agents",))
    if claude:
        yield Folder(own / ".claude", claude=True)
    yield from _both(host.paths.config)
    inside = project(host)
    if claude:
        yield from (Folder(place / ".claude", claude=True, project=True) for place in inside)
    for place in inside:
        yield from _both(place / ".mimocode", project=True)
    yield from _both(own / ".mimocode")
    if special := host.environ.get("MIMOCODE_CONFIG_DIR"):
        yield from _both(Path(special))


def _both(path: Path, *, project: bool = False) -> Iterator[Folder]:
    yield Folder(path, MODES, project=project)
    yield Folder(path, AGENTS, project=project)


def _layer(asset: assets.Asset, folder: Folder, host: Host) -> Layer:
    meta = {**asset.meta, **({"mode": "primary"} if folder.kinds == MODES else {})}
    name = str(meta.pop("name", "") or asset.name)
    tightens = folder.project and not host.trusted
    return Layer(name, meta, asset.body.strip(), str(asset.path), folder.claude, tightens)


def remember(host: Host, problems: list[str]) -> None:
    """Keep sentences until somebody can be told."""
    known = host.stash.setdefault(_said, {})
    for line in problems:
        known.setdefault(line, False)


def complaints(host: Host) -> list[str]:
    """All sentences, also those that somebody was told."""
    return list(host.stash.get(_said, {}))


def unsaid(host: Host) -> list[str]:
    """The sentences that nobody has been told yet."""
    known: dict[str, bool] = host.stash.get(_said, {})
    fresh = [line for line, told in known.items() if not told]
    known.update(dict.fromkeys(fresh, True))
    return fresh
