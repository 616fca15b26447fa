"""Operations in, events out, one writer: what happens when the log, the model or the user does not cooperate."""

import asyncio
from typing import Any

import pytest

from mimocode import Agent, ModelError, ModelFault, Say, StoreError, ToolCall, TurnEnded, UsageError, hookimpl
from mimocode.errors import SessionBusy
from mimocode.events import AnyFact, ApprovalAsked, Approve, ChooseAgent, ChooseModel, Entry, Interrupt, Retitle
from mimocode.testing import MemoryStore, play, talk


class FullStore(MemoryStore):
    """A disk with room for so many facts."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def append(self, session: str, fact: AnyFact) -> Entry:
        if not self.room:
            raise StoreError("the disk is full: free some space in /data and start again")
        self.room -= 1
        return super().append(session, fact)


@pytest.mark.parametrize("room", range(1, 6))
async def test_a_full_disk_is_one_sentence_and_what_was_shown_is_in_the_log(room: int) -> None:
    store, shown = FullStore(room), list[Any]()

    class Watch:
        @hookimpl
        async def on_event(self, event: Any) -> None:
            shown.append(event)

    with pytest.raises(StoreError, match=r"^the disk is full: free some space in /data and start again$"):
        async with play("hello", plugins=[Watch()], store=store) as session:
            await session.submit(Say("hi"))
            async with asyncio.timeout(60):
                await session.settled()
    assert [e for e in shown if isinstance(e, AnyFact)] == [entry.event for entry in next(iter(store.facts.values()))]


async def test_who_watches_facts_hears_no_streamed_piece() -> None:
    heard: list[tuple[str, str]] = []

    class Facts:
        @hookimpl
        async def on_event(self, fact: Any) -> None:
            heard.append(("fact", type(fact).__name__))

    class Everything:
        @hookimpl
        async def on_event(self, event: Any) -> None:
            heard.append(("event", type(event).__name__))

    async with play("well then", plugins=[Facts(), Everything()]) as session:
        await session.submit(Say("hi"))
        await session.settled()
    facts = ["SessionStarted", "TurnStarted", "WindowOpened", "MessageAdded", "MessageAdded", "TurnEnded"]
    assert [name for kind, name in heard if kind == "fact"] == facts
    assert [name for kind, name in heard if kind == "event"] == [*facts[:4], "TextDelta", "TextDelta", *facts[4:]]


async def test_a_model_that_fails_ends_the_turn_with_its_sentence_and_the_session_goes_on() -> None:
    store = MemoryStore()
    async with play(
        ModelError(ModelFault.CREDENTIAL, "no key for acme: set ACME_API_KEY"), "fine", store=store
    ) as session:
        await session.submit(Say("one"))
        await session.settled()
        assert list(store.read(session.id))[-1].event == TurnEnded("failed", "no key for acme: set ACME_API_KEY")
        await session.submit(Say("two"))
        await session.settled()
        assert talk(session) == ["user: one", "user: two", "assistant: fine"]


async def test_a_budget_that_is_used_up_is_a_limit_not_a_failure() -> None:
    store = MemoryStore()
    async with play(ModelError(ModelFault.BUDGET, "the budget of 10 tokens is used up"), store=store) as session:
        await session.submit(Say("one"))
        await session.settled()
        assert list(store.read(session.id))[-1].event == TurnEnded("limited", "the budget of 10 tokens is used up")


async def test_a_bug_in_a_model_is_reported_and_ends_the_turn() -> None:
    store = MemoryStore()
    async with play(KeyError("oops"), store=store) as session:
        await session.submit(Say("one"))
        await session.settled()
        assert list(store.read(session.id))[-1].event == TurnEnded("failed", "KeyError: 'oops'")
        assert session.host.options["complaints"] == ["KeyError: 'oops'"]


async def test_an_interruption_while_an_approval_is_pending_answers_the_call() -> None:
    class Asker:
        @hookimpl
        async def tool_servers(self) -> list[Any]:
            from mcp.server.mcpserver import MCPServer

            server = MCPServer("one")
            server.tool(structured_output=False)(act)
            return [server]

    async with play([ToolCall("1", "act")], "ok", plugins=[Asker()], allow=None) as session:
        await session.submit(Say("go"))
        async for entry in session.follow():
            if isinstance(entry.event, ApprovalAsked):
                break
        await session.submit(Interrupt())
        await session.settled()
        assert talk(session)[-1].startswith("tool: Interrupted")
        assert session.state.waiting == {}
        await session.submit(Approve("1", True))  # too late: nothing happens
        await session.settled()


def act() -> str:
    """Act."""
    return "acted"


async def test_title_agent_and_model_can_be_chosen() -> None:
    async with play("one", agent=Agent("first")) as session:
        for operation in (Retitle("A title"), ChooseModel("x/y")):
            await session.submit(operation)
        await session.submit(ChooseAgent("nobody"))
        await session.settled()
        assert (session.state.title, session.state.model, session.state.agent) == ("A title", "x/y", "first")
        assert session.host.options["complaints"] == ["there is no agent 'nobody'; there is first"]


async def test_one_writer_at_a_time_and_no_session_out_of_nothing() -> None:
    async with play("one") as session:
        with pytest.raises(SessionBusy):
            async with session.host.open(session.id):
                pass
        with pytest.raises(UsageError, match=r"^there is no session 'ses_x'; `mimo session list` shows"):
            async with session.host.open("ses_x"):
                pass


async def test_a_session_whose_agent_is_gone_opens_with_the_default_one() -> None:
    store = MemoryStore()
    async with play("one", store=store, agent=Agent("old")) as session:
        await session.submit(Say("hi"))
        await session.settled()

    class Cast:
        @hookimpl
        def register_agents(self) -> list[Agent]:
            return [Agent("new")]

    async with play("two", store=store, plugins=[Cast()], session_id=session.id) as again:
        assert again.agent.name == "new"
        assert again.host.options["complaints"] == ["the agent 'old' of this session is gone, 'new' takes over"]


async def test_two_sessions_of_one_host_work_at_the_same_time() -> None:
    async with play("one", "two") as first, first.host.open(model=first.model_ref) as second:
        await first.submit(Say("a"))
        await second.submit(Say("b"))
        await first.settled()
        await second.settled()
        assert sorted(talk(first)[1:] + talk(second)[1:]) == ["assistant: one", "assistant: two"]


async def test_input_that_cannot_be_taken_is_a_turn_that_failed() -> None:
    class Picky:
        @hookimpl
        async def take_input(self, text: str) -> str | None:
            raise UsageError("there is no command /nope")

    store = MemoryStore()
    async with play("never", plugins=[Picky()], store=store) as session:
        await session.submit(Say("/nope"))
        await session.settled()
        assert list(store.read(session.id))[-1].event == TurnEnded("failed", "there is no command /nope")
        assert talk(session) == []
