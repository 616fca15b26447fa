"""A model that plays a scenario file: for demos, examples and tests; no network, no key. README.md has the format.

open_model   `scripted/<name>` for shipped scenarios, `scripted/<path>` for files (.json, .yaml, .yml)
list_models  the shipped scenarios
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.ports import Model, ModelInfo


@hookimpl
async def list_models() -> Iterable[ModelInfo]:
    """What is shipped."""
    from mimocode.ports import ModelInfo

    from .scenario import load, shipped

    scenarios = {name: load(path) for name, path in shipped().items()}
    return [ModelInfo(f"scripted/{name}", scene.title or name, scene.window) for name, scene in scenarios.items()]


@hookimpl
async def open_model(ref: str, host: Host) -> Model | None:
    """A scenario, shipped or from a file."""
    provider, _, name = ref.partition("/")
    if provider != "scripted":
        return None
    from .model import ScriptedModel
    from .scenario import find, load

    return ScriptedModel(ref, load(find(name, host.directory)))
