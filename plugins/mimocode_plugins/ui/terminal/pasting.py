"""Large pastes: a marker in the prompt, the text itself on its way to the agent. And what `@file` stands for."""

from __future__ import annotations

import re
from pathlib import Path

from mimocode.errors import UsageError
from mimocode.messages import Media

from ..attach import attach

LINES, CHARACTERS = 3, 150
"""From so many lines, or beyond so many characters, a paste is shown as a marker (surface.md 2.4)."""
_MARKER = re.compile(r"\[Pasted #(\d+): [^\]]*\]")
_MENTION = re.compile(r"(?:^|(?<=\s))@(\S+)")
_RANGE = re.compile(r"#(\d+)(?:-(\d+))?$")


class Pastes:
    """The texts behind the markers of one terminal."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def take(self, text: str) -> str:
        """What a paste puts into the prompt: itself, or a marker when it is large."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        lines = text.count("\n") + 1
        if lines < LINES and len(text) <= CHARACTERS:
            return text
        self._texts.append(text)
        size = f"{lines} lines" if lines > 1 else f"{len(text)} characters"
        return f"[Pasted #{len(self._texts)}: {size}]"

    def expand(self, text: str) -> str:
        """The text with every marker replaced by what was pasted; markers that are none stay."""

        def pasted(match: re.Match[str]) -> str:
            number = int(match[1])
            return self._texts[number - 1] if 0 < number <= len(self._texts) else match[0]

        return _MARKER.sub(pasted, text)


def mentioned(text: str, directory: Path) -> tuple[str, tuple[Media, ...]]:
    """What the files that a text mentions with `@` add to it; names of nothing stay what they are, words.

    Raises:
        UsageError: a file that is mentioned cannot be read or sent.
    """
    texts, media = [], list[Media]()
    for name in dict.fromkeys(_MENTION.findall(text)):
        found = _found(name, directory)
        if found is None:
            continue
        path, begin, end = found
        if begin:
            texts.append(_part(directory / path, path, begin, end))
            continue
        words, parts = attach([path], directory, "@")
        texts += [words] if words else []
        media += parts
    return "\n\n".join(texts), tuple(media)


def _found(name: str, directory: Path) -> tuple[str, int, int] | None:
    for candidate in (name, name.rstrip(".,;:!?)]}'\"")):
        lines = _RANGE.search(candidate)
        for path, begin, end in [(candidate, 0, 0)] + (
            [(candidate[: lines.start()], int(lines[1]), int(lines[2] or lines[1]))] if lines else []
        ):
            try:
                if path and (directory / Path(path).expanduser()).exists():
                    return path, begin, end
            except (OSError, RuntimeError, ValueError):
                continue
    return None


def _part(path: Path, name: str, begin: int, end: int) -> str:
    try:
        rows = path.expanduser().read_text("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UsageError(f"@{name}: {error.strerror or error}.") from error
    body = "\n".join(rows[begin - 1 : end])
    return f'<file path="{path}" lines="{begin}-{end}">\n{body}\n</file>'
