"""What the user sees of the conversation: scrollback, live region, questions, lists, status. And who gets the keys."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ..shown.look import Look, environment
from ..shown.words import spoken
from .approving import Approving
from .complete import PromptCompleter, Sources
from .desk import Desk
from .dressing import dressed
from .feed import Feed
from .files import Files
from .first import PLACEHOLDER
from .hookspecs import offer_mentions
from .items import Item, Told, duration, print_items
from .keymap import bound
from .live import OpenEnd, animated, fit, live_lines, spinner
from .pace import Pace
from .picker import Choice, More, Picker
from .questions import Questions
from .screen import Modal, Screen
from .shell import UserShell
from .status import status
from .tuning import tuned

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session


AT_ONCE = 0.4
"""Seconds within which a command needs no sign that it goes on."""


class Talker(Protocol):
    """Whom the face belongs to."""

    def entered(self, text: str) -> None:
        """The user sent the prompt."""
        ...

    def pressed(self, key: str) -> None:
        """The user pressed a key that is not the prompt's."""
        ...

    def do(self, work: Awaitable[Any]) -> None:
        """Do something that takes time."""
        ...


async def mentions(host: Host) -> Mapping[str, str]:
    """What plugins offer to be named in a prompt, with a line about each."""
    return {text: about for offer in await host.hooks.collect(offer_mentions, host=host) for text, about in offer}


