"""The list that `mimo plugins` prints."""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from mimocode.errors import MimoError

from ..streams import Results, Screen, one_line, safe_json, speak_utf8, visible
from .weigh import Weights, weigh

if TYPE_CHECKING:
    from mimocode.host import Host

BUILT_IN = "mimocode_plugins."


@dataclass(frozen=True)
class Row:
    """One plugin."""

    name: str
    origin: str
    """"built-in", or the distribution and version that brought it."""
    purpose: str
    hooks: tuple[str, ...] = ()
    calls: int = 0
    milliseconds: float = 0.0
    tokens_per_turn: Mapping[str, int] = field(default_factory=dict)
    """Estimates: of its part of the prompt, and of each of its tool servers."""
    error: str = ""
    """What it failed at first; a plugin that could not be loaded has nothing else."""


async def run(args: argparse.Namespace, host: Host) -> int:
    """Print every plugin, the broken ones with their error."""
    speak_utf8()
    try:
        weights = await weigh(host)
    except MimoError as error:  # the list is most needed when something is broken
        weights = {}
        Screen(sys.stderr).line(visible(f"Tokens per turn are not known: {error}"))
    rows = plugins(host, weights)
    results = Results()
    if args.format == "json":
        document = {"plugins": [asdict(row) for row in rows]}
        results.write(safe_json(json.dumps(document, ensure_ascii=False, indent=2)) + "\n")
        return 0
    screen = Screen(sys.stdout)
    for row in rows:
        _show(row, screen)
    total = sum(sum(row.tokens_per_turn.values()) for row in rows)
    screen.line(f"{len(rows)} plugins, about {total} tokens in every request before the conversation.")
    return 0


def plugins(host: Host, weights: Weights) -> list[Row]:
    """All plugins of a host in the order of registration, then those that could not be loaded."""
    rows = []
    for name, plugin in host.plugins.manager.list_name_plugin():
        if plugin is None:
            continue
        spent = host.hooks.spent[name]
        rows.append(
            Row(
                name=name,
                origin=host.plugins.origins.get(name, "built-in" if name.startswith(BUILT_IN) else "this program"),
                purpose=_purpose(plugin),
                hooks=tuple(caller.name for caller in host.plugins.manager.get_hookcallers(plugin) or ()),
                calls=spent.calls,
                milliseconds=round(spent.seconds * 1000, 1),
                tokens_per_turn=dict(weights.get(name, {})),
                error=host.plugins.broken.get(name, ""),
            )
        )
    known = {row.name for row in rows}
    lost = [name for name in host.plugins.broken if name not in known and name != "kernel"]
    origins = {
        name: host.plugins.origins.get(name, "built-in" if name.startswith(BUILT_IN) else "unknown") for name in lost
    }
    return rows + [Row(name, origins[name], "could not be loaded", error=host.plugins.broken[name]) for name in lost]


def _purpose(plugin: object) -> str:
    """The first sentence of its docstring."""
    return " ".join((inspect.getdoc(plugin) or "").split("\n\n")[0].split())


def _show(row: Row, screen: Screen) -> None:
    name = row.name.removeprefix(BUILT_IN)
    screen.line(f"{screen.paint(name, 'bold')}  {screen.paint(row.origin, 'dim')}")
    screen.line(f"    {visible(one_line(row.purpose or '(it does not say what it is for)'))}")
    screen.line(screen.paint(f"    joins in at: {', '.join(row.hooks) or 'no hook'}", "dim"))
    cost = [f"{row.milliseconds:g} ms in {row.calls} calls"] * bool(row.calls)
    cost += [f"about {count} tokens a turn ({what})" for what, count in row.tokens_per_turn.items()]
    if cost:
        screen.line(screen.paint(f"    costs: {', '.join(cost)}", "dim"))
    if row.error:
        screen.line("    " + screen.paint(f"broken: {one_line(row.error, 300)}", "red"))
