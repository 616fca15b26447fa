"""A word for degenerate generation: notice within one answer that the same words come again and again.

Source: runtime.md 1.7, stream n-gram monitor. Costs the same for every word, however long the answer is.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Mapping

_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+|[^\w\s]")
DISTINCT = 3
"""A block of fewer different words is a ruler or a table line, and only counts when it fills the window."""


class Monitor:
    """Watches a stream of text. Blocks of up to `window // threshold` words are seen.

    Args:
        n: words of an n-gram.
        threshold: how often a block comes in a row before it is cut.
        window: words within which that must happen.
    """

    def __init__(self, n: int = 4, threshold: int = 20, window: int = 500) -> None:
        self._n, self._threshold, self._window = n, threshold, window
        self._rest = ""
        self._recent: deque[str] = deque(maxlen=n)
        self._last: dict[tuple[str, ...], int] = {}
        self._order: deque[tuple[str, ...]] = deque()
        self._count = self._period = self._streak = 0
        self._block: deque[str] = deque(maxlen=max(window // threshold, 1))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Monitor:
        """With the limits that the user set (surface.md 4.2)."""
        names = ("TEXT_NGRAM_N", "TEXT_REPEAT_THRESHOLD", "TEXT_WINDOW_TOKENS")
        return cls(*(number(environ, f"MIMOCODE_{name}", d, 2) for name, d in zip(names, (4, 20, 500), strict=True)))

    def feed(self, delta: str) -> bool:
        """Take more of the stream; True when it has come to repeat itself."""
        text = self._rest + delta
        words = list(_WORDS.finditer(text))
        # The last word may go on in the next delta, unless something stands behind it.
        done = len(words) if words and words[-1].end() < len(text) else len(words) - 1
        self._rest = text[words[done].start() :] if 0 <= done < len(words) else ""
        if len(self._rest) > 200:  # no word of a language: do not let it pile up
            self._rest = ""
        return any(self._word(word.group()) for word in words[: max(done, 0)])

    def _word(self, word: str) -> bool:
        self._count += 1
        self._recent.append(word)
        self._block.append(word)
        if len(self._recent) < self._n:
            return False
        gram = tuple(self._recent)
        period = self._count - self._last.get(gram, self._count)
        self._last[gram] = self._count
        self._order.append(gram)
        self._forget()
        if period == 0:
            self._period = self._streak = 0
        elif period == self._period:
            self._streak += 1
        else:
            self._period, self._streak = period, self._n
        return self._degenerate()

    def _forget(self) -> None:
        """Keep no n-gram that ended before the window."""
        if len(self._order) > self._window:
            old = self._order.popleft()
            if self._last.get(old, self._count) <= self._count - self._window:
                del self._last[old]

    def _degenerate(self) -> bool:
        period, streak = self._period, self._streak
        if not period or streak < period * (self._threshold - 1) or period * self._threshold > self._window:
            return False
        words = list(self._block)[-period:]
        return len(Counter(words)) >= DISTINCT or streak >= self._window


def number(environ: Mapping[str, str], name: str, default: int, least: int = 0) -> int:
    """A whole number from the environment; the default when it is not one."""
    text = environ.get(name, "")
    return max(int(text), least) if text.isdecimal() else default
