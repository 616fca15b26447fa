"""One turn, top to bottom. If you read one file of the kernel, read this one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from . import hookspecs as on
from .errors import MimoError, ModelError, ModelFault, StoreError, ToolFailed
from .events import ApprovalAsked, CallFinished, CallStarted, MessageAdded, ToolProgress, WindowOpened
from .messages import Message, Text, ToolCall, user
from .ports import Answer, Prompt, Ruling, ToolResult, Verdict
from .switchboard import describe

if TYPE_CHECKING:
    from .session import Session

ROUNDS = 12  # how often in one turn plugins may send the agent back to work when it wants to stop
WARM_AFTER = 0.02  # seconds that a request gets to leave before heavy imports begin to compete with it


class Limited(MimoError):
    """The turn came to a limit that was set for it."""


async def run(session: Session) -> None:
    """Ask, act, repeat; stop when nobody has a reason to go on, or with `Limited` or `ModelError`."""
    steps = rounds = 0
    while True:
        if steps and steps == session.step_limit:
            raise Limited(f"stopped at the limit of steps for this turn: {steps}")
        steps += 1
        answer = await ask(session)
        if answer.message.calls:
            await act(session, answer.message.calls)
        elif not session.steering:
            if not (reason := await session.hooks.first(on.before_stop, session=session)):
                return
            if (rounds := rounds + 1) > ROUNDS:
                raise Limited(f"stopped though unfinished, after {ROUNDS} reminders in this turn; the last: {reason}")
            await session.emit(MessageAdded(user(reason, origin="before_stop")))
        await session.steer()


async def open_window(session: Session, reason: str = "", messages: Sequence[Message] = ()) -> None:
    """Gather what plugins contribute and which tools there are. It stays fixed until the next window opens."""
    offers = await session.hooks.collect(on.contribute, session=session)
    parts = sorted((part for offer in offers for part in offer), key=lambda part: part.rank)
    tools = session.toolbox.offered(session.agent)
    await session.emit(WindowOpened(tuple(parts), tools, tuple(messages), reason))


async def ask(session: Session) -> Answer:
    """Put the prompt to the model and pass on what it says."""
    model = await session.open_model()
    window = session.state.window
    assert window is not None, "a turn begins by opening a window"
    prompt = Prompt(window.system, session.state.messages, window.tools, session.id, session.agent.options)
    prompt = await session.hooks.fold(on.shape_prompt, prompt=prompt, session=session)
    asyncio.get_running_loop().call_later(WARM_AFTER, session.toolbox.warm)
    async with aclosing(model.stream(prompt)) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            if isinstance(piece, Answer):
                await session.emit(MessageAdded(piece.message, piece.usage, piece.finish, model.ref))
                return piece
            await session.emit(piece)
    raise ModelError(ModelFault.NONSENSE, f"{model.ref} ended its stream without an answer")


async def act(session: Session, calls: Sequence[ToolCall]) -> None:
    """Run the calls of one answer: neighbours that only read overlap, the others wait for each other."""
    first: dict[str, asyncio.Future[ToolResult]] = {}
    group: list[ToolCall] = []
    for call in calls:
        if not (_only_reads(session, call) and all(_only_reads(session, other) for other in group)):
            await _together(session, group, first)
            group = []
        group.append(call)
    await _together(session, group, first)


async def _together(session: Session, calls: Sequence[ToolCall], first: dict[str, asyncio.Future[ToolResult]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for call in calls:
            key = json.dumps([call.name, call.arguments, call.malformed], sort_keys=True, default=str)
            if (same := first.get(key)) is None:
                if not _only_reads(session, call):
                    first.clear()  # what was seen before may not be so afterwards
                first[key] = tasks.create_task(answer(session, call))
            else:
                tasks.create_task(_repeat(session, call, same))


async def _repeat(session: Session, call: ToolCall, same: asyncio.Future[ToolResult]) -> None:
    """The model asked for the very same thing twice in one answer: run it once, answer both."""
    result = await same
    await session.emit(CallFinished(call.id, result.content, result.error, result.display))


async def answer(session: Session, call: ToolCall) -> ToolResult:
    """Run one tool call, if it may run. Whatever breaks, the call gets an answer; a broken guard allows nothing."""
    try:
        ruling = await rule(session, call)
        if ruling.verdict is Verdict.DENY:
            result = ToolResult.of(f"Denied: {ruling.reason}", error=True)
        else:
            await session.emit(CallStarted(call.id))
            result = await session.toolbox.call(call, _progress(session, call), session.meta(call))
        result = await session.hooks.fold(on.shape_result, result=result, call=call, session=session)
    except StoreError:
        raise  # what cannot be written did not happen
    except MimoError as error:
        result = ToolResult.of(f"Error: {error}" if isinstance(error, ToolFailed) else f"Denied: {error}", error=True)
    except Exception as error:
        session.host.report(session.toolbox.provider(call.name) or "kernel", error)
        result = ToolResult.of(f"Error: {call.name} broke: {describe(error)}", error=True)
    if not result.content:
        result = ToolResult((Text("(no output)"),), result.error, result.display)
    await session.emit(CallFinished(call.id, result.content, result.error, result.display))
    return result


async def rule(session: Session, call: ToolCall) -> Ruling:
    """The strictest ruling wins; silence means ask, and asking means waiting for an approval."""
    if call.name not in session.toolbox.specs or call.malformed:
        return Ruling(Verdict.ALLOW)  # it cannot run; the toolbox says why
    rulings = await session.hooks.collect(on.rule_on_call, call=call, session=session)
    ruling = max(rulings, key=lambda r: r.verdict, default=Ruling(Verdict.ASK, "no guard vouched for this tool"))
    if ruling.verdict is not Verdict.ASK:
        return ruling
    offer = tuple(dict.fromkeys(rule for r in rulings if r.verdict is Verdict.ASK for rule in r.offer))
    reasons = "; ".join(dict.fromkeys(r.reason for r in rulings if r.verdict is Verdict.ASK and r.reason))
    given = session.expect_approval(call.id)
    forced = any(r.forced for r in rulings)
    await session.emit(ApprovalAsked(call, reasons or ruling.reason, offer, forced))
    approval = await given
    refusal = Ruling(Verdict.DENY, approval.message or "the user said no")
    return Ruling(Verdict.ALLOW) if approval.allow else refusal


def _only_reads(session: Session, call: ToolCall) -> bool:
    return (spec := session.toolbox.specs.get(call.name)) is not None and spec.read_only


def _progress(session: Session, call: ToolCall) -> Callable[[str], Awaitable[None]]:
    async def show(text: str) -> None:
        await session.emit(ToolProgress(call.id, text))

    return show
