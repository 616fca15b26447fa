"""A budget stops the run before it is passed, whoever spends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.errors import ModelError, ModelFault, UsageError
from mimocode.events import Pulse, Retrying, Say, TextDelta, TurnEnded
from mimocode.hookspecs import hookimpl
from mimocode.messages import Part, Text, ToolCall, ToolSpec, Usage, assistant, user
from mimocode.ports import Answer, ModelInfo, Prompt
from mimocode.session import Session
from mimocode.state import Grown
from mimocode.testing import play, talk
from mimocode_plugins.guard import budget
from mimocode_plugins.guard.budget.ledger import Ledger, Limits, priced
from mimocode_plugins.guard.budget.metered import Metered, ledger
from mimocode_plugins.guard.budget.tokens import Counter, estimate, of_message

PRICE = {"input": 1.0, "output": 10.0, "cache_read": 0.1}


class Meter:
    """A plugin with a model that uses what it is told to use, or breaks off."""

    ref, window = "meter/model", 100_000

    def __init__(
        self, *usages: Usage | Exception | None, price: dict[str, float] | None = None, pause: bool = False
    ) -> None:
        self.go = asyncio.Event()
        if not pause:
            self.go.set()
        self.usages, self.price, self.options = list(usages), price, list[Any]()

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        self.options.append(dict(prompt.options))
        usage = self.usages.pop(0)
        if isinstance(usage, ModelError):
            raise usage
        yield TextDelta("four words of text")
        await self.go.wait()
        if usage is None:
            await asyncio.Event().wait()
        if isinstance(usage, Exception):
            raise usage
        yield Answer(assistant("four words of text"), usage or Usage())

    @hookimpl(tryfirst=True)
    async def open_model(self) -> Any:
        return self

    @hookimpl
    async def list_models(self) -> Iterable[ModelInfo]:
        return [ModelInfo(self.ref, price=self.price)] if self.price else []


async def ended(session: Session, text: str = "go") -> TurnEnded:
    events = session.follow()
    waiting = asyncio.ensure_future(anext(e.event async for e in events if isinstance(e.event, TurnEnded)))
    await asyncio.sleep(0)  # let it subscribe
    await session.submit(Say(text))
    found: TurnEnded = await waiting
    return found


async def test_the_call_that_does_not_fit_is_not_made_and_the_user_is_told() -> None:
    meter = Meter(Usage(30_000, 100), Usage(1, 1))
    async with play(plugins=[budget, meter], budget={"tokens": 30_200}) as session:
        assert (await ended(session)).reason == "done"
        assert await ended(session) == TurnEnded(
            "limited", "stopped by the budget: 30,200 tokens do not cover the next call (30,100 used, it needs 49)"
        )
        assert len(meter.options) == 1
        assert talk(session)[-1] == "user: go"


async def test_an_answer_gets_no_more_room_than_is_left() -> None:
    meter = Meter(Usage(20, 5))
    async with play(plugins=[budget, meter], budget={"tokens": 3000}) as session:
        await ended(session)
        (options,) = meter.options
        assert 2900 < options["max_output"] < 3000
        assert ledger(session).tokens == 25
        assert ledger(session).promised == []


async def test_children_draw_from_the_same_budget() -> None:
    meter = Meter(Usage(600, 100), Usage(600, 100), Usage(1, 1))
    async with (
        play(plugins=[budget, meter], budget={"tokens": 1500}) as session,
        session.host.open(parent=session, model=meter.ref) as child,
        session.host.open(parent=child, model=meter.ref) as grandchild,
    ):
        assert [await ended(s) for s in (child, grandchild)] == [TurnEnded("done")] * 2
        assert (await ended(session)).reason == "limited"
        assert ledger(grandchild) is ledger(session)


async def test_those_who_work_side_by_side_wait_for_what_others_do_not_use() -> None:
    meter = Meter(Usage(600, 100), Usage(600, 100), pause=True)
    async with (
        play(plugins=[budget, meter], budget={"tokens": 1500}) as session,
        session.host.open(parent=session, model=meter.ref) as one,
        session.host.open(parent=session, model=meter.ref) as other,
    ):
        both = asyncio.gather(ended(one), ended(other))
        while not ledger(session).promised or not meter.options:  # noqa: ASYNC110  a few rounds of the loop, no time
            await asyncio.sleep(0)
        assert len(meter.options) == 1
        meter.go.set()
        assert await both == [TurnEnded("done")] * 2


async def test_money_needs_a_known_price() -> None:
    async with play(plugins=[budget, Meter(Usage(1, 1))], budget={"cost": 1.0}) as session:
        end = await ended(session)
        assert end.reason == "limited"
        assert end.detail.startswith("stopped by the budget: a cost limit of $1 is set but the price of meter/model is")
    meter = Meter(Usage(100_000, 10_000, cache_read=50_000), Usage(1, 1), price=PRICE)
    async with play(plugins=[budget, meter], budget={"cost": 0.16}) as session:
        assert (await ended(session)).reason == "done"
        assert ledger(session).cost == pytest.approx(0.155)
        assert await ended(session) == TurnEnded("done")
        assert meter.options[1]["max_output"] < 500


async def test_time_ends_a_call_that_hangs() -> None:
    async with play(plugins=[budget, Meter(None)], budget={"seconds": 0.05}) as session:
        end = await ended(session)
        assert (end.reason, end.detail.split(" (")[0]) == (
            "limited",
            "stopped by the budget: 0.05 seconds are used up",
        )
        assert ledger(session).tokens > 5, "what was streamed is billed"


async def test_turns_are_counted() -> None:
    meter = Meter(Usage(1, 1), Usage(1, 1), Usage(1, 1))
    async with play(plugins=[budget, meter], budget={"turns": 2}) as session:
        assert [await ended(session) for _ in range(3)] == [
            TurnEnded("done"),
            TurnEnded("done"),
            TurnEnded("limited", "stopped by the budget: 2 turns are used up"),
        ]


async def test_a_refused_request_costs_nothing_and_a_broken_one_costs_what_is_known() -> None:
    refused = ModelError(ModelFault.RATE, "slow down")
    cut = RuntimeError("cut in the middle")
    async with play(plugins=[budget, Meter(refused, cut)], budget={"tokens": 9000}) as session:
        await ended(session)
        assert ledger(session).tokens == 0
        await ended(session)
        assert ledger(session).tokens > 5


async def test_a_retry_is_billed_too() -> None:
    class Retried(Meter):
        async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
            yield TextDelta("lost words " * 20)
            yield Retrying(1, 0.0, "cut")
            yield Answer(assistant("x"), Usage(10, 1))

    async with play(plugins=[budget, Retried()], budget={"tokens": 9000}) as session:
        await ended(session)
        assert ledger(session).tokens > 60


@pytest.mark.parametrize("wrong", [{"tokens": 0}, {"tokens": -1}, {"money": 3}, {"cost": "much"}, {"turns": True}, "5"])
async def test_a_budget_that_makes_no_sense_lets_nothing_through(wrong: Any) -> None:
    meter = Meter(Usage(1, 1))
    async with play(plugins=[budget, meter], budget=wrong) as session:
        end = await ended(session)
    assert (end.reason, meter.options) == ("failed", [])
    assert "budget" in end.detail


async def test_without_a_budget_nobody_stands_in_between() -> None:
    async with play("hi", plugins=[budget]) as session:
        await ended(session)
        assert not isinstance(session.model, Metered)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 40_000), st.booleans()), max_size=30))
def test_whatever_runs_at_the_same_time_the_sum_stays_below_the_limit(calls: list[tuple[int, int, bool]]) -> None:
    account = Ledger(Limits(tokens=50_000))
    running = []
    for size, wanted, finish in calls:
        try:
            running.append(account.reserve(size, wanted, None, "m"))
        except ModelError as error:
            assert error.fault is ModelFault.BUDGET
        if finish and running:
            done = running.pop(0)
            account.release(done)
            account.add(Usage(done.input, done.answer), None)
    for done in running:
        account.release(done)
        account.add(Usage(done.input, done.answer), None)
    assert account.tokens <= 50_000


def test_limits_of_the_run_win_over_the_settings() -> None:
    assert Limits.of({"tokens": 5, "cost": 1}, None, {"tokens": 9, "turns": None}) == Limits(tokens=9, cost=1)
    with pytest.raises(UsageError, match="a budget has tokens, cost, seconds and turns, not 'eur'"):
        Limits.of({"eur": 1})


def test_cached_tokens_have_their_own_price() -> None:
    assert priced(Usage(1_000_000, 0, cache_read=1_000_000), PRICE) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", 0, 0),
        ("The quick brown fox jumps over the lazy dog.", 9, 13),
        ("敏捷的棕色狐狸跳过了懒狗", 6, 12),
        ("Быстрая коричневая лиса", 7, 13),
        ("🙂🙂🙂", 3, 9),
    ],
)
def test_scripts_are_counted_by_what_they_are(text: str, low: int, high: int) -> None:
    assert low <= estimate(text) <= high


def test_a_counter_learns_and_walks_only_what_is_new() -> None:
    looked: list[str] = []

    class Watched(Grown[Any]):
        def __getitem__(self, index: Any) -> Any:
            looked.append(index)
            return super().__getitem__(index)

    messages = [user("hello " * 50), assistant("", ToolCall("1", "look", {"path": "x"}))] * 50
    system, tools = (Part("be brief"),), (ToolSpec("look", "looks", {"type": "object"}),)
    counter = Counter()
    first = counter.count(Prompt(system, Watched(messages), tools))
    looked.clear()
    longer = Prompt(system, Watched([*messages, user("more")]), tools)
    added = counter.count(longer) - first
    assert len(looked) <= 3
    assert added == pytest.approx(of_message(user("more")) * 1.1, abs=2)
    counter.learn(longer, 2 * (first + added))
    assert counter.count(longer) == pytest.approx(1.5 * (first + added), rel=0.05)
    assert counter.count(Prompt(system, Grown([user("new window")]), tools)) < 100


def test_media_count_something() -> None:
    from mimocode.messages import Media, Message

    assert of_message(Message("user", (Text("see"), Media("image/png", "AAAA")))) > 1000
