"""The conversation at the terminal: events to the face, words and keys to the session."""

from __future__ import annotations

import asyncio
import difflib
import io
import os
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError, UsageError
from mimocode.events import (
    AgentChosen,
    ApprovalAsked,
    ChooseAgent,
    Entry,
    Interrupt,
    ModelChosen,
    Noted,
    Say,
    TurnEnded,
    TurnStarted,
)

from ..attach import unread
from ..which import first_words
from . import clipboard
from .face import Face
from .handing import hand_over
from .items import Told
from .nimble import load_ahead
from .notifying import LONG, notification, program
from .notifying import run as notify
from .pasting import mentioned
from .seat import SHOWN_TURNS, Seat, standing
from .shell import for_agent
from .status import branch_of

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

NEWS = 4.0
"""Seconds that a short answer stays in the status line."""
AGAIN = 2.0
"""Seconds in which a second Ctrl-C exits."""
AHEAD = 0.03
"""Seconds after the first words until more is loaded: the request leaves first."""
ALONE = {
    "!": "! runs a command of yours, such as !git status.",
    "/": "/ begins a command: /help shows what there is.",
}
"""Signs that say nothing without a word behind them."""
LEAVING = ("exit", "quit", ":q", ":q!", ":wq")
"""Words that mean it although they are no commands."""


