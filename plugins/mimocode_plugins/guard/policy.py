"""The policy of a session: all rules in force, in order, and how a decision is taken from them.

Order (surface.md 7): defaults, the agent, the user's settings, the user's settings for this agent. On top of it two
things never bend: what the agent itself denies stays denied whatever broader settings allow, and an approval
turns "ask" into "allow" but never touches "deny" (runtime.md 1.15).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mimocode.ports import StashKey, Verdict

from .rules import Rule, accepted, from_tools, hidden, last_match, parse

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.messages import ToolSpec
    from mimocode.session import Session

NOTES = "permission"
"""Under this name approvals are noted in the log."""
FORCED = "bash_delete"
"""No rule, approval or mode satisfies this key; only a person does (or `auto_delete`)."""

DEFAULTS = (
    *parse(
        {
            "*": "allow",
            "doom_loop": "ask",
            "external_directory": "ask",
            "question": "deny",
            "plan_exit": "deny",
            "read": {"*": "allow", "*.env": "ask", "*.env.*": "ask", "*.env.example": "allow"},
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
    yolo: bool = False
    auto_delete: bool = False

    def decide(self, key: str, text: str) -> Decision:
        """What the last matching rule says, unless the agent's own rules deny."""
        own = last_match(self.agent, key, text)
        if own and own.verdict is Verdict.DENY:
            return Decision(Verdict.DENY, own)
        rule = last_match(self.rules, key, text)
        return Decision(rule.verdict if rule else Verdict.ASK, rule)

    def tightens(self, key: str, text: str) -> Decision | None:
        """What rules written for this very case say of another spelling of it; blanket rules have had their say."""
        rule = last_match(self.rules, key, text)
        own = last_match(self.agent, key, text)
        strict = own if own and own.verdict is Verdict.DENY else rule
        if strict is None or strict.pattern == "*" or strict.verdict is Verdict.ALLOW:
            return None
        return Decision(strict.verdict, strict)


def policy(session: Session) -> Policy:
    """The policy of a session, computed anew only when its agent is another."""
    agent = session.agent
    known: tuple[Any, Policy] | None = session.stash.get(_cached)
    if known is None or known[0] is not agent:
        known = session.stash[_cached] = (agent, _policy(session.host, agent))
    return known[1]


def _policy(host: Host, agent: Any) -> Policy:
    where = f"agent {agent.name}"
    own = (*from_tools(agent.options.get("tools"), where), *parse(agent.options.get("permission"), where))
    skip = _set(host, "MIMOCODE_DANGEROUSLY_SKIP_PERMISSIONS")
    under = parse("allow", "MIMOCODE_DANGEROUSLY_SKIP_PERMISSIONS") if skip else ()
    settings = (*from_tools(_setting(host, "tools"), "settings"), *parse(_setting(host, "permission"), "settings"))
    for_agent = _field(_field(_setting(host, "agent"), agent.name), "permission")
    return Policy(
        (*DEFAULTS, *under, *own, *settings, *parse(for_agent, f"settings for agent {agent.name}")),
        own,
        yolo=bool(host.options.get("yolo")),
        auto_delete=skip or bool(host.options.get("auto_delete")) or _set(host, "MIMOCODE_AUTO_APPROVE_DELETE"),
    )


def _setting(host: Host, name: str) -> Any:
    try:
        return host.settings[name]
    except KeyError:  # nobody claims it in this host
        return None


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _set(host: Host, variable: str) -> bool:
    return host.environ.get(variable, "").lower() in ("1", "true")


def approvals(session: Session) -> tuple[Rule, ...]:
    """What the user allowed with "always": in this session, in those that started it, in this project, everywhere."""
    rules: list[Rule] = [*_kept(session.host)]
    holder: Session | None = session
    while holder is not None:
        for note in holder.state.notes.get(NOTES, ()):
            rules += accepted(note.get("allow", ()), "your approval")
        holder = holder.parent
    return tuple(rule for rule in rules if rule.key != FORCED)


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
    by_name = [rule for rule in now.rules if rule.key == spec.name]
    return not (hidden(now.rules, key) or hidden(now.agent, key) or hidden(by_name, spec.name))
