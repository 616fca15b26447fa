"""Five verbs, and what happens to plugins that do not play along."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pluggy
import pytest

from mimocode import MimoError, Part, PluginError, Ruling, Verdict, hookimpl
from mimocode import hookspecs as on
from mimocode.errors import Overrun
from mimocode.messages import Text
from mimocode.ports import ToolResult
from mimocode.switchboard import Switchboard

ANY: Any = None


class Board(Switchboard):
    """A switchboard over the plugins given, the first registered first."""

    def __init__(self, *plugins: Any) -> None:
        self.said: list[str] = []
        manager = pluggy.PluginManager(on.PROJECT)
        manager.add_hookspecs(on)
        for plugin in plugins:
            manager.register(plugin, plugin.name)
        super().__init__(manager, lambda name, error: self.said.append(f"{name}: {error}"))


class Plugin:
    def __init__(self, name: str, answer: Any) -> None:
        self.name, self.answer = name, answer

    def _answer(self) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Sync(Plugin):
    @hookimpl
    def contribute(self) -> Any:
        return self._answer()

    @hookimpl
    def before_stop(self) -> Any:
        return self._answer()


class Async(Plugin):
    @hookimpl
    async def contribute(self) -> Any:
        await asyncio.sleep(0)
        return self._answer()

    @hookimpl
    async def before_stop(self) -> Any:
        return self._answer()


class Adding(Plugin):
    @hookimpl
    async def shape_result(self, result: Any) -> Any:
        return None if self.answer is None else ToolResult((Text(result.text + self.answer),))


async def test_collect_takes_plain_and_async_answers_later_plugins_first() -> None:
    board = Board(Sync("a", [Part("1")]), Async("b", None), Async("c", [Part("3")]))
    assert await board.collect_named(on.contribute, session=ANY) == [("c", [Part("3")]), ("a", [Part("1")])]
    assert set(board.spent) == {"a", "b", "c"}


async def test_first_stops_at_the_first_answer_that_is_not_none_even_from_a_coroutine() -> None:
    assert (
        await Board(Sync("a", "old"), Async("b", "new"), Async("c", None)).first(on.before_stop, session=ANY) == "new"
    )
    assert await Board(Async("a", None)).first(on.before_stop, session=ANY) is None


async def test_fold_threads_the_first_argument() -> None:
    board = Board(Adding("a", "1"), Adding("b", None), Adding("c", "3"))
    folded = await board.fold(on.shape_result, result=ToolResult((Text("x"),)), call=ANY, session=ANY)
    assert folded.text == "x31"


class Strangers:
    """Hooks of a family whose module does not postpone its annotations."""

    @staticmethod
    @on.hookspec()
    async def paint(colour: str) -> list[str] | None: ...

    @staticmethod
    @on.hookspec()
    def mix(colour: str) -> str: ...


async def test_hooks_of_strangers_may_be_annotated_as_they_like() -> None:
    class Painter:
        name = "p"

        @hookimpl
        async def paint(self, colour: str) -> list[str]:
            return [colour]

        @hookimpl
        def mix(self, colour: str) -> str:
            return colour

    board = Board()
    board._plugins.add_hookspecs(Strangers)
    board._plugins.register(Painter(), "p")
    assert await board.collect(Strangers.paint, colour="red") == [["red"]]
    assert board.collect_now(Strangers.mix, colour="red") == [("p", "red")]
    assert board.said == []


async def test_a_failure_is_named_and_skipped() -> None:
    board = Board(Sync("a", [Part("1")]), Async("b", ValueError("bad")), Sync("c", MimoError("not mine to stop you")))
    assert await board.collect(on.contribute, session=ANY) == [[Part("1")]]
    assert board.said == [
        "c: plugin c: contribute raised MimoError: not mine to stop you",
        "b: plugin b: contribute raised ValueError: bad",
    ]


async def test_what_a_plugin_foresees_gets_through_where_the_hook_says_so() -> None:
    class Opener(Plugin):
        @hookimpl
        async def open_model(self) -> Any:
            return self._answer()

    with pytest.raises(MimoError, match="no key"):
        await Board(Opener("a", MimoError("no key"))).first(on.open_model, ref="x", host=ANY)
    broken = Board(Opener("a", KeyError("bug")))
    assert await broken.first(on.open_model, ref="x", host=ANY) is None
    assert broken.said == ["a: plugin a: open_model raised KeyError: 'bug'"]


async def test_a_guard_that_overruns_is_suspended_and_lets_nothing_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on.rule_on_call, "deadline", 0.02)

    class Guard(Plugin):
        asked = 0

        @hookimpl
        async def rule_on_call(self) -> Ruling:
            self.asked += 1
            await asyncio.sleep(60)
            return Ruling(Verdict.ALLOW)

    guard = Guard("g", None)
    board = Board(guard)
    with pytest.raises(Overrun, match=r"plugin g: rule_on_call took longer than 0\.02 s"):
        await board.collect(on.rule_on_call, call=ANY, session=ANY)
    with pytest.raises(PluginError, match="plugin g: is suspended"):
        await board.collect(on.rule_on_call, call=ANY, session=ANY)
    assert guard.asked == 1


@pytest.mark.parametrize("broken", [RuntimeError("no"), SystemExit("no")])
async def test_scopes_are_left_in_reverse_and_a_broken_one_is_skipped(
    broken: BaseException,
) -> None:
    log: list[str] = []

    class Scope(Plugin):
        @hookimpl
        @asynccontextmanager
        async def session_scope(self) -> AsyncIterator[None]:
            self._answer()
            log.append(f"in {self.name}")
            yield
            log.append(f"out {self.name}")

    board = Board(Scope("a", None), Scope("b", broken), Scope("c", None))
    async with AsyncExitStack() as stack:
        await board.enter(stack, on.session_scope, session=ANY)
    assert log == ["in c", "in a", "out a", "out c"]
    assert board.said == [f"b: plugin b: session_scope raised {type(broken).__name__}: no"]


@pytest.mark.parametrize("broken", [RuntimeError("no"), SystemExit("no")])
async def test_a_scope_that_breaks_while_it_is_left_is_named_and_the_others_are_left_all_the_same(
    broken: BaseException,
) -> None:
    log: list[str] = []

    class Scope(Plugin):
        @hookimpl
        @asynccontextmanager
        async def session_scope(self) -> AsyncIterator[None]:
            try:
                yield
            except ValueError as error:
                log.append(f"{self.name} saw {error}")
                raise
            finally:
                log.append(f"out {self.name}")
                self._answer()

    board = Board(Scope("a", None), Scope("b", broken), Scope("c", None))
    with pytest.raises(ValueError, match="the body's own"):
        async with AsyncExitStack() as stack:
            await board.enter(stack, on.session_scope, session=ANY)
            raise ValueError("the body's own")
    assert log == [line for name in "abc" for line in (f"{name} saw the body's own", f"out {name}")]
    assert board.said == [f"b: plugin b: session_scope raised {type(broken).__name__}: no"]
