"""The conversation at the terminal: events to the screen, keys and words to the session."""

from __future__ import annotations

import asyncio
import difflib
import io
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

from mimocode.errors import MimoError
from mimocode.events import ChooseAgent, Entry, Interrupt, Say, TurnEnded

from ..shown.look import Look, environment
from .approving import Approving
from .complete import PromptCompleter
from .desk import DESK, Desk
from .feed import Feed
from .files import Files
from .items import Item, Told, print_items
from .live import animated, fit, live_lines, spinner
from .pace import Pace
from .pasting import mentioned
from .picker import Choice, Picker
from .screen import Modal, Screen
from .seat import SHOWN_TURNS, Seat, standing
from .shell import UserShell, for_agent
from .status import status

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

AGAIN = 2.0
"""Seconds in which a second Ctrl-C exits."""
LEAVING = ("exit", "quit", ":q", ":q!", ":wq")
"""Words that mean it although they are no commands."""


class Chat:
    """One person, one terminal, one session at a time."""

    def __init__(self, host: Host, *, yolo: bool = False) -> None:
        self.host = host
        self.session: Session | None = None
        self.feed = Feed()
        self.desk = Desk(self._changed, yolo)
        self.shell = UserShell()
        self.next: asyncio.Future[Seat | None] = asyncio.get_running_loop().create_future()
        """What comes after this session; None is the end."""
        self.summaries: dict[str, str] = {}
        """All slash commands, for completion and help."""
        self.screen = Screen(
            self,
            environment(),
            host.paths.state / "prompt-history.jsonl",
            PromptCompleter(lambda: self.summaries, Files(host.directory)),
        )
        self.approving = Approving(self.desk, lambda: self.screen.typed, self.do)
        self.model = ""
        """The model that is asked, for the status line."""
        self._picker: Picker | None = None
        self._pace = Pace(self._draw, self._again)
        self._finished: list[Item] = []
        self._last_group = ""
        self._early: list[Entry] = []
        self._unsent: list[str] = []
        self._aside: list[str] = []
        self._hint, self._hint_until = "", 0.0
        self._whole: object = None
        self._tasks: set[asyncio.Task[None]] = set()

    # -- what slash commands use --------------------------------------------------

    def show(self, *items: Item) -> None:
        """Print something into the scrollback."""
        self._finished += items
        self._changed()

    def tell(self, text: str, level: Literal["info", "warning", "error", "plain"] = "plain") -> None:
        """Say something to the user."""
        self.show(Told(text, level))

    def pick(self, title: str, choices: list[Choice], then: Callable[[str], Awaitable[None]]) -> None:
        """Let the user choose."""

        def done(value: str | None) -> None:
            self._picker = None
            self._changed()
            if value is not None:
                self.do(then(value))

        self._picker = Picker(title, choices, done)
        self._changed()

    def go(self, seat: Seat | None) -> None:
        """Close this session and open another, or leave."""
        if not self.next.done():
            self.next.set_result(seat)

    def do(self, work: Awaitable[Any]) -> None:
        """Do something that takes time; what goes wrong is said."""

        async def guarded() -> None:
            try:
                await work
            except MimoError as error:
                self.tell(str(error), "error")
            except Exception as error:
                self.host.report("ui.terminal", error)
            self._changed()

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- the session --------------------------------------------------------------

    async def follow(self) -> None:
        """Show what happens, until cancelled."""
        async for entry in self.host.follow():
            if not self.feed.session:
                self._early.append(entry)
                continue
            self._see(entry)

    async def attach(self, session: Session) -> None:
        """Sit down at a session that was opened: show where it stands, then send what was typed meanwhile."""
        self.session, self.feed = session, Feed(session.id)
        turns = session.state.turns
        after = turns[-SHOWN_TURNS][0] - 1 if len(turns) >= SHOWN_TURNS else 0
        known = session.state.seq
        if len(session.state.messages):
            name = session.state.title or session.id
            self.tell(f"Going on with {name}" + (f", the last {SHOWN_TURNS} of {len(turns)} turns:" if after else ":"))
            for entry in standing((await self.host.store()).read(session.id, after)):
                self._finished += [item for item in self.feed.see(entry) if not isinstance(item, Told)]
        early, self._early = self._early, []
        for entry in early:
            if entry.session != session.id or not entry.seq or entry.seq > known:
                self._see(entry)
        await self.learn()
        unsent, self._unsent = self._unsent, []
        for text in unsent:
            await self._say(text)
        self._changed()

    def detach(self) -> None:
        """The session is about to close."""
        self.session, self.feed, self._picker = None, Feed(), None
        self._last_group = ""

    async def learn(self) -> None:
        """Find out what the status line and the completion show."""
        from .slash import summaries

        session = self.session
        if session is None:
            return
        try:
            self.model = session.model_ref or await self.host.default_model()
        except MimoError as error:
            self.model = "no model"
            self.tell(str(error), "warning")
        self.summaries = await summaries(self.host)
        self._changed()

    def _see(self, entry: Entry) -> None:
        self.desk.see(entry)
        items = self.feed.see(entry)
        self._finished += items
        event = entry.event
        if isinstance(event, TurnEnded) and entry.session == self.feed.session and event.reason == "interrupted":
            self.screen.fill("\n".join(self.feed.unqueue()))
        if type(event).__name__ in ("AgentChosen", "ModelChosen"):
            self.do(self.learn())
        self._changed()

    # -- words and keys -----------------------------------------------------------

    def entered(self, text: str) -> None:
        """The user sent the prompt."""
        if self.approving.explaining and self.desk.first is not None:
            self.approving.explain(text)
            return
        if text.strip() in LEAVING:
            self.go(None)
            return
        self.do(self._say(text))

    async def _say(self, text: str) -> None:
        from .slash import run_slash

        if self.session is None:
            self._unsent.append(text)
            return
        if text.startswith("!") and text[1:].strip():
            self.do(self._run_shell(text[1:].strip()))
            return
        if text.startswith("/") and await run_slash(self, text):
            return
        await self.send(self.screen.pastes.expand(text))

    async def send(self, text: str) -> None:
        """Say something to the agent, with what the user ran and mentioned."""
        if self.session is None:
            return
        added, media = await asyncio.to_thread(mentioned, text, self.session.directory)
        aside, self._aside = self._aside, []
        self.feed.queue(text)
        self._changed()
        await self.session.submit(Say("\n\n".join(part for part in (*aside, text, added) if part), media))

    async def command(self, text: str) -> None:
        """Hand a slash command of a plugin to the session, which has it run."""
        if self.session is not None:
            await self.session.submit(Say(text))

    async def _run_shell(self, command: str) -> None:
        if self.session is None or self.shell.command:
            self.tell("One command at a time: Esc ends the one that runs.", "warning")
            return
        done = await self.shell.run(command, self.session.directory)
        self._aside.append(for_agent(done))
        self.show(done)

    def pressed(self, key: str) -> None:
        """The user pressed a key that is not the prompt's."""
        working = self.feed.now.busy or bool(self.shell.command)
        match key:
            case "escape" if self.approving.explaining:
                self.approving.explaining = False
                self._changed()
            case "escape" if working:
                self._interrupt()
            case "c-c":
                self._stop(working)
            case "c-d":
                self.go(None)
            case "tab":
                self.do(self._next_agent())

    def _interrupt(self) -> None:
        if self.shell.command:
            self.shell.stop()
        elif self.session is not None:
            self.do(self.session.submit(Interrupt()))

    def _stop(self, working: bool) -> None:
        if self._hint and time.monotonic() < self._hint_until:
            self.go(None)
            return
        if working:
            self._interrupt()
        self._hint, self._hint_until = "Ctrl-C again to exit", time.monotonic() + AGAIN
        asyncio.get_running_loop().call_later(AGAIN, self._changed)
        self._changed()

    async def _next_agent(self) -> None:
        session = self.session
        if session is None:
            return
        if self.feed.now.busy:
            self.tell("The agent can be changed when this turn is over.", "warning")
            return
        agents = await self.host.agents()
        names = [agent.name for agent in agents.values() if agent.mode != "subagent" and not agent.hidden]
        if len(names) > 1:
            at = names.index(session.agent.name) if session.agent.name in names else -1
            await session.submit(ChooseAgent(names[(at + 1) % len(names)]))

    # -- the screen ---------------------------------------------------------------

    @property
    def modal(self) -> Modal | None:
        """What takes the keys: a question before a list."""
        return self.approving if self.approving.takes_keys() else self._picker

    @property
    def label(self) -> str:
        """The sign before the prompt."""
        return "why not?" if self.approving.explaining else "❯"

    def above(self, look: Look, rows: int) -> list[str]:
        """The live region."""
        lines = live_lines(self.feed, look, rows, time.time(), self._last_group, self.approving.pending())
        if self.shell.command:
            lines += ["", look.paint(fit(f"{spinner(time.time())} ! {self.shell.command}", look.width), "dim")]
        if self.approving.pending() and self.modal is not self.approving:
            lines += ["", *self.approving.lines(look, max(4, rows - len(lines)))]
        return [*lines, ""] if lines or self._last_group else []

    def below(self, look: Look) -> str:
        """The status line."""
        if time.monotonic() < self._hint_until:
            return look.paint(fit(self._hint, look.width), "yellow")
        self._hint = ""
        return status(self.session, self.model, len(self._unsent), look)

    def _changed(self) -> None:
        self._pace.changed()

    def _draw(self) -> None:
        self.screen.draw(self._print)

    def _print(self, look: Look) -> list[str]:
        items, self._finished = self._finished, []
        lines, self._last_group = print_items(items, look, self._last_group)
        if self.approving.pending() and self.desk.first is not self._whole:
            self._whole = self.desk.first
            lines += self.approving.whole(look, self.screen.app.output.get_size().rows)
        return lines

    def _again(self) -> float:
        waiting = self.approving.pending()
        beat = 0.2 if self.shell.command else animated(self.feed, waiting)
        arming = self.approving.armed_in() if waiting and not self.approving.explaining else 0.0
        pauses = [pause for pause in (beat, arming + 0.01 if arming else 0.0) if pause]
        return min(pauses, default=0.0)

    def flush(self) -> None:
        """Print at once what has not been printed."""
        self._draw()

    def stop(self) -> None:
        """The terminal is given back."""
        self._pace.stop()
        self.shell.stop()
        self.host.stash.pop(DESK, None)


class Aside(io.TextIOBase):
    """Stands in for stderr and stdout while the terminal is ours: lines become part of the scrollback."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell, self._line = tell, ""

    def write(self, text: str) -> int:
        """Take text; whole lines are told."""
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            if line.strip():
                self._tell(line)
        return len(text)


def unknown(name: str, known: list[str]) -> str:
    """What is said of a slash command that nobody has."""
    close = difflib.get_close_matches(name, known, 2)
    hint = f"did you mean {' or '.join('/' + one for one in close)}?" if close else "/help shows what there is."
    return f"There is no command /{name}; {hint}"
