"""The retry coordinator: what is tried again, how often, and what the user sees."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mimocode.errors import ModelError, ModelFault, SettingsError
from mimocode.events import Pulse, Retrying, Say, TextDelta
from mimocode.hookspecs import wrap_model
from mimocode.messages import assistant, user
from mimocode.ports import Answer, Prompt
from mimocode_plugins.providers.retry.coordinator import LATER, Limits, Policy, Retry
from support.model_server import ModelServer
from support.providers import Keeper, host, prompt, provider, tell

QUICK = Policy({fault: Limits(4, 0.001, 0.002, 5.0) for fault in Policy().limits}, asked=1.0)
DONE = Answer(assistant("done"))


class Failing:
    """A model that says a word and fails, as often as it is told to."""

    ref, window = "acme/big", 1000

    def __init__(self, *errors: ModelError) -> None:
        self.errors, self.calls, self.closed = list(errors), 0, 0

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """One attempt."""
        self.calls += 1
        try:
            yield TextDelta("word")
            if self.errors:
                raise self.errors.pop(0)
            yield DONE
        finally:
            self.closed += 1


def error(fault: ModelFault, retry_after: float | None = None) -> ModelError:
    return ModelError(fault, f"it failed ({fault})", retry_after=retry_after)


async def run(model: Failing, policy: Policy = QUICK) -> list:
    return [piece async for piece in Retry(model, policy).stream(prompt(user("go")))]


async def test_a_failure_that_passes_is_shown_and_survived():
    model = Failing(error(ModelFault.SERVER), error(ModelFault.NETWORK))
    pieces = await run(model)
    assert [type(piece) for piece in pieces] == [TextDelta, Retrying, TextDelta, Retrying, TextDelta, Answer]
    shown = [piece for piece in pieces if isinstance(piece, Retrying)]
    assert [(piece.attempt, piece.reason) for piece in shown] == [
        (1, "it failed (server)"),
        (2, "it failed (network)"),
    ]
    assert model.closed == 3


@pytest.mark.parametrize(
    "fault",
    [
        ModelFault.CREDENTIAL,
        ModelFault.NOT_FOUND,
        ModelFault.REQUEST,
        ModelFault.OVERFLOW,
        ModelFault.QUOTA,
        ModelFault.FILTERED,
        ModelFault.BUDGET,
    ],
)
async def test_what_waiting_does_not_cure_is_tried_once(fault):
    model = Failing(error(fault))
    with pytest.raises(ModelError, match=r"it failed \(\w+\)$"):
        await run(model)
    assert model.calls == 1


async def test_it_gives_up_and_says_how_often_it_tried():
    model = Failing(*[error(ModelFault.SERVER)] * 9)
    with pytest.raises(ModelError) as caught:
        await run(model)
    assert (str(caught.value), model.calls) == ("it failed (server) (tried 4 times)" + LATER, 4)


def test_nonsense_is_tried_twice_whatever_the_user_sets():
    for policy in (Policy(), Policy.of(7, None)):
        assert policy.wait(error(ModelFault.NONSENSE), 1, 0.0) is not None
        assert policy.wait(error(ModelFault.NONSENSE), 2, 0.0) is None
    assert Policy.of(7, None).wait(error(ModelFault.SERVER), 6, 0.0) is not None
    assert Policy.of(1, None).wait(error(ModelFault.SERVER), 1, 0.0) is None


async def test_the_provider_is_obeyed():
    pieces = await run(Failing(error(ModelFault.RATE, retry_after=0.05)))
    (shown,) = [piece for piece in pieces if isinstance(piece, Retrying)]
    assert 0.05 <= shown.wait <= 0.06


async def test_a_provider_that_asks_too_much_ends_it_at_once():
    model = Failing(error(ModelFault.RATE, retry_after=3600))
    with pytest.raises(ModelError) as caught:
        await run(model)
    assert (str(caught.value), model.calls) == ("it failed (rate) (longer than the 1 s of retry.maxWait)" + LATER, 1)


async def test_cancelling_while_it_waits_is_immediate():
    patient = Policy({ModelFault.SERVER: Limits(9, 60.0, 60.0, 900.0)})
    model, waiting = Failing(error(ModelFault.SERVER)), asyncio.Event()

    async def work() -> None:
        async for piece in Retry(model, patient).stream(prompt(user("go"))):
            if isinstance(piece, Retrying):
                waiting.set()

    task = asyncio.create_task(work())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 60)


def test_the_shipped_waits_grow_are_capped_and_end():
    policy = Policy(jitter=0.0)
    waits = [policy.wait(error(ModelFault.SERVER), n, 0.0) for n in range(1, 9)]
    assert waits == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, None]
    assert [policy.wait(error(ModelFault.RATE), n, 0.0) for n in (4, 5)] == [32.0, None]
    assert [policy.wait(error(ModelFault.NETWORK), n, 0.0) for n in (5, 6)] == [16.0, None]
    assert policy.wait(error(ModelFault.SERVER), 5, 880.0) is None
    assert policy.wait(error(ModelFault.SERVER, 9.0), 1, 0.0) == 9.0
    assert policy.wait(error(ModelFault.RATE, 3600.0), 1, 0.0) is None
    assert Policy(asked=7200.0, jitter=0.0).wait(error(ModelFault.RATE, 3600.0), 1, 0.0) == 3600.0


def test_the_waits_of_many_clients_differ():
    waits = {Policy().wait(error(ModelFault.SERVER), 1, 0.0) for _ in range(20)}
    assert len(waits) > 1
    assert all(1.8 <= wait <= 2.2 for wait in waits if wait)


async def test_a_session_survives_a_provider_that_stumbles(tmp_path):
    script = [{"text": "fine", "fault": {"status": 503, "headers": {"retry-after-ms": "1"}, "times": 1}}]
    with ModelServer(script) as server:
        config = provider(f"{server.url}/v1") | {"model": "acme/test-model", "retry": {"maxAttempts": 2}}
        workspace = host(tmp_path, config, ("configured", "openai", "retry", Keeper()))
        async with workspace.open() as session:
            await session.submit(Say("go"))
            await session.settled()
            assert session.last_words() == "fine"
    assert len(server.requests) == 2


async def test_the_coordinator_is_the_innermost_wrapper(tmp_path):
    names = [impl.plugin_name for impl in host(tmp_path, plugins=("retry", "configured", "openai")).hooks
             .implementations(wrap_model)]  # fmt: skip
    assert names[0] == "mimocode_plugins.providers.retry"


async def test_a_wrong_setting_is_named(tmp_path):
    with pytest.raises(SettingsError, match="maxAttempts"):
        host(tmp_path, {"retry": {"maxAttempts": 0}}).settings["retry"]


async def test_the_wrapper_answers_for_the_model(tmp_path):
    with ModelServer([{"text": "hi"}]) as server:
        inner = await host(tmp_path, provider(f"{server.url}/v1")).model("acme/test-model")
        model = Retry(inner)
        assert (model.ref, model.window) == ("acme/test-model", 1_000_000)
        assert (await tell(model, prompt(user("go"))))[1].message == assistant("hi")
        await model.close()
