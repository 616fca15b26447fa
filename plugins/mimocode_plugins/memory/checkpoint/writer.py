"""Writes a checkpoint with a model, in a session of its own, while the conversation goes on.

The writer gets the last checkpoint and only what happened since. It has no tools, three calls, and a limit in time;
if it brings nothing, the checkpoint made from the log alone takes its place.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING

from mimocode.errors import MimoError, ModelError, ModelFault
from mimocode.events import Noted, Say
from mimocode.messages import Message, Part, ToolSpec
from mimocode.ports import StashKey

from ..layout import tokens
from ..redact import redact
from .document import SECTIONS, Body, added, parse, problems, render
from .merge import merged
from .opening import since
from .record import NAME, Good, keep, newest
from .settings import Checkpoint, checkpoint
from .state import progress, windows

if TYPE_CHECKING:
    from mimocode.ports import Prompt
    from mimocode.session import Session

    from .facts import Facts

WRITER = "checkpoint-writer"
ANSWER = 12_000
"""Tokens that an answer may have."""
CALLS = 3
"""Calls to the model for one checkpoint, corrections included."""
STORY = (3_000, 24_000)
"""Tokens of what happened since: at least and at most, a tenth of the window between."""


@dataclass(frozen=True)
class Prefix:
    """The conversation's own request, when the writer begins with it."""

    system: tuple[Part, ...]
    tools: tuple[ToolSpec, ...]
    messages: tuple[Message, ...]


shared: StashKey[Prefix] = StashKey("memory.checkpoint.prefix")
_told: StashKey[tuple[Part, ...]] = StashKey("memory.checkpoint.told")


async def start(session: Session, used: int, usable: int) -> None:
    """Begin to write, up to the last fact there is now. Returns at once."""
    kept = progress(session)
    kept.last_try = used
    upto = session.state.seq
    window = session.state.window
    prefix = None
    if checkpoint(session).fork and window is not None:
        prefix = Prefix(window.system, window.tools, tuple(session.state.messages))
    await session.emit(Noted(NAME, {"started": upto, "context": used}))
    good = Good("", upto, used, windows(session), "writer")
    kept.writer = asyncio.create_task(_work(session, good, usable, prefix), name=f"checkpoint writer {session.id}")


async def _work(session: Session, good: Good, usable: int, prefix: Prefix | None) -> None:
    kept, wanted = progress(session), checkpoint(session)
    try:
        facts = await since(session, good.covers)
        before = parse(newest(session).text)
        try:
            if kept.failures >= wanted.max_writer_failures:
                body, by, calls = merged(before, facts, session.state), "log", 0
            else:
                async with asyncio.timeout(wanted.timeout):
                    written, calls = await _ask(session, before, facts, usable, prefix, wanted)
                body, by, kept.failures = combined(before, written, facts, session), "writer", 0
        except (MimoError, TimeoutError, OSError) as error:
            kept.failures += 1
            why = str(error) or f"it took longer than {wanted.timeout:g} s"
            if kept.failures == wanted.max_writer_failures:
                why += "; no model is asked for one any more until the session is opened again"
            await session.notice(NAME, f"the checkpoint was made from the log alone: {why}", "warning")
            body, by, calls = merged(before, facts, session.state), "log", 0
        text = render(body, session.state.title)
        await keep(session, Good(text, good.covers, good.context, good.window, by), calls=calls)
    except Exception as error:
        session.host.report("mimocode_plugins.memory.checkpoint", error)
    finally:
        kept.writer = None


async def _ask(
    session: Session, before: Body, facts: Facts, usable: int, prefix: Prefix | None, wanted: Checkpoint
) -> tuple[Body, int]:
    """What the writer says, checked, and after how many calls.

    Raises:
        ModelError: it failed, or what it wrote is no checkpoint after all calls.
    """
    story = shortened(facts.story, min(max(STORY[0], usable // 10), STORY[1]))
    said = _brief(before, story, shared=prefix is not None)
    model = wanted.model or (session.model.ref if session.model else session.model_ref)
    async with session.host.open(agent=WRITER, model=model, parent=session, title="checkpoint") as child:
        if prefix is not None:
            child.stash[shared] = prefix
        for call in range(1, CALLS + 1):
            await child.submit(Say(said))
            await child.settled()
            last = child.state.messages[-1]
            if last.role != "assistant" or child.state.finish != "stop":
                raise ModelError(ModelFault.NONSENSE, "its writer was given no answer")
            if not (wrong := problems(last.text)):
                return parse(redact(last.text)[0]), call
            said = _prose("repair.md").format(problems="\n".join(f"- {line}" for line in wrong))
    raise ModelError(ModelFault.NONSENSE, f"what its writer wrote is none: {wrong[0]}")


def _brief(before: Body, story: str, *, shared: bool) -> str:
    theirs = [section for section in SECTIONS if not section.ours]
    heads = "\n".join(f"{section.head}   ({section.budget} tokens: {section.rule})" for section in theirs)
    known = "\n\n".join(f"{s.head}\n{before[s.number]}" for s in SECTIONS if before.get(s.number)) or "(none yet)"
    name = "brief_shared.md" if shared else "brief.md"
    return _prose(name).format(before=known, story=story, sections=heads)


def combined(before: Body, written: Body, facts: Facts, session: Session) -> Body:
    """The writer's sections, and from the log what must not depend on a writer.

    What the user said is taken from the user: a line of the writer's counts as a directive only if the user said it.
    """
    made = merged(before, facts, session.state)
    body = {number: text for number, text in written.items() if not _ours(number)}
    body |= {section.number: made.get(section.number, "") for section in SECTIONS if section.ours}
    for number, lines in ((12, facts.failed), (13, [f"- {name}" for name in facts.identifiers])):
        body[number] = added("\n".join(lines), body.get(number, "").splitlines())
    return body


def _ours(number: int) -> bool:
    return any(section.ours for section in SECTIONS if section.number == number)


def narrowed(prompt: Prompt, session: Session) -> Prompt:
    """The writer's request: its own prompt and its task, or the shared prefix and its task."""
    own = [message for message in prompt.messages if not message.origin]
    options = {**prompt.options, "max_output": ANSWER}
    if (prefix := session.stash.get(shared)) is not None:
        return replace(
            prompt, system=prefix.system, tools=prefix.tools, messages=[*prefix.messages, *own], options=options
        )
    told = session.stash.setdefault(_told, (Part(session.agent.prompt, 0, WRITER),))
    return replace(prompt, system=told, tools=(), messages=own, options=options)


def shortened(story: list[str], room: int) -> str:
    """What happened within `room` tokens: the oldest results go first, then calls, then words, the user's last."""
    lines = list(story)
    size = sum(tokens(line) + 1 for line in lines)
    for at, line in enumerate(lines):
        if size <= room:
            break
        if line.startswith("CALL ") and "\nRESULT: " in line:
            lines[at] = line.partition("\n")[0]
            size -= tokens(line) - tokens(lines[at])
    for kind in ("CALL ", "AGENT: ", "USER: "):
        for at, line in enumerate(lines):
            if size <= room:
                break
            if line.startswith(kind):
                lines[at] = ""
                size -= tokens(line) + 1
    return "\n".join(line for line in lines if line)


def _prose(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8").strip()
