"""Loading plugins: import, register, check, and go on without the ones that fail."""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pluggy

from . import hookspecs as on
from .alarm import alarm
from .errors import MimoError, PluginError
from .switchboard import Switchboard, describe

BUILT_INS = "mimocode_plugins"


class Plugins:
    """The plugins of one host, and the switchboard that asks them.

    Args:
        wanted: what to register, in order: dotted names or objects. None: the built-ins.
        external: also load what installed distributions offer as entry points "mimocode".
        complain: gets one line about every plugin that fails, once.
    """

    def __init__(self, wanted: Iterable[Any] | None, external: bool, complain: Callable[[str], None]) -> None:
        self.given = wanted is not None
        self.broken: dict[str, str] = {}
        """Plugins that failed, with what they failed at first."""
        self.origins: dict[str, str] = {}
        """Where plugins that are not built in come from: distribution and version."""
        self._complain, self._said = complain, set[str]()
        self.manager = pluggy.PluginManager(on.PROJECT)
        self.manager.add_hookspecs(on)
        self.hooks = Switchboard(self.manager, self.report)
        self._register(importlib.import_module(BUILT_INS).DEFAULT if wanted is None else wanted)
        for point in importlib.metadata.entry_points(group=on.PROJECT) if external else ():
            self.origins[point.name] = f"{point.dist.name} {point.dist.version}" if point.dist else "entry point"
            self._contain(point.name, partial(self._load, point.name, point.load))
        self._check()

    def _register(self, wanted: Iterable[Any]) -> None:
        for plugin in wanted:
            if isinstance(plugin, str):
                self._contain(plugin, partial(self._load, plugin, partial(importlib.import_module, plugin)))
                continue
            name = getattr(plugin, "__name__", type(plugin).__name__)
            while self.manager.has_plugin(name):
                name += "'"
            self._contain(name, partial(self.manager.register, plugin, name))

    def _load(self, name: str, load: Callable[[], Any]) -> None:
        with alarm(name):
            plugin = load()
        self.manager.register(plugin, name)

    def _contain(self, name: str, work: Callable[[], Any]) -> None:
        """Do something for one plugin; if it fails, go on without the plugin and say so."""
        try:
            work()
        except (Exception, SystemExit) as error:
            if self.manager.has_plugin(name):
                self.manager.unregister(name=name)
            self.report(name, error)

    def _check(self) -> None:
        """Let families bring their hooks, then refuse plugins that implement hooks nobody has declared."""
        for name, family in self.hooks.collect_now(on.register_hooks):
            self._contain(name, partial(self.manager.add_hookspecs, family))
        for name, caller in list(vars(self.manager.hook).items()):
            if isinstance(caller, pluggy.HookCaller) and not caller.has_spec():
                close = difflib.get_close_matches(name, [n for n in vars(on) if hasattr(getattr(on, n), "deadline")], 1)
                hint = f"; did you mean {close[0]}?" if close else ""
                for impl in [impl for impl in caller.get_hookimpls() if not impl.optionalhook]:
                    self.manager.unregister(name=impl.plugin_name)
                    self.report(impl.plugin_name, PluginError(impl.plugin_name, f"there is no hook {name}{hint}"))
        self.hooks.order.clear()

    @property
    def partial(self) -> bool:
        """Some plugins that a user may have set up are not here."""
        return self.given or bool(self.broken)

    def report(self, plugin: str, error: BaseException) -> None:
        """Say, once, that a plugin failed at something."""
        what = str(error) if isinstance(error, MimoError) else describe(error)
        line = what if isinstance(error, PluginError) else f"plugin {plugin}: {what}" if plugin != "kernel" else what
        self.broken.setdefault(plugin, what)
        if line not in self._said:
            self._said.add(line)
            self._complain(line)
