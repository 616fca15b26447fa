"""Someone who answers the questions of a way from a list, and remembers what was said."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class Answers:
    """Answers in order; an answer of `choose` is a value or part of a text."""

    def __init__(self, *answers: object, browser: Callable[[str], bool] | None = None) -> None:
        self.left, self.said, self.questions = list(answers), [], []
        self.pages: list[str] = []
        self._browser = browser

    async def choose(self, question: str, options: Sequence[tuple[str, str]]) -> str:
        wanted = self._next(question)
        return next(value for value, text in options if value == wanted or str(wanted) in text)

    async def text(self, question: str, default: str = "") -> str:
        return str(self._next(question) or default)

    async def secret(self, question: str) -> str:
        return str(self._next(question))

    async def agree(self, question: str, default: bool = False) -> bool:
        return bool(self._next(question))

    def say(self, line: str) -> None:
        self.said.append(line)

    def browse(self, url: str) -> bool:
        self.pages.append(url)
        return self._browser(url) if self._browser else False

    def _next(self, question: str) -> object:
        self.questions.append(question)
        return self.left.pop(0)