class Face:
    """The screen of one conversation."""

    def __init__(self, talker: Talker, host: Host, yolo: bool, plain: bool = False) -> None:
        self._talker = talker
        self.tuning = tuned(host)
        chosen, wrong = bound(self.tuning.keybinds)
        self.feed = Feed()
        self.session: Session | None = None
        self.model = ""
        """The model that is asked, for the status line."""
        self.summaries: dict[str, str] = {}
        """All slash commands, for completion and help."""
        self.helpers: dict[str, str] = {}
        """Agents that the agent may hand work to, for completion after `$`."""
        self.command: tuple[str, float] | None = None
        """The command of a plugin that is carried out, and since when."""
        self.unsent: list[str] = []
        """What the user said before there was a session."""
        self.desk = Desk(self.changed, yolo)
        self.shell = UserShell()
        self.screen = Screen(
            self,
            "none" if plain else environment(),
            host.paths.state / "prompt-history.jsonl",
            PromptCompleter(
                Files(host.directory), Sources(lambda: self.summaries, lambda: self.helpers, partial(mentions, host))
            ),
            host.directory,
            chosen=chosen,
            vi=self.tuning["keymap"] == "vi",
        )
        self.screen.pastes.whole = _whole(host)
        self.screen.theme = dressed(host, self.tuning, ask=self.screen.typed_before)
        self.screen.language = spoken(self.tuning["language"], os.environ)
        self.screen.linear = plain or bool(self.tuning["screen_reader"])
        self.screen.thinking = self.tuning["thinking_mode"] == "show"
        self.screen.details, self.screen.split = self.tuning["details"], self.tuning["diff_style"] != "stacked"
        self.approving = Approving(self.desk, lambda: self.screen.typed, talker.do, self.screen.lend)
        self.questions = Questions(self.changed, lambda: self.screen.typed, talker.do)
        self.view: Modal | None = None
        """A list or the like that takes the keys, unless somebody asks."""
        self._pace = Pace(self.flush, self._again)
        self._finished: list[Item] = []
        self._last_group = ""
        self._end = OpenEnd()
        self._hint, self._hinted, self._hint_until = "", 0.0, 0.0
        self.branch = ""
        """What git has checked out, for the status line."""
        for sentence in (*self.tuning.wrong, *wrong):
            self._finished.append(Told(sentence, "warning"))

    # -- what is said -------------------------------------------------------------

    def show(self, *items: Item) -> None:
        """Print something into the scrollback."""
        self._finished += items
        self.changed()

    def tell(self, text: str, level: Literal["info", "warning", "error", "plain"] = "plain") -> None:
        """Say something to the user."""
        self.show(Told(text, level))

    def hint(self, text: str, seconds: float) -> bool:
        """Say something in the status line for a while; whether it was said there, and nothing typed since."""
        now = time.monotonic()
        again = self._hint == text and self.screen.typed <= self._hinted and now < self._hint_until
        self._hint, self._hinted, self._hint_until = text, now, now + seconds
        asyncio.get_running_loop().call_later(seconds, self.changed)
        self.changed()
        return again

    def pick(
        self,
        title: str,
        choices: list[Choice],
        then: Callable[[str], Awaitable[None]],
        *,
        preview: Callable[[str], str] | None = None,
        more: More | None = None,
    ) -> None:
        """Let the user choose.

        Args:
            preview: Markdown about a choice, shown below the list while it is marked.
            more: by key, what else can be done with the marked choice: a word for it, and how.
        """

        def done(value: str | None) -> None:
            self.view = None
            self.changed()
            if value is not None:
                self._talker.do(then(value))

        def other(value: str, act: Callable[[str], Awaitable[None]]) -> None:
            self.view = None
            self.changed()
            self._talker.do(act(value))

        self.view = Picker(title, choices, done, preview, more or {}, other)
        self.changed()

    def turn_to(self, session: Session | None) -> None:
        """Another session, or none."""
        self.session, self.feed, self.view = session, Feed(session.id if session else ""), None
        self.screen.suggest("")
        self.changed()

    # -- the front of the screen --------------------------------------------------

    @property
    def modal(self) -> Modal | None:
        """What takes the keys: an approval before a question before a list."""
        if self.approving.takes_keys():
            return self.approving
        return self.questions if self.questions.takes_keys() and not self.approving.pending() else self.view

    @property
    def waiting(self) -> bool:
        """Whether something waits for the user's word."""
        return self.approving.pending() or bool(self.questions.queue)

    @property
    def busy(self) -> bool:
        """Whether there is something that Esc would stop."""
        return bool(self.feed.now.busy or self.shell.command or self.command or self.approving.explaining)

    @property
    def label(self) -> str:
        """The sign before the prompt."""
        if self.approving.explaining:
            return "always" if self.approving.wording else "why not?"
        return ">" if self.screen.linear else "❯"

    @property
    def placeholder(self) -> str:
        """What stands in the prompt as long as it is empty."""
        return "" if self.approving.explaining else PLACEHOLDER

    def above(self, look: Look, rows: int) -> list[str]:
        """The live region."""
        lines = live_lines(self.feed, look, rows, time.time(), self._last_group, self.waiting, self._end)
        if self.shell.command:
            lines += ["", look.paint(fit(f"{spinner(time.time())} ! {self.shell.command}", look.width), "dim")]
        if self.command and not self.feed.now.busy and (took := time.time() - self.command[1]) > AT_ONCE:
            stop = look.say("esc interrupts")
            text = fit(f"{spinner(time.time())} {self.command[0]} · {duration(took)} · {stop}", look.width)
            lines += ["", look.paint(text, "dim")]
        if self.approving.pending() and self.modal is not self.approving:
            lines += ["", *self.approving.lines(look, max(4, rows - len(lines)))]
        elif self.questions.queue and self.modal is not self.questions:
            lines += ["", *self.questions.lines(look, max(4, rows - len(lines)))]
        return [*lines, ""] if lines or self._last_group else []

    def below(self, look: Look) -> str:
        """The status line."""
        if time.monotonic() < self._hint_until:
            return look.paint(fit(look.say(self._hint), look.width), "yellow")
        return status(self.session, self.model, len(self.unsent), look, self.branch, self.feed)

    def entered(self, text: str) -> None:
        """The user sent the prompt: to whoever asked for words, else to the agent."""
        if self.approving.explaining and self.desk.first is not None:
            if not self.approving.explain(text):
                self.tell(
                    f"{text!r} is no rule for this; one looks like {self.desk.first.asked.offer[0]!r}.", "warning"
                )
                self.screen.give_back(text)
        else:
            self._talker.entered(text)

    def pressed(self, key: str) -> None:
        """The user pressed a key that is not the prompt's."""
        if key in ("escape", "c-c") and self.approving.explaining:
            self.approving.withdraw()
            self.changed()
        else:
            self._talker.pressed(key)

    # -- frames -------------------------------------------------------------------

    def changed(self) -> None:
        """Something is different; it is drawn with the next frame."""
        self._pace.changed()

    def flush(self) -> None:
        """Draw at once."""
        self._end.stale = True
        self.screen.draw(self._print)

    def stop(self) -> None:
        """The terminal is given back."""
        self._pace.stop()
        self.shell.stop()

    def _print(self, look: Look) -> list[str]:
        items, self._finished = self._finished, []
        lines, self._last_group = print_items(items, look, self._last_group)
        return lines + self.approving.whole(look)

    def _again(self) -> float:
        waiting = self.waiting
        alone = self.shell.command or (self.command and not self.feed.now.busy)
        beat = 0.2 if alone else animated(self.feed, waiting)
        beat = 0.0 if self.screen.linear else beat
        arming = 0.0
        if waiting and not self.approving.explaining:
            arming = self.approving.armed_in() if self.approving.pending() else self.questions.armed_in()
        pauses = [pause for pause in (beat, arming + 0.01 if arming else 0.0) if pause]
        return min(pauses, default=0.0)


def _whole(host: Host) -> bool:
    """`experimental.disable_paste_summary`."""
    said = host.settings["experimental"] if "experimental" in host.settings else {}  # noqa: SIM401  not a dict
    return bool(said.get("disable_paste_summary") if isinstance(said, Mapping) else said.disable_paste_summary)
