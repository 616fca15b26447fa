"""Call plugins by the hook they answer, so that type checkers see every argument and answer.

pluggy decides who is asked and in which order. This file knows how to wait, how long, and whom to blame: five
verbs, one after the other on purpose (order is contract; slow watchers belong in tasks of their own).
"""

from __future__ import annotations

import asyncio
import builtins
import inspect
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from functools import cache, partial
from time import perf_counter
from typing import Any, ParamSpec, TypeVar

import pluggy

from . import messages, ports
from .alarm import Watched, alarm
from .errors import MimoError, Overrun, PluginError
from .hookspecs import DEADLINE

P = ParamSpec("P")
T = TypeVar("T")
Scope = AbstractAsyncContextManager[Any]
Complain = Callable[[str, BaseException], None]


@dataclass
class Spent:
    """What a plugin has cost so far."""

    calls: int = 0
    seconds: float = 0.0


class Switchboard:
    """Who may join in. One per host."""

    def __init__(self, plugins: pluggy.PluginManager, complain: Complain) -> None:
        self._plugins, self._complain = plugins, complain
        self.order: dict[str, list[pluggy.HookImpl]] = {}  # cleared when plugins come or go
        self._suspended: set[str] = set()
        self.spent: defaultdict[str, Spent] = defaultdict(Spent)

    async def collect(self, hook: Callable[P, Awaitable[T | None]], *args: P.args, **kwargs: P.kwargs) -> list[T]:
        """Every answer that is not None, later plugins first."""
        return [answer for _, answer in await self.collect_named(hook, *args, **kwargs)]

    async def collect_named(
        self, hook: Callable[P, Awaitable[T | None]], *args: P.args, **kwargs: P.kwargs
    ) -> list[tuple[str, T]]:
        """As `collect`, each answer with the name of its plugin."""
        answers = [(impl.plugin_name, await self.ask(hook, impl, kwargs)) for impl in self.implementations(hook)]
        return [(name, answer) for name, answer in answers if answer is not None]

    async def first(self, hook: Callable[P, Awaitable[T | None]], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """The first answer that is not None; earlier registered plugins are then not asked."""
        for impl in self.implementations(hook):
            if (answer := await self.ask(hook, impl, kwargs)) is not None:
                return answer  # type: ignore[no-any-return]
        return None

    async def fold(self, hook: Callable[P, Awaitable[T | None]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Thread the hook's first argument through every plugin; None leaves it as it is."""
        slot = next(iter(kwargs))
        for impl in self.implementations(hook):
            if (answer := await self.ask(hook, impl, kwargs)) is not None:
                kwargs[slot] = answer
        return kwargs[slot]  # type: ignore[return-value]

    async def tell(self, hook: Callable[P, Awaitable[None]], *args: P.args, **kwargs: P.kwargs) -> None:
        """Tell everyone, except who takes an argument that is None this time: there is nothing to tell them."""
        for impl in self.implementations(hook):
            if not any(kwargs[name] is None for name in impl.argnames):
                await self.ask(hook, impl, kwargs)

    async def enter(self, stack: AsyncExitStack, hook: Callable[P, Scope], *args: P.args, **kwargs: P.kwargs) -> None:
        """Enter every plugin's context manager; the stack leaves them in reverse."""
        for impl in self.implementations(hook):
            try:
                async with asyncio.timeout(getattr(hook, "deadline", DEADLINE)):
                    if (scope := call_now(impl, kwargs)) is not None:
                        await scope.__aenter__()
                        stack.push_async_exit(partial(self._leave, hook, impl, scope))
            except (Exception, SystemExit) as error:
                self._fault(hook, impl, error)

    async def _leave(self, hook: Callable[..., Scope], impl: pluggy.HookImpl, scope: Scope, *raised: Any) -> None:
        try:
            async with asyncio.timeout(getattr(hook, "deadline", DEADLINE)):
                await scope.__aexit__(*raised)
        except (Exception, SystemExit) as error:
            self._fault(hook, impl, error)

    def implementations(self, hook: Callable[..., Any]) -> list[pluggy.HookImpl]:
        """Who answers a hook, in the order in which they are asked."""
        name = hook.__name__
        if (known := self.order.get(name)) is None:
            caller: pluggy.HookCaller = getattr(self._plugins.hook, name)
            known = self.order[name] = caller.get_hookimpls()[::-1]
        return known

    def collect_now(self, hook: Callable[P, T | None], *args: P.args, **kwargs: P.kwargs) -> list[tuple[str, T]]:
        """As `collect_named`, for hooks whose implementations are plain functions, where nothing can be awaited."""
        answers = []
        for impl in self.implementations(hook):
            try:
                if (answer := call_now(impl, kwargs)) is not None:
                    answers.append((impl.plugin_name, fitting(hook, answer)))
            except (Exception, SystemExit) as error:
                self._fault(hook, impl, error)
        return answers

    async def ask(self, hook: Callable[..., Any], impl: pluggy.HookImpl, kwargs: dict[str, Any]) -> Any:
        """One plugin's answer to one hook; None if it failed and may fail."""
        if impl.plugin_name in self._suspended:
            return self._fault(hook, impl, PluginError(impl.plugin_name, "is suspended, it overran a deadline before"))
        began, deadline = perf_counter(), getattr(hook, "deadline", DEADLINE)
        limit: asyncio.Timeout | None = None
        try:
            answer = call_now(impl, kwargs)
            if inspect.isawaitable(answer):
                watched = Watched(impl.plugin_name, answer)
                if not watched.done:  # most are: a timeout costs more than they do
                    async with asyncio.timeout(deadline) as limit:
                        await watched
                answer = watched.value
            return fitting(hook, answer) if answer is not None else None
        except (Exception, SystemExit) as error:
            if isinstance(error, TimeoutError) and limit is not None and limit.expired():
                error = Overrun(impl.plugin_name, f"{hook.__name__} took longer than {deadline:g} s")
            return self._fault(hook, impl, error)
        finally:
            spent = self.spent[impl.plugin_name]
            spent.calls += 1
            spent.seconds += perf_counter() - began

    def _fault(self, hook: Callable[..., Any], impl: pluggy.HookImpl, error: BaseException) -> None:
        """Raise what the hook lets through, report the rest."""
        strict, foreseen = getattr(hook, "strict", False), getattr(hook, "foreseen", False)
        if isinstance(error, Overrun):
            self._suspended.add(impl.plugin_name)
        elif isinstance(error, MimoError) and not isinstance(error, PluginError) and (strict or foreseen):
            raise error
        elif not isinstance(error, PluginError):
            named = PluginError(impl.plugin_name, f"{hook.__name__} raised {describe(error)}")
            named.__cause__, error = error, named
        if strict:
            raise error
        self._complain(impl.plugin_name, error)


def describe(error: BaseException) -> str:
    """An exception in one line."""
    said = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())[:500]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


@cache
def _wanted(said: str) -> tuple[bool, tuple[Any, ...]]:
    """Whether a hook wants several answers, and of which classes, where these are ours or Python's own."""
    names = said.removeprefix("Iterable[").rstrip("]").removesuffix(" | None").split(" | ")
    kinds = [{**vars(builtins), **vars(messages), **vars(ports)}.get(name) for name in names]
    sure = all(isinstance(kind, type) and kind is not Any and not getattr(kind, "_is_protocol", 0) for kind in kinds)
    return said.startswith("Iterable["), tuple(kinds) if sure else ()


def fitting(hook: Callable[..., Any], answer: Any) -> Any:
    """An answer as the annotation of its hook wants it, several as a list; `TypeError` says what it is instead."""
    many, kinds = _wanted(said := str(hook.__annotations__.get("return", "")))
    answer = list(answer) if many else answer
    if kinds and (wrong := [each for each in (answer if many else [answer]) if not isinstance(each, kinds)]):
        raise TypeError(f"its answer must be {said}, not {type(wrong[0]).__name__}")
    return answer


def call_now(impl: pluggy.HookImpl, kwargs: dict[str, Any]) -> Any:
    """Call a plugin's function with the arguments it takes."""
    with alarm(impl.plugin_name):
        return impl.function(*[kwargs[name] for name in impl.argnames])
