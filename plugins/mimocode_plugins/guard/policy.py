"""The policy of a session: all rules in force, in order, and how a decision is taken from them.

Order (surface.md 7): defaults, the agent, the settings layer by layer, the settings for this agent. On top of it three
things never bend: what the agent itself denies stays denied whatever broader settings allow; the settings of a project
that is not trusted only tighten; and an approval turns "ask" into "allow" but never touches "deny" (runtime.md 1.15).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mimocode.ports import StashKey, Verdict

from .rules import Rule, accepted, from_tools, hidden, last_match, parse

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.messages import ToolSpec
    from mimocode.ports import Agent
    from mimocode.session import Session

NOTES = "permission"
"""Under this name approvals are noted in the log."""
RULINGS = "permission.ruling"
"""Under this name every ruling is noted in the log."""
FORCED = "bash_delete"
"""Deletions: no rule, approval or mode satisfies this key; only a person does (or `auto_delete`)."""
PROTECTED = "protected"
"""Edits of files that decide what runs next: only a person allows them."""
PERSONAL = (FORCED, PROTECTED)
BASH_WRITE = "bash_write"
"""Commands that are not known to only read, for agents that change nothing."""
FOREIGN = "mcp_write"
"""Tools whose author does not say that they only read, or whose word does not count."""
EGRESS = "egress"
"""Commands that send something to another machine."""
NARROW = (BASH_WRITE, FOREIGN)
"""Only rules that name these keys speak about them; `*` does not mean them."""

DEFAULTS = (
    *parse(
        {
            "*": "allow",
            "cron": {"*": "allow", "schedule": "ask", "loop": "ask"},
            "doom_loop": "ask",
            "egress": "ask",
            "external_directory": "ask",
            "question": "deny",
            "plan_exit": "deny",
            "read": {"*": "allow", "*.env": "ask", "*.env.*": "ask", "*.env.example": "allow"},
            "session": {"*": "allow", "approve": "ask"},
            "skill": {"*": "allow", "compose:*": "deny"},
        },
        "default",
    ),
)

_cached: StashKey[tuple[Any, Policy]] = StashKey("guard.policy")


@dataclass(frozen=True)
class Decision:
    """What the rules say of one thing that a call touches, and which rule said it."""

    verdict: Verdict
    rule: Rule | None

    @property
    def why(self) -> str:
        """The rule in words."""
        return str(self.rule) if self.rule else "no rule speaks about it, and silence asks"


@dataclass(frozen=True)
class Policy:
    """Rules in force for one agent of one host."""

    rules: tuple[Rule, ...]
    agent: tuple[Rule, ...] = ()
    """The agent's own: their denials hold whatever comes after."""
    above: tuple[Policy, ...] = ()
    """Those of the sessions that started this one: a child may not do what its parent must not, or must ask for."""
    fenced: tuple[Rule, ...] = ()
    """The rules as a project that is not trusted would have them: they count where they are stricter."""
    yolo: bool = False
    auto_delete: bool = False

    def decide(self, key: str, text: str) -> Decision:
        """What the last matching rule says, unless the agent or an untrusted project is stricter."""
        rule = last_match(self.rules, key, text)
        decided = Decision(rule.verdict if rule else Verdict.ASK, rule)
        if (other := last_match(self.fenced, key, text)) and other.verdict > decided.verdict:
            decided = Decision(other.verdict, other)
        own = last_match(self.agent, key, text)
        if own and own.verdict is Verdict.DENY:
            return Decision(own.verdict, own)
        for theirs in (policy.decide(key, text) for policy in self.above):
            if theirs.verdict > decided.verdict:
                decided = theirs
        return decided

    def named(self, key: str, text: str) -> Decision | None:
        """What the strictest of the rules that name this very key says; None when no rule does."""
        rules = (self.rules, self.fenced, self.agent, *(rules for p in self.above for rules in (p.rules, p.agent)))
        found = [last_match([rule for rule in each if rule.key == key], key, text) for each in rules]
        strictest = max((rule for rule in found if rule), key=lambda rule: rule.verdict, default=None)
        return Decision(strictest.verdict, strictest) if strictest else None

    def said(self, key: str, texts: Sequence[str] = ()) -> bool:
        """Whether anybody has written a rule for this key and more than "*" (and for one of these, when there are any).

        What is only a default, or about everything, may give way to what makes a question needless.
        """
        mine = (*self.rules, *self.fenced, *self.agent)
        own = [r for r in mine if r.key == key and r.source != "default" and (texts or r.pattern != "*")]
        found = any(r.covers(key, text) for r in own for text in texts) if texts else bool(own)
        return found or any(each.said(key, texts) for each in self.above)

    def tightens(self, key: str, text: str) -> Decision | None:
        """What rules written for this very case say of another spelling of it; blanket rules have had their say."""
        decided = self.decide(key, text)
        if decided.rule is None or decided.rule.pattern == "*" or decided.verdict is Verdict.ALLOW:
            return None
        return decided

    def denials(self) -> Iterator[Rule]:
        """Every rule that denies something."""
        return (
            rule
            for rule in (*self.agent, *chain(*(p.denials() for p in self.above)), *self.rules, *self.fenced)
            if rule.verdict is Verdict.DENY
        )


def policy(session: Session) -> Policy:
    """The policy of a session, computed anew only when its agent is another."""
    agents = tuple(_lineage(session))
    known: tuple[Any, Policy] | None = session.stash.get(_cached)
    if known is None or len(known[0]) != len(agents) or any(a is not b for a, b in zip(known[0], agents, strict=True)):
        known = session.stash[_cached] = (agents, _policy(session.host, agents[0], agents[1:]))
    return known[1]


