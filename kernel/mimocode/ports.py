"""The shapes that plugins hand over. Ordinary typed async code: no hooks in here.

Each Protocol says what it may raise, who closes it and what cancellation means.
"""

# fmt: off
from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from .events import AnyFact, Entry, Pulse
from .messages import JSON, Block, Media, Message, Part, Text, ToolSpec, Usage

if TYPE_CHECKING:
    from .session import Session

T = TypeVar("T")

# Models.
@dataclass(frozen=True)
class Prompt:
    """One request to a model.

    Within a window a request begins with the one before it: `messages` only ever grows, and `system` and
    `tools` stay the same objects. A model may therefore keep what it serialised and append to it, if it checks
    that the last message it serialised `is` still in its place.
    """
    system: tuple[Part, ...]
    messages: Sequence[Message]
    tools: tuple[ToolSpec, ...] = ()
    session: str = ""
    options: JSON = field(default_factory=dict)
    """Sampling and the like, from the agent and the user: `temperature`, `top_p`, `variant`, `max_output`."""

@dataclass(frozen=True)
class Answer:
    """How a model's stream ends."""
    message: Message
    usage: Usage = Usage()
    finish: Literal["stop", "calls", "length", "filtered"] = "stop"

class Model(Protocol):
    """Something that answers prompts."""

    @property
    def ref(self) -> str:
        """ "provider/model"."""

    @property
    def window(self) -> int:
        """How many tokens a request and its answer may have together."""

    def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """Yield pulses as they come, then exactly one `Answer`; after a `ModelError` nothing of it counts.

        Closing the iterator or cancelling the task ends the request at once.
        """

@dataclass(frozen=True)
class ModelInfo:
    """What is known of a model without opening it. Prices are US dollars per million tokens."""
    ref: str
    name: str = ""
    window: int = 0
    output: int = 0
    price: Mapping[str, float] = field(default_factory=dict)
    """Keys `input`, `output`, `cache_read`, `cache_write`."""
    tools: bool = True
    reasoning: bool = False
    media: tuple[str, ...] = ()
    """What it reads besides text: "image", "pdf", "audio", "video"."""
    ready: bool = True
    """A credential (or none needed) is at hand."""
    rank: int = 0
    """How good a choice for sessions that chose none; 0: not without being asked for."""

# The log.
@dataclass(frozen=True)
class SessionInfo:
    """A session as a list shows it. Times are Unix seconds."""
    id: str
    directory: str
    title: str
    created: float
    updated: float
    parent: str = ""
    facts: int = 0

class Store(Protocol):
    """Keeps the log. Whatever fails here raises `StoreError` with one clear sentence.

    `append` is synchronous and durable against the death of the process when it returns, so that no await stands
    between writing and folding. The host closes the store.
    """

    def append(self, session: str, fact: AnyFact) -> Entry:
        """Write one fact; the first one creates the session. The caller holds the lease."""

    def read(self, session: str, after: int = 0) -> Iterator[Entry]:
        """The facts with `seq` > `after`, in order. An unknown session has none."""

    def sessions(self, directory: str = "") -> list[SessionInfo]:
        """All sessions (of one directory), latest change first."""

    def lease(self, session: str) -> AbstractContextManager[None]:
        """Be the one writer of a session until the context ends; `SessionBusy` if another live process is."""

    def delete(self, session: str) -> bool:
        """Forget a session and its children; False if there was none."""

    def verify(self, session: str) -> int:
        """Check the hash chain and count the facts; `StoreError` names the first fact that does not fit."""

    def close(self) -> None:
        """Let go of files."""

# Tools.
@dataclass(frozen=True)
class ToolServer:
    """An MCP server that is opened when first needed.

    `open` returns what `mcp.Client` connects to: a server of this process, an address, stdio parameters.
    With a `catalogue` (JSON list of the tools as the server lists them) the tools are offered before it runs;
    without one the session waits for the server to list them.
    """
    name: str
    open: Callable[[], Any]
    catalogue: Path | None = None
    external: bool = False
    """Somebody else's: supervised, never trusted for hints, tools named `<server>_<tool>`."""
    timeout: float = 30.0
    """Seconds for connecting and listing."""

