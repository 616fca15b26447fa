"""Large pastes: a marker in the prompt, the text itself on its way to the agent. And what `@file` stands for."""

from __future__ import annotations

import re
from pathlib import Path

from mimocode.errors import UsageError
from mimocode.messages import Media

from ..attach import attach
from ..streams import one_line
from .dropped import dropped, is_image, quoted

LINES, CHARACTERS = 3, 150
"""From so many lines, or beyond so many characters, a paste is shown as a marker (surface.md 2.4)."""
_MARKER = re.compile(r"\[Pasted #(\d+): [^\]]*\]")
_MENTION = re.compile(r"(?:^|(?<=\s))@(?:\"([^\"\n]+)\"|(\S+))")
_IMAGE = re.compile(r"\[image [^\]\n]+\]")
_END = re.compile(r"\[(?:Pasted #\d+: [^\]]*|image [^\]\n]+)\]$")
_RANGE = re.compile(r"#(\d+)(?:-(\d+))?$")


class Pastes:
    """The texts and images behind the markers of one terminal.

    Args:
        directory: where relative paths begin.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory or Path.cwd()
        self._texts: list[str] = []
        self._images: dict[str, Path] = {}
        self.whole = False
        """Large pastes are shown as they are (`experimental.disable_paste_summary`)."""

    def take(self, text: str, before: str = "") -> str:
        """What a paste puts into the prompt: itself, a marker when it is large or an image, or a path without the
        quotes of a shell.

        Args:
            before: what stands before the cursor; after `!` a path is for the shell and stays what it is.
        """
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not before.startswith("!") and (files := dropped(text, self._directory)):
            behind = before.endswith("@")
            return " ".join(quoted(str(f)) if behind or not is_image(f) else self.image(f) for f in files) + " "
        lines = text.count("\n") + 1
        if self.whole or (lines < LINES and len(text) <= CHARACTERS):
            return text
        self._texts.append(text)
        size = f"{lines} lines" if lines > 1 else f"{len(text)} characters"
        return f"[Pasted #{len(self._texts)}: {size}]"

    def image(self, path: Path) -> str:
        """The marker of an image that goes along with the message."""
        name, number = _safe(path.name), 1
        while self._images.setdefault(f"[image {name}]", path) != path:
            number += 1
            name = f"{_safe(path.name)} {number}"
        return f"[image {name}]"

    def expand(self, text: str) -> str:
        """The text with every marker replaced by what was pasted; markers that are none stay."""

        def pasted(match: re.Match[str]) -> str:
            number = int(match[1])
            return self._texts[number - 1] if 0 < number <= len(self._texts) else match[0]

        return _MARKER.sub(pasted, text)

    def shown(self, text: str) -> tuple[Media, ...]:
        """The images whose markers stand in a text.

        Raises:
            UsageError: one of them cannot be read any more, or is too large.
        """
        marked = dict.fromkeys(mark for mark in _IMAGE.findall(text) if mark in self._images)
        return attach([str(self._images[mark]) for mark in marked], self._directory, "")[1]


def marker_before(text: str) -> int:
    """How long the marker is that a text ends with; 0 when it ends with none."""
    found = _END.search(text)
    return len(found[0]) if found else 0


def mentioned(text: str, directory: Path) -> tuple[str, tuple[Media, ...]]:
    """What the files that a text mentions with `@` add to it; names of nothing stay what they are, words.

    Raises:
        UsageError: a file that is mentioned cannot be read or sent.
    """
    texts, media = [], list[Media]()
    for quotation, word in dict.fromkeys(_MENTION.findall(text)):
        found = _found(quotation or word, directory)
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


def _safe(name: str) -> str:
    """A file's name as it may stand in a marker."""
    return one_line(name.replace("[", "(").replace("]", ")"), 60)


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
