"""A conversation: operations in, events out, one writer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

from . import events as ev
from . import hookspecs as on
from . import turn
from .errors import MimoError, ModelError, ModelFault, StoreError
from .events import Approve, Entry, Event, Fact, Operation, Say
from .messages import Text, ToolCall, user
from .ports import Agent, Model, StashKey, Store
from .state import State, step
from .switchboard import describe
from .toolbox import Toolbox

if TYPE_CHECKING:
    from .host import Host

Cut = Literal["interrupted", "failed", "limited"]
INTERRUPTED = "Interrupted: this call was cut short and may have done part of its work."


class Session:
    """One conversation of one host. Made by `Host.open`, which also closes it."""

    def __init__(self, host: Host, id: str, store: Store, agent: Agent, parent: Session | None = None) -> None:
        self.host, self.id, self.parent, self.agent = host, id, parent, agent
        self.hooks = host.hooks
        self.state = State()
        self.directory = host.directory  # where relative paths start
        self.stash: dict[StashKey[Any], Any] = {}
        """What plugins keep while the session is open."""
        self.steering: list[Say] = []
        """What the user said while the agent works; joins at the next step."""
        self.toolbox = Toolbox(host.report)
        self.model: Model | None = None
        self._opened = ""
        self._store = store
        self._operations: asyncio.Queue[Operation] = asyncio.Queue()
        self._approvals: dict[str, asyncio.Future[Approve]] = {}
        self._turn: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._broken: BaseException | None = None

    async def emit(self, event: Event) -> None:
        """The only way anything happens: write, fold, show, tell."""
        if isinstance(event, Fact):
            entry = self._store.append(self.id, event)  # type: ignore[arg-type]
            event = entry.event  # as it was written
            self.state = step(self.state, event, entry.seq)  # type: ignore[arg-type]  # no await since the write: that is the whole lock
        else:
            entry = Entry(self.id, 0, time.time(), event, self.parent.id if self.parent else "")
        self.host.show(entry)  # before plugins, who may emit: followers see causes before effects
        await self.hooks.tell(on.on_event, event=event, fact=event if entry.seq else None, session=self)  # type: ignore[arg-type]

    async def notice(self, source: str, text: str, level: Literal["info", "warning", "error"] = "info") -> None:
        """Tell the user something that is not part of the conversation."""
        await self.emit(ev.Notice(source, text, level))

    async def follow(self) -> AsyncIterator[Entry]:
        """This session's events from now on."""
        async for entry in self.host.follow():
            if entry.session == self.id:
                yield entry

    def last_words(self) -> str:
        """What the model said last."""
        return next((m.text for m in reversed(self.state.messages) if m.role == "assistant" and m.text), "")

    @property
    def model_ref(self) -> str:
        """Which model is asked: the session's own choice, else the agent's; "" leaves it to the host."""
        return self.state.model or self.agent.model

    @property
    def step_limit(self) -> int:
        """Model calls per turn; 0 is no limit."""
        limits = (self.agent.steps, int(self.host.options.get("max_steps") or 0))
        return min((limit for limit in limits if limit), default=0)

    def meta(self, call: ToolCall) -> dict[str, Any]:
        """What a tool is told beside its arguments."""
        told = {"session": self.id, "call": call.id, "directory": str(self.directory)}
        return {f"mimocode/{name}": value for name, value in told.items()}

    async def submit(self, operation: Operation) -> None:
        """Ask for something; returns at once."""
        self._idle.clear()
        self._operations.put_nowait(operation)

    async def settled(self) -> None:
        """Wait until there is nothing left to do; `StoreError` says that the log could not be written."""
        await self._idle.wait()
        if self._broken is not None:
            raise self._broken

    async def live(self) -> None:
        """Work through operations until cancelled."""
        while True:
            operation = await self._operations.get()
            try:
                await self._handle(operation)
            except Exception as error:
                self._fail(error)
            self._rest()

    async def _handle(self, operation: Operation) -> None:
        match operation:
            case Say():
                self.steering.append(operation)
                if self._turn is None:
                    self._turn = asyncio.create_task(self._work(), name=f"turn {self.id}")
            case Approve(call_id=call_id) if call_id in self._approvals:
                await self.emit(ev.ApprovalGiven(call_id, operation.allow, operation.message, operation.remember))
                self._approvals.pop(call_id).set_result(operation)
            case ev.Interrupt() if self._turn is not None:
                self._turn.cancel()
            case ev.ChooseAgent(agent=name):
                self.agent = await self.host.agent(name)
                await self.emit(ev.AgentChosen(self.agent.name))
            case ev.ChooseModel(model=ref):
                await self.emit(ev.ModelChosen(ref))
            case ev.Retitle(title=title):
                await self.emit(ev.Titled(title))
            case ev.Rewind(to=to) if self._turn is None:
                await self.emit(ev.Rewound(to))

    def _rest(self) -> None:
        if self._turn is None and self._operations.empty():
            self._idle.set()

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, StoreError):
            self._broken = error  # `settled` raises it
        else:
            self.host.report("kernel", error)

    async def _work(self) -> None:
        """Turns, as long as somebody said something."""
        try:
            while self.steering:
                await self._turn_through(self.steering.pop(0))
        except asyncio.CancelledError:
            self.steering.clear()
            await self.recover()
        except Exception as error:
            self._fail(error)
        finally:
            self._turn = None
            self._rest()

    async def _turn_through(self, say: Say) -> None:
        try:
            taken: str | bool | None = await self.hooks.first(on.take_input, text=say.text, session=self)
            if taken is True:
                return
            await self.emit(ev.TurnStarted())
            await self.toolbox.ready()
            if self.state.window is None:
                await turn.open_window(self, "session opened")
            await self._hear(say, taken)
            await turn.run(self)
            await self.emit(ev.TurnEnded("done"))
        except Exception as error:
            await self._give_up(error.exceptions[0] if isinstance(error, ExceptionGroup) else error)

    async def _give_up(self, error: Exception) -> None:
        """End the turn with a sentence; if the log cannot be written, nothing can be said there."""
        if isinstance(error, StoreError):
            raise error
        if not isinstance(error, MimoError):
            self.host.report("kernel", error)
        if not self.state.busy:
            await self.emit(ev.TurnStarted())
        out_of_budget = isinstance(error, ModelError) and error.fault is ModelFault.BUDGET
        reason: Cut = "limited" if out_of_budget or isinstance(error, turn.Limited) else "failed"
        await self.recover(reason, str(error) if isinstance(error, MimoError) else describe(error))

    async def steer(self) -> None:
        """Let what the user said meanwhile join the conversation."""
        while self.steering:
            say = self.steering.pop(0)
            taken: str | bool | None = await self.hooks.first(on.take_input, text=say.text, session=self)
            if taken is not True:
                await self._hear(say, taken)

    async def _hear(self, say: Say, taken: str | bool | None) -> None:
        text = taken if isinstance(taken, str) else say.text
        await self.emit(ev.MessageAdded(user(text, *say.media, origin=say.origin)))

    async def open_model(self) -> Model:
        """The model to ask, wrapped by everyone who wants to."""
        ref = self.model_ref or await self.host.default_model()
        if self.model is None or self._opened != ref:
            self.model = await self.hooks.fold(on.wrap_model, model=await self.host.model(ref), session=self)
            self._opened = ref
        return self.model

    def expect_approval(self, call_id: str) -> asyncio.Future[Approve]:
        """The answer that a front end will give about a call."""
        given = self._approvals[call_id] = asyncio.get_running_loop().create_future()
        return given

    async def recover(self, reason: Cut = "interrupted", detail: str = "") -> None:
        """Close a turn that was cut short. No call stays unanswered: providers refuse such a history."""
        self._approvals.clear()
        for call in self.state.unanswered:
            await self.emit(ev.CallFinished(call.id, (Text(INTERRUPTED),), error=True))
        if self.state.busy:
            await self.emit(ev.TurnEnded(reason, detail))


@asynccontextmanager
async def opened(session: Session) -> AsyncIterator[Session]:
    """Run a session whose log has been read: tools offered, scopes entered, an interrupted turn repaired."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(session.toolbox.close)
        for plugin, servers in await session.hooks.collect_named(on.tool_servers, session=session):
            session.toolbox.offer(plugin, servers)
        await session.hooks.enter(stack, on.session_scope, session=session)
        await session.recover()
        living = asyncio.create_task(session.live(), name=f"session {session.id}")
        try:
            yield session
        finally:
            living.cancel()
            if session._turn is not None:
                session._turn.cancel()
                await asyncio.wait([session._turn], timeout=3)