@dataclass(frozen=True)
class ToolResult:
    """An answer to a call: `content` for the model, `display` for the screen."""
    content: tuple[Block, ...]
    error: bool = False
    display: JSON | None = None

    @property
    def text(self) -> str:
        """The text blocks as one string."""
        return "".join(block.text for block in self.content if isinstance(block, Text))

    @classmethod
    def of(cls, text: str, *media: Media, error: bool = False) -> ToolResult:
        """A result that is plain text."""
        return cls((Text(text), *media), error)

class Verdict(IntEnum):
    """The strictest verdict wins, whoever spoke first."""
    ALLOW = 0
    ASK = 1
    DENY = 2

@dataclass(frozen=True)
class Ruling:
    """What a guard says of a call. `offer` is what "always" would allow, as rules of that guard."""
    verdict: Verdict
    reason: str = ""
    offer: tuple[str, ...] = ()
    forced: bool = False
    """Only a person may allow it: no stored rule, no yes to everything."""

# Who answers and what it is told.
@dataclass(frozen=True)
class Agent:
    """A prompt, a model and a choice of tools under one name."""
    name: str
    description: str = ""
    mode: Literal["primary", "subagent", "all"] = "all"
    prompt: str = ""
    """Empty: the shared base prompt alone."""
    model: str = ""
    steps: int = 0
    """Model calls per turn; 0 is no limit."""
    hidden: bool = False
    tools: Mapping[str, bool] = field(default_factory=dict)
    """Tool name (with wildcards) to whether it is offered; the last match wins, no match offers."""
    options: JSON = field(default_factory=dict)
    """All other front matter (`permission`, `temperature`, `variant`, ...), for the plugins that know it."""
    source: str = ""
    """The file it comes from."""

@dataclass(frozen=True)
class Command:
    """A slash command. `run(arguments, session)` returns what to say to the agent, or None if that was all."""
    name: str
    summary: str
    run: Callable[[str, Session], Awaitable[str | None]]
    arguments: str = ""
    """How the arguments are written, for help: "<condition>"."""

@dataclass(frozen=True)
class Setting:
    """A top-level key of the settings files.

    `type` is any annotation that pydantic validates, or "package.module:Name" of one, imported when it is needed;
    `default` is then raw data that is validated as that type. `needs_trust` keeps project files that the user has not
    trusted from setting it: for whatever runs something or says where data goes.
    """
    name: str
    type: Any
    default: Any
    doc: str
    needs_trust: bool = False

class Settings(Protocol):
    """What the user wants: `settings[name]` is the validated value of a key that some plugin claims.

    Reading a key that nobody claims raises KeyError, a wrong value `SettingsError` with file and line.
    """
    claims: dict[str, Setting]
    ignored: list[str]
    """A sentence for everything that was left out, and why."""

    def __contains__(self, name: object) -> bool: ...
    def __getitem__(self, name: str) -> Any: ...

@dataclass(frozen=True)
class Places:
    """The directories that files are kept in. Whoever writes into one makes it."""
    data: Path
    """The log, credentials, what was learnt: worth a backup."""
    config: Path
    """What the user wrote."""
    cache: Path
    """May be deleted at any time."""
    state: Path
    """Small things to remember between runs."""

@dataclass(frozen=True)
class Workspace:
    """Where a project begins, where files are kept, and what the settings say.

    `read(claims, trusted, lenient)` merges and checks the sources of settings: `claims` are (plugin, setting) pairs,
    what came with the project counts less until it is `trusted`, `lenient` leaves out what makes no sense.
    """
    root: Path
    places: Places
    read: Callable[[Sequence[tuple[str, Setting]], bool, bool], Settings]

@dataclass(frozen=True)
class StashKey(Generic[T]):
    """A plugin's own key into `session.stash` and `host.stash`; compared by identity of the plugin's constant."""
    name: str