def _lineage(session: Session) -> Iterator[Agent]:
    """The agent of a session, then those above it. Hidden agents work for the house, not for whoever started them.

    A project cannot bring one of those: it would lift what its caller must not do.
    """
    yield session.agent
    ours = session.agent.hidden and not Path(session.agent.source or "/").is_relative_to(session.host.root)
    holder = None if ours else session.parent
    while holder is not None:
        yield holder.agent
        holder = holder.parent


def _own(agent: Agent) -> tuple[Rule, ...]:
    where = f"agent {agent.name}"
    return (*from_tools(agent.options.get("tools"), where), *parse(agent.options.get("permission"), where))


def _within(agent: Agent) -> Iterator[Policy]:
    """What whoever sent this agent bound it to, beside all other rules: it can only tighten."""
    tables = agent.options.get("within")
    for table in tables if isinstance(tables, list | tuple) else ():
        yield Policy((*parse("allow", "default"), *parse(table, f"the order that {agent.name} works on")))


def _policy(host: Host, agent: Agent, above: Sequence[Agent]) -> Policy:
    own = _own(agent)
    skip = _set(host, "MIMOCODE_DANGEROUSLY_SKIP_PERMISSIONS")
    under = parse("allow", "MIMOCODE_DANGEROUSLY_SKIP_PERMISSIONS") if skip else ()
    layers = _layers(host)
    users = [layer for layer in layers if not layer.project]
    return Policy(
        (*DEFAULTS, *under, *own, *_said(layers if host.trusted else users, agent.name)),
        own,
        (*(_policy(host, each, ()) for each in above), *_within(agent)),
        () if host.trusted or len(users) == len(layers) else (*DEFAULTS, *under, *own, *_said(layers, agent.name)),
        yolo=bool(host.options.get("yolo")),
        auto_delete=skip or bool(host.options.get("auto_delete")) or _set(host, "MIMOCODE_AUTO_APPROVE_DELETE"),
    )


class Layer(Protocol):
    """What one source of settings says, as the workspace shows it."""

    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def project(self) -> bool: ...
    def where(self, path: tuple[str, ...], /) -> str:
        """Where a key stands: "file:line", or the name of the source."""
        ...


@dataclass(frozen=True)
class _Whole:
    """All settings as one layer, for a workspace that does not show its layers."""

    data: Mapping[str, Any]
    project: bool

    def where(self, path: tuple[str, ...], /) -> str:
        return "settings"


def _layers(host: Host) -> Sequence[Layer]:
    """The layers of the settings. Where nobody shows them, any key may be the project's: then trust decides on all."""
    shown: Sequence[Layer] | None = getattr(host.settings, "layers", None)
    if shown is None:
        names = [name for name in ("permission", "tools", "agent") if name in host.settings]
        return [_Whole({name: host.settings[name] for name in names}, project=not host.trusted)]
    return shown


def _said(layers: Sequence[Layer], agent: str) -> Iterator[Rule]:
    """The rules of these layers, low to high, then those they have for one agent.

    Read from the layers themselves: merging would lose who said what, and where "ask" meets a table of keys, "ask".
    """
    for layer in layers:
        yield from from_tools(layer.data.get("tools"), layer.where(("tools",)))
        yield from parse(layer.data.get("permission"), _below(layer, "permission"))
    for layer in layers:
        said = _field(_field(layer.data, "agent"), agent)
        if isinstance(said, Mapping):
            yield from from_tools(said.get("tools"), layer.where(("agent", agent, "tools")))
            yield from parse(said.get("permission"), _below(layer, "agent", agent, "permission"))


def _field(table: Any, name: str) -> Any:
    return table.get(name) if isinstance(table, Mapping) else None


def _below(layer: Layer, *path: str) -> Callable[[tuple[str, ...]], str]:
    return lambda keys: layer.where((*path, *keys))


def _set(host: Host, variable: str) -> bool:
    return host.environ.get(variable, "").lower() in ("1", "true")


def approvals(session: Session) -> tuple[Rule, ...]:
    """What the user allowed with "always": in this session, in those that started it, in this project, everywhere."""
    rules: list[Rule] = [*_kept(session.host)]
    holder: Session | None = session
    while holder is not None:
        given: dict[str, None] = {}
        for note in holder.state.notes.get(NOTES, ()):
            given.update(dict.fromkeys(note.get("allow", ())))
            for gone in note.get("forget", ()):
                given.pop(gone, None)
        rules += accepted(given, "your approval")
        holder = holder.parent
    return tuple(rule for rule in rules if rule.key not in PERSONAL)


def _kept(host: Host) -> Iterator[Rule]:
    try:
        table = json.loads((host.paths.data / "approvals.json").read_text("utf-8"))
    except (OSError, ValueError):
        return
    for place in ("*", str(host.root)):
        offers = table.get(place, ()) if isinstance(table, dict) else ()
        yield from accepted((o for o in offers if isinstance(o, str)), "your earlier approval")


def key_of(spec: ToolSpec | None, name: str) -> tuple[str, Mapping[str, Any]]:
    """The permission key of a tool and what its author says that it touches.

    What a foreign server says of its tools never gets here: the toolbox drops it.
    """
    if spec is None:
        return name, {}
    said = spec.meta.get("mimocode")
    touched = said if isinstance(said, Mapping) else {}
    return str(touched.get("permission") or name), touched


def offered(spec: ToolSpec, session: Session) -> bool:
    """Whether to tell the model of a tool at all, asked when a window opens."""
    key, _ = key_of(spec, spec.name)
    now = policy(session)
    named = [rule for rule in (*now.rules, *now.fenced) if rule.key == spec.name != key]
    return not (any(hidden(rules, key) for rules in (now.rules, now.agent, now.fenced)) or hidden(named, spec.name))
