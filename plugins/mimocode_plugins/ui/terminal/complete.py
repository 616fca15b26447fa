"""What is completed: `/` commands at the beginning, `@` files and `$` agents anywhere."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from ..streams import one_line
from .files import Files
from .fuzzy import best

_MENTION = re.compile(r"(?:^|(?<=\s))@(\S*)$")
_AGENT = re.compile(r"(?:^|(?<=\s))\$(\w[\w-]*|)$")
_COMMAND = re.compile(r"/(\S*)$")


class PromptCompleter(Completer):
    """Completes commands with their summaries and files by some of their letters."""

    def __init__(
        self,
        commands: Callable[[], Mapping[str, str]],
        files: Files,
        agents: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._commands, self._files, self._agents = commands, files, agents

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Commands only; files are looked for in a thread, see `get_completions_async`."""
        if agent := _AGENT.search(document.text_before_cursor):
            agents = self._agents()
            for name in best(agent[1], agents, lambda name: name):
                yield Completion(f"${name}", -len(agent[0]), f"${name}", one_line(agents[name]))
        typed = _COMMAND.fullmatch(document.text_before_cursor)
        if typed is None:
            return
        commands = self._commands()
        names = best(typed[1], commands, lambda name: name) or _about(typed[1], commands)
        for name in names:
            yield Completion(f"/{name}", -len(typed[0]), f"/{name}", one_line(commands[name]))

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """Commands, or files."""
        for completion in self.get_completions(document, complete_event):
            yield completion
        if not (mention := _MENTION.search(document.text_before_cursor)):
            return
        names = await asyncio.to_thread(self._files.names)
        for name in best(mention[1], names, lambda name: name, 30):
            shown = one_line(name)
            if shown == name:  # a name with control characters in it is not put into anybody's prompt
                yield Completion(f"@{name}", -len(mention[0]), shown)


def _about(typed: str, commands: Mapping[str, str]) -> list[str]:
    """Commands whose summary holds these very letters: in prose nearly anything can be found one letter at a time."""
    return [name for name, summary in commands.items() if typed.lower() in summary.lower()]


def wants_completion(text: str) -> bool:
    """Whether the text before the cursor asks for completion while typing."""
    return bool(_COMMAND.fullmatch(text) or _MENTION.search(text) or _AGENT.search(text))
