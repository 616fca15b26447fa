"""Questions at a terminal. Escape and Ctrl-C leave; nothing that is typed as a secret is shown."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from mimocode.errors import MimoError

LONG = 12
"""Options from which on typing narrows them down."""


class Left(MimoError):
    """The user would rather not."""

    exit_code = 130


class Asking:
    """Asks with questionary; what is said goes to stderr."""

    async def choose(self, question: str, options: Sequence[tuple[str, str]]) -> str:
        """One of (value, text).

        Raises:
            Left: the user left.
        """
        import questionary

        choices = [questionary.Choice(visible(text), value=value) for value, text in options]
        narrow = len(choices) >= LONG
        return str(
            await _answer(
                questionary.select(visible(question), choices, use_search_filter=narrow, use_jk_keys=not narrow)
            )
        )

    async def text(self, question: str, default: str = "") -> str:
        """A line.

        Raises:
            Left: the user left.
        """
        import questionary

        return str(await _answer(questionary.text(visible(question), default=default)))

    async def secret(self, question: str) -> str:
        """A line that is not shown.

        Raises:
            Left: the user left.
        """
        import questionary

        return str(await _answer(questionary.password(visible(question))))

    async def agree(self, question: str, default: bool = False) -> bool:
        """Yes or no.

        Raises:
            Left: the user left.
        """
        import questionary

        return bool(await _answer(questionary.confirm(visible(question), default=default)))

    def say(self, line: str) -> None:
        """Show a line."""
        sys.stderr.write(f"{visible(line)}\n")
        sys.stderr.flush()

    def browse(self, url: str) -> bool:
        """Open a page; False when there is no browser."""
        import webbrowser

        try:
            return webbrowser.open(url)
        except webbrowser.Error:
            return False


async def _answer(question: Any) -> Any:
    try:
        return await question.unsafe_ask_async()
    except (KeyboardInterrupt, EOFError):
        raise Left("nothing more was changed") from None


def visible(text: str) -> str:
    """A text that cannot command the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
