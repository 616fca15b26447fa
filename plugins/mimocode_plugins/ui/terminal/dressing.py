"""Slash commands about how things look and which language they speak; what is chosen is kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mimocode.errors import UsageError

from ..shown import theme as themes_
from ..shown.look import Look
from ..shown.words import LANGUAGES, spoken
from .background import Typed, is_dark
from .items import Painted
from .picker import Choice

if TYPE_CHECKING:
    from pathlib import Path

    from mimocode.host import Host

    from .chat import Chat
    from .tuning import Tuning


def folders(host: Host) -> list[Path]:
    """Where the user's own themes are; those of a project only when it is trusted."""
    own = [host.paths.config / "themes"]
    return own + [host.root / ".mimocode" / "themes"] * host.trusted


def dressed(host: Host, tuning: Tuning, *, ask: Typed | None) -> themes_.Theme:
    """The theme that is wished for; the terminal's own colours, and a word in `tuning.wrong`, when it cannot be had."""
    name = tuning["theme"] or themes_.OWN
    dark = is_dark(tuning["theme_mode"], os.environ, ask=None if name == themes_.OWN else ask)
    try:
        return themes_.load(name, folders(host), dark)
    except ValueError as error:
        tuning.wrong.append(f"theme: {error}")
        return themes_.Theme(dark=dark)


async def themes(chat: Chat, rest: str) -> None:
    """Choose a theme.

    Raises:
        UsageError: there is none of that name, or it makes no sense.
    """
    face = chat.face
    there = themes_.names(folders(chat.host))

    async def choose(name: str) -> None:
        try:
            theme = themes_.load(name, folders(chat.host), face.screen.theme.dark)
        except ValueError as error:
            raise UsageError(f"{error}; there is {', '.join(there)}") from error
        face.screen.theme = theme
        face.tuning.choose("theme", name)
        face.show(Painted(f"Theme: {name}", sample(face.screen.look)))

    if rest:
        await choose(rest)
        return
    choices = [Choice(name, name, _of(name, face.screen.theme), name == face.screen.theme.name) for name in there]
    face.pick("Theme", choices, choose)


def sample(look: Look) -> str:
    """A line that shows the colours of a theme."""
    words = {"prompt": "prompt", "cyan": "accent", "magenta": "second", "green": "added", "red": "removed"}
    words |= {"yellow": "warning", "blue": "info", "dim": "quiet"}
    return "  ".join(look.paint(shown, style) for style, shown in words.items())


async def dark(chat: Chat, rest: str) -> None:
    """The colours for a dark background."""
    await _mode(chat, "dark")


async def light(chat: Chat, rest: str) -> None:
    """The colours for a light background."""
    await _mode(chat, "light")


async def language(chat: Chat, rest: str) -> None:
    """Choose the language that the program speaks; the agent speaks yours in any case.

    Raises:
        UsageError: there is no catalogue for it.
    """
    face = chat.face

    async def choose(name: str) -> None:
        if name not in ("auto", *LANGUAGES):
            raise UsageError(f"there is no catalogue for {name!r}; there is auto, {', '.join(LANGUAGES)}")
        face.tuning.choose("language", name)
        face.screen.language = spoken(name, os.environ)
        face.tell("The language is changed.", "info")

    if rest:
        await choose(rest)
        return
    about = {"auto": "as the environment says", "en": "English", "zh": "中文"}
    now = face.tuning["language"]
    face.pick("Language", [Choice(name, name, words, name == now) for name, words in about.items()], choose)


async def keymap(chat: Chat, rest: str) -> None:
    """Change between the keys of vi and of emacs in the prompt.

    Raises:
        UsageError: it is neither.
    """
    now = chat.face.tuning["keymap"]
    name = rest or ("emacs" if now == "vi" else "vi")
    if name not in ("emacs", "vi"):
        raise UsageError(f"there are no keys called {name!r}: it is vi or emacs")
    chat.face.tuning.choose("keymap", name)
    chat.face.screen.keymap(name)
    chat.face.tell(f"The prompt has the keys of {name}.", "info")


async def _mode(chat: Chat, name: str) -> None:
    chat.face.tuning.choose("theme_mode", name)
    chat.face.screen.theme = dressed(chat.host, chat.face.tuning, ask=None)
    chat.face.show(Painted(f"Colours for a {name} background.", sample(chat.face.screen.look)))


def _of(name: str, theme: themes_.Theme) -> str:
    return "the colours of your terminal" if name == themes_.OWN else ""
