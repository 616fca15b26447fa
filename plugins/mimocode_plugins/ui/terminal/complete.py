"""What is completed: `/` commands at the beginning; `@` files and resources, `$` agents, `/` skills anywhere."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from ..streams import one_line
from .dropped import quoted
from .files import Files
from .fuzzy import best

_MENTION = re.compile(r'(?:^|(?<=\s))@("[^"\n]*|\S*)$')
_AGENT = re.compile(r"(?:^|(?<=\s))\$(\w[\w-]*|)$")
_COMMAND = re.compile(r"/(\S*)$")
_SKILL = re.compile(r"(?<=\s)/([\w:.-]*)$")
MOST, FIRST = 30, 5
"""Files and resources that are offered, and resources before a letter is typed."""
FRESH = 5.0
"""Seconds for which what plugins offer stays good."""


def _nothing() -> Mapping[str, str]:
    return {}


async def _nobody() -> Mapping[str, str]:
    return {}


@dataclass
class Sources:
    """Where completions come from. Each knows names, with a line about each; `mentions` with their signs."""

    commands: Callable[[], Mapping[str, str]] = _nothing
    agents: Callable[[], Mapping[str, str]] = _nothing
    mentions: Callable[[], Awaitable[Mapping[str, str]]] = _nobody
    _known: Mapping[str, str] = field(default_factory=dict)
    _asked: float = 0.0

    async def mentioned(self, sign: str) -> dict[str, str]:
        """What plugins offer behind this sign."""
        if not self._asked or time.monotonic() - self._asked > FRESH:
            self._known, self._asked = await self.mentions(), time.monotonic()
        return {text: about for text, about in self._known.items() if text.startswith(sign) and one_line(text) == text}


class PromptCompleter(Completer):
    """Completes commands with their summaries and files by some of their letters."""

    def __init__(self, files: Files, sources: Sources | None = None) -> None:
        self._files, self._sources = files, sources or Sources()

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """What is at hand: commands and agents. The rest may take time, see `get_completions_async`."""
        before = document.text_before_cursor
        if agent := _AGENT.search(before):
            agents = self._sources.agents()
            for name in best(agent[1], agents, lambda name: name):
                yield Completion(f"${name}", -len(agent[0]), f"${name}", one_line(agents[name]))
        typed = _COMMAND.fullmatch(before)
        if typed is None:
            return
        commands = self._sources.commands()
        names = best(typed[1], commands, lambda name: name) or _about(typed[1], commands)
        for name in names:
            yield Completion(f"/{name}", -len(typed[0]), f"/{name}", one_line(commands[name]))

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """Everything."""
        for completion in self.get_completions(document, complete_event):
            yield completion
        before = document.text_before_cursor
        if skill := _SKILL.search(before):
            skills = await self._sources.mentioned("/")
            for name in best(skill[1], [one for one in skills if skill[1].lower() in one.lower()], lambda one: one[1:]):
                yield Completion(name, -len(skill[0]), name, one_line(skills[name]))
        if mention := _MENTION.search(before):
            async for completion in self._mentions(mention):
                yield completion

    async def _mentions(self, mention: re.Match[str]) -> AsyncGenerator[Completion, None]:
        typed = mention[1].removeprefix('"')
        resources = await self._sources.mentioned("@")
        names = await asyncio.to_thread(self._files.names)
        offered = [text[1:] for text in resources]
        everything = [*(offered if typed else offered[:FIRST]), *names]
        for name in await asyncio.to_thread(best, typed, everything, lambda name: name, MOST):
            shown = one_line(name)
            if shown != name:
                continue  # a name with control characters in it is not put into anybody's prompt
            about = resources.get(f"@{name}")
            written = quoted(name) if about is None else name
            yield Completion(f"@{written}", -len(mention[0]), shown, one_line(about or ""))


def _about(typed: str, commands: Mapping[str, str]) -> list[str]:
    """Commands whose summary holds these very letters: in prose nearly anything can be found one letter at a time."""
    return [name for name, summary in commands.items() if typed.lower() in summary.lower()]


def wants_completion(text: str) -> bool:
    """Whether the text before the cursor asks for completion while typing."""
    return any(sign.search(text) for sign in (_MENTION, _AGENT, _SKILL)) or bool(_COMMAND.fullmatch(text))
