"""Turns what is said about agents into agents (surface.md 8.1 and 8.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mimocode.errors import SettingsError
from mimocode.ports import Agent

from ..places import switched_on
from .foreign import translated
from .permission import from_allowlist, from_tools, merged, tightened, written_out
from .sources import SETTINGS, Layer, remember

if TYPE_CHECKING:
    from mimocode.host import Host

FIRST = ("build", "plan", "compose", "orchestrator", "max")
"""The order in which the well-known agents are listed; the rest follows by name."""
NUMBER = (int, float)
KNOWN: Mapping[str, tuple[type, ...]] = {
    "description": (str,),
    "mode": (str,),
    "prompt": (str,),
    "model": (str,),
    "variant": (str,),
    "temperature": NUMBER,
    "top_p": NUMBER,
    "steps": (int,),
    "color": (str,),
    "hidden": (bool,),
    "disable": (bool,),
    "read_only": (bool,),
    "gates": (list,),
    "flag": (str,),
    "tool_allowlist": (list,),
    "tools": (dict,),
    "permission": (str, dict),
    "options": (dict,),
}
"""What front matter may say, and as what."""
MODES = ("primary", "subagent", "all")
BOUNDS = ("tool_allowlist", "steps", "read_only", "disable")
"""What an untrusted project may say of an agent that exists, beside what it forbids it."""
HARMLESS = {"variant", "temperature", "top_p", "color"}
"""What an untrusted project may put into an agent's options."""


def agents(found: Iterable[Layer], problems: list[str], host: Host) -> list[Agent]:
    """One agent for each name. What makes no sense is left out and remembered as a problem."""
    said: dict[str, dict[str, Any]] = {}
    for layer in found:
        if layer.tightens and layer.body and not said.get(layer.name, {"stranger": True}).get("stranger"):
            problems.append(f"{layer.source}: the prompt of the agent {layer.name} waits until you trust this project")
        try:
            said[layer.name] = overlay(said.get(layer.name), fields(layer, problems), layer)
        except SettingsError as error:
            problems.append(f"{error} (left out)")
    remember(host, problems)
    default = str(host.settings["default_agent"] or "build")
    order = {name: number for number, name in enumerate((default, *FIRST))}
    there = (name for name in said if not said[name].get("disable") and _switched_on(said[name], host))
    names = sorted(there, key=lambda n: (order.get(n, 99), n))
    places = {"data": str(host.paths.data), "config": str(host.paths.config)}
    return [agent(name, said[name], places) for name in names]


def _switched_on(said: Mapping[str, Any], host: Host) -> bool:
    """Whether the environment variable that an agent waits for says yes."""
    return not said.get("flag") or switched_on(host, str(said["flag"]))


def fields(layer: Layer, problems: list[str]) -> dict[str, Any]:
    """One layer in the spelling of today, checked.

    Raises:
        SettingsError: a field has a value that it cannot have; says where.
    """
    meta, lost = translated(layer.meta) if layer.claude else (dict(layer.meta), [])
    if lost:
        problems.append(f"{layer.source}: {', '.join(lost)} of the agent {layer.name} has no effect here")
    if "maxSteps" in meta:
        meta.setdefault("steps", meta.pop("maxSteps"))
    if layer.body:
        meta.setdefault("prompt", layer.body)
    for key, kinds in KNOWN.items():
        if key in meta and (not isinstance(meta[key], kinds) or (isinstance(meta[key], bool) and bool not in kinds)):
            raise SettingsError(f"{key} of the agent {layer.name} is {meta[key]!r}: {_wants(kinds)}", layer.source)
    if meta.get("mode", "all") not in MODES:
        raise SettingsError(
            f"mode of the agent {layer.name} is {meta['mode']!r}: say {' or '.join(MODES)}", layer.source
        )
    if (strange := sorted(meta.keys() - KNOWN.keys())) and not layer.tightens:
        close = [(key, get_close_matches(key, KNOWN, 1, 0.75)) for key in strange]
        hint = "".join(f"; did you mean {near[0]}, not {key}?" for key, near in close if near)
        problems.append(
            f"{layer.source}: {', '.join(strange)} of the agent {layer.name} is passed on as an option{hint}"
        )
    options = {key: meta.pop(key) for key in strange}
    meta["options"] = {**options, **meta.get("options", {})}
    return meta


def _wants(kinds: tuple[type, ...]) -> str:
    names = {
        str: "text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        list: "a list",
        dict: "a table",
    }
    return "it must be " + " or ".join(names[kind] for kind in kinds)


def overlay(base: Mapping[str, Any] | None, more: dict[str, Any], layer: Layer) -> dict[str, Any]:
    """An agent with one more layer on it. An untrusted layer cannot loosen, redirect or reconfigure."""
    permission = from_allowlist(more["tool_allowlist"]) if "tool_allowlist" in more else {}
    permission = merged(permission, from_tools(more.pop("tools", {})))
    stated = more.pop("permission", {})
    if layer.source != SETTINGS:  # those the guard reads itself, after all others
        permission = merged(permission, stated)
    options = more.pop("options", {})
    before = base or {}
    stranger = layer.tightens and bool(before.get("stranger", True))
    if layer.tightens:
        permission = tightened(permission, known=base is not None)
        options, more = {}, _bounded(more, None if stranger else base)
    return {
        **before,
        **more,
        "stranger": stranger,
        "permission": merged(before.get("permission", {}), permission),
        "options": {**before.get("options", {}), **options},
        "source": layer.source if "prompt" in more or base is None else before["source"],
    }


def _bounded(more: Mapping[str, Any], base: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is left of the words of a project that is not trusted: it describes agents of its own, and binds others."""
    if base is None:
        return {key: value for key, value in more.items() if key not in ("model", "gates", "hidden")}
    kept = {key: more[key] for key in BOUNDS if key in more}
    if base.get("read_only"):
        kept["read_only"] = True
    if base.get("steps") and kept.get("steps", 1) > 0:
        kept["steps"] = min(base["steps"], kept.get("steps", base["steps"]))
    elif base.get("steps"):
        kept["steps"] = base["steps"]
    if "tool_allowlist" in base and "tool_allowlist" in kept:
        kept["tool_allowlist"] = [name for name in kept["tool_allowlist"] if name in base["tool_allowlist"]]
    return kept


def agent(name: str, said: Mapping[str, Any], places: Mapping[str, str]) -> Agent:
    """The agent that all layers add up to.

    Only subagents have tools hidden from them: primary agents share one list, so that changing from one to another
    keeps the provider's cache. What they must not use the guard refuses.
    """
    mode = said.get("mode", "all")
    options = {**said["options"], **{key: said[key] for key in HARMLESS if key in said}}
    options |= {key: said[key] for key in ("read_only", "gates") if said.get(key)}
    if said["permission"]:
        options["permission"] = written_out(said["permission"], places)
    shown = said.get("tool_allowlist") if mode == "subagent" else None
    return Agent(
        name=name,
        description=" ".join(str(said.get("description", "")).split()),
        mode=mode,
        prompt=said.get("prompt", "").strip(),
        model=said.get("model", ""),
        steps=max(0, int(said.get("steps", 0))),
        hidden=bool(said.get("hidden", False)),
        tools={} if shown is None else {"*": False, **dict.fromkeys(shown, True)},
        options=options,
        source=said["source"],
    )