class Chat:
    """One person, one terminal, one session at a time."""

    def __init__(self, host: Host, *, yolo: bool = False, plain: bool = False) -> None:
        self.host = host
        self.face = Face(self, host, yolo, plain)
        host.options["hand_over"] = partial(hand_over, self.face.screen.app)
        host.options["typing"] = self.face.screen.typing
        self.next: asyncio.Future[Seat | None] = asyncio.get_running_loop().create_future()
        """What comes after this session; None is the end."""
        self.again = False
        """Whether the program starts afresh at the end, with settings that have changed."""
        self._early: list[Entry] = []
        self._known = 0
        """The last fact that was there when this session was opened."""
        self._since = 0.0
        self._stopped: object = None
        """The command of a plugin that the user stopped last."""
        self._aside: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._ahead: asyncio.TimerHandle | None = None

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
                self.face.tell(str(error), "error")
            except Exception as error:
                self.host.report("ui.terminal", error)
            self.face.changed()

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- the session --------------------------------------------------------------

    async def follow(self) -> None:
        """Show what happens, until cancelled."""
        async for entry in self.host.follow():
            if self.face.session is None:
                self._early.append(entry)
            elif not self._stands(entry):
                self._see(entry)

    async def attach(self, session: Session, again: bool = False) -> None:
        """Sit down at a session that was opened: show where it stands, then send what was typed meanwhile.

        Args:
            again: the user was here a moment ago and saw it.
        """
        face, turns = self.face, session.state.turns
        early, self._early, self._known = self._early, [], session.state.seq
        face.turn_to(session)
        if len(session.state.messages) and not again:
            after = turns[-SHOWN_TURNS][0] - 1 if len(turns) > SHOWN_TURNS else 0
            store = await self.host.store()
            name = session.state.title or first_words(store.read(session.id)) or session.id
            face.tell(f"Going on with {name}" + (f", the last {SHOWN_TURNS} of {len(turns)} turns:" if after else ":"))
            for entry in standing(store.read(session.id, after)):
                if entry.seq <= self._known:
                    face.show(*(item for item in face.feed.see(entry) if not isinstance(item, Told)))
        for entry in early:
            if not self._stands(entry):
                self._see(entry)
        self._look_around()
        await self.learn()
        unsent, face.unsent = face.unsent, []
        for text in unsent:
            await self._say(text)

    def _stands(self, entry: Entry) -> bool:
        """Whether it is part of what was shown when the user sat down."""
        return entry.session == self.face.feed.session and 0 < entry.seq <= self._known

    async def learn(self) -> None:
        """Find out what the status line and the completion show."""
        from .slash import summaries

        session = self.face.session
        if session is None:
            return
        try:
            self.face.model = session.model_ref or await self.host.default_model()
        except MimoError as error:
            self.face.model = "no model"
            self.face.tell(f"{error}. Or choose one here: /models.", "warning")
        self.face.summaries = await summaries(self.host)
        agents = (await self.host.agents()).values()
        self.face.helpers = {one.name: one.description for one in agents if one.mode != "primary" and not one.hidden}
        self.face.changed()

    def _see(self, entry: Entry) -> None:
        face = self.face
        face.desk.see(entry)
        face.questions.see(entry)
        face.show(*face.feed.see(entry))
        match entry.event:
            case TurnEnded(reason="interrupted") if entry.session == face.feed.session:
                face.screen.give_back("\n".join(face.feed.unqueue()))
            case AgentChosen() | ModelChosen():
                self.do(self.learn())
            case TurnStarted() if entry.session == face.feed.session:
                face.screen.suggest("")
            case Noted(data=data) if entry.session == face.feed.session and "suggestion" in data:
                face.screen.suggest(str(data["suggestion"]))
                face.changed()
            case Noted(data=data) if entry.session == face.feed.session and "go_to" in data:
                self.go(Seat(str(data["go_to"])))
        self._call(entry)

    def _call(self, entry: Entry) -> None:
        """Call the user when something waits, or when a long turn is over."""
        match entry.event:
            case TurnStarted() if entry.session == self.face.feed.session:
                self._since = entry.time
            case TurnEnded(reason=reason) if entry.session == self.face.feed.session:
                self.do(asyncio.to_thread(self._look_around))
                if entry.time - self._since >= LONG and reason != "interrupted":
                    title = self.face.session.state.title if self.face.session else ""
                    self._notify(f"{title or 'mimo'}: {'done' if reason == 'done' else reason}")
            case ApprovalAsked(call=call) if self.face.desk.queue:
                self._notify(f"mimo asks whether it may use {call.name}")
            case Noted(plugin="question"):
                self._notify("mimo has a question")

    def _notify(self, text: str) -> None:
        wish = self.face.tuning["notify"]
        if sequence := notification(text, wish, os.environ):
            self.face.screen.raw(sequence)
        if command := program(text, wish, os.environ):
            self.do(notify(command))

    def _look_around(self) -> None:
        self.face.branch = branch_of(self.face.session.directory) if self.face.session else ""

    # -- words --------------------------------------------------------------------

    def entered(self, text: str) -> None:
        """The user sent the prompt."""
        if text.strip() in LEAVING:
            self.go(None)
            return
        if not self._ahead:
            self._ahead = asyncio.get_running_loop().call_later(AHEAD, load_ahead)
        self.do(self._say(text))

    async def _say(self, text: str) -> None:
        from .slash import run_slash

        if self.face.session is None:
            self.face.unsent.append(text)
        elif hint := ALONE.get(text.strip()):
            self.face.tell(hint, "warning")
        elif text.startswith("!"):
            await self._run_shell(text[1:].strip(), self.face.session)
        elif not (text.startswith("/") and await run_slash(self, text)):
            await self._send(text, self.face.session)

    async def _send(self, text: str, session: Session) -> None:
        """Say something to the agent, with what the user ran and mentioned."""
        pastes = self.face.screen.pastes
        words = pastes.expand(text)
        added, media = await asyncio.to_thread(mentioned, words, session.directory)
        media = await asyncio.to_thread(pastes.shown, text) + media
        if why := await unread(media, session):
            self.face.tell(why, "warning")
        aside, self._aside = self._aside, []
        self.face.feed.queue(text)
        self.face.changed()
        await session.submit(Say("\n\n".join(part for part in (*aside, words, added) if part), media))

    async def see_through(self, command: str, session: Session) -> None:
        """Show that a plugin's command is being carried out, which is no turn, until all is done."""
        face = self.face
        face.command = mine = (command, time.time())
        face.changed()
        try:
            await session.settled()
        finally:
            if face.command is mine:
                face.command = None
        if face.session is session and self._stopped is mine:  # what was to follow it never will
            face.screen.give_back("\n".join(face.feed.unqueue()))

    async def _run_shell(self, command: str, session: Session) -> None:
        if self.face.shell.command:
            self.face.tell("One command at a time: Esc ends the one that runs.", "warning")
            return
        self.face.changed()
        path = str(self.host.options.get("path") or "")
        done = await self.face.shell.run(command, session.directory, path=path)
        self._aside.append(for_agent(done))
        self.face.show(done)

    # -- keys ---------------------------------------------------------------------

    def pressed(self, key: str) -> None:
        """The user pressed a key that is not the prompt's."""
        match key:
            case "escape":
                self._escape()
            case "c-c":
                if self.face.hint("Ctrl-C again to exit", AGAIN):
                    self.go(None)
                else:
                    self._interrupt()
            case "c-d":
                working = self.face.feed.now.busy or self.face.command
                if not working or self.face.hint("The agent is at work: Ctrl-D again to exit", AGAIN):
                    self.go(None)
            case "tab":
                self.do(self._next_agent(1))
            case "paste":
                self.do(self._paste())
            case "agent-back":
                self.do(self._next_agent(-1))
            case _ if key.startswith("/"):
                self.entered(key)

    def _escape(self) -> None:
        """Once stops what runs; twice, when nothing does, clears the prompt or shows what one can go back to."""
        if self.face.busy or self.face.session is None:
            self._interrupt()
        elif self.face.screen.buffer.text:
            if self.face.hint("Esc again to clear the prompt", AGAIN):
                self.face.screen.clear()
                self.face.hint("", 0)
        elif self.face.hint("Esc again for the timeline", AGAIN):
            self.face.hint("", 0)
            self.do(self._timeline())

    async def _paste(self) -> None:
        """Put the image on the clipboard into the prompt, as a file of ours."""
        if data := await asyncio.to_thread(clipboard.image, os.environ):
            try:
                path = clipboard.kept(data, self.host.paths.cache / "pasted")
            except OSError as error:
                raise UsageError(f"the image cannot be kept: {error}") from error
            self.face.screen.buffer.insert_text(self.face.screen.pastes.image(path) + " ")
        elif clipboard.programs(os.environ):
            self.face.hint("There is no image on the clipboard", NEWS)
        else:
            self.face.hint("No program hands out the clipboard: wl-paste, xclip or pngpaste", NEWS)

    async def _timeline(self) -> None:
        from .slash_session import timeline

        await timeline(self, "")

    def _interrupt(self) -> None:
        if self.face.shell.command:
            self.face.shell.stop()
        elif self.face.session is not None and self.face.busy:
            if self.face.command and not self.face.feed.now.busy:
                self._stopped = self.face.command
                self.face.tell(f"{self.face.command[0]} is stopped.", "warning")
            self.do(self.face.session.submit(Interrupt()))

    async def _next_agent(self, step: int) -> None:
        session = self.face.session
        if session is None:
            return
        if self.face.feed.now.busy:
            self.face.tell("The agent can be changed when this turn is over.", "warning")
            return
        agents = await self.host.agents()
        names = [agent.name for agent in agents.values() if agent.mode != "subagent" and not agent.hidden]
        if len(names) > 1:
            at = names.index(session.agent.name) if session.agent.name in names else -step
            await session.submit(ChooseAgent(names[(at + step) % len(names)]))


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
