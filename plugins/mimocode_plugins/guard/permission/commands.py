"""`mimo permissions` and `/permissions`: see the rules, ask what they say of a command, forget what was approved."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from mimocode.errors import UsageError
from mimocode.events import Noted
from mimocode.messages import ToolCall, ToolSpec
from mimocode.ports import Agent

from ..policy import NOTES, Policy, policy
from ..rules import one_line
from .remember import forget, kept
from .ruling import judge, rule

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

SHELL = ToolSpec("bash", "", {}, meta={"mimocode": {"permission": "bash", "command": "command"}})
USAGE = "say: /permissions, /permissions test COMMAND, or /permissions forget RULE"


@dataclass
class Trial:
    """What a ruling needs of a session, for a call that nobody makes."""

    host: Host
    agent: Agent
    directory: Path
    parent: Any = None
    stash: dict[Any, Any] = field(default_factory=dict)
    state: Any = field(default_factory=lambda: SimpleNamespace(notes={}))
    toolbox: Any = field(default_factory=lambda: SimpleNamespace(specs={"bash": SHELL}))


async def show(args: argparse.Namespace, host: Host) -> int:
    """All rules in force, the later ones stronger, and what was approved for longer."""
    session = await _trial(args.agent, host)
    sys.stdout.writelines(f"{line}\n" for line in (*_rules(policy(session)), *_approved(host)))
    return 0


async def explain(args: argparse.Namespace, host: Host) -> int:
    """What would happen to a command, and which rule says so; exit code 0 allow, 1 ask, 2 deny."""
    session = await _trial(args.agent, host)
    verdict, lines = _explained(" ".join(args.command), session)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return verdict


async def remove(args: argparse.Namespace, host: Host) -> int:
    """Forget an approval that was kept for the project or for good."""
    if not forget(host, args.rule):
        raise UsageError(f'no approval "{args.rule}" is remembered; `mimo permissions list` shows what is')
    sys.stderr.write(f"forgot {args.rule}\n")
    return 0


async def slash(arguments: str, session: Session) -> None:
    """`/permissions [test COMMAND | forget RULE]`."""
    verb, _, rest = arguments.strip().partition(" ")
    if verb == "test" and rest.strip():
        lines = _explained(rest.strip(), session)[1]
    elif verb in ("forget", "remove") and rest.strip():
        lines = [await _forgotten(rest.strip(), session)]
    elif verb in ("", "list"):
        lines = [*_rules(policy(session)), *_approved(session.host), *_noted(session)]
    else:
        lines = [USAGE]
    await session.notice("permission", "\n".join(lines))


async def _forgotten(text: str, session: Session) -> str:
    here = text in [offer for offer, _ in _given(session)]
    if here:
        await session.emit(Noted(NOTES, {"forget": [text]}))
    return f"forgot {text}" if forget(session.host, text) or here else f'no approval "{text}" is remembered'


async def _trial(agent: str, host: Host) -> Session:
    return cast("Session", Trial(host, await host.agent(agent), host.directory))


def _explained(command: str, session: Session) -> tuple[int, list[str]]:
    spec = next((s for s in session.toolbox.specs.values() if _takes_commands(s)), SHELL)
    touched: Any = spec.meta["mimocode"]
    name = touched["command"]
    call = ToolCall("test", spec.name, {name if isinstance(name, str) else name[0]: command})
    ruling = rule(call, session)
    lines = [each.line for each in judge(call, session)]
    said = {"ALLOW": "allowed", "ASK": "asked", "DENY": "denied"}[ruling.verdict.name]
    whose = " (only a person may allow it)" if ruling.forced else ""
    offers = [f'"always" would allow: {one_line(offer)}' for offer in ruling.offer]
    if ruling.verdict:
        lines.sort(key=lambda line: line not in ruling.reason)
        lines = lines if lines and lines[0] in ruling.reason else [ruling.reason, *lines]
    return int(ruling.verdict), [f"{said}{whose}", *map(one_line, dict.fromkeys(lines)), *offers]


def _takes_commands(spec: ToolSpec) -> bool:
    said = spec.meta.get("mimocode")
    return isinstance(said, dict) and said.get("permission") == "bash" and bool(said.get("command"))


def _rules(now: Policy) -> Iterator[str]:
    for each in now.rules:
        yield str(each)
    for each in now.fenced:
        if each not in now.rules and each.verdict:
            yield f"{each}, counts although the folder is not trusted: it only tightens"


def _approved(host: Host) -> Iterator[str]:
    for place, offer in kept(host):
        yield f"{one_line(offer)}  (you approved it {'everywhere' if place == '*' else f'in {place}'})"


def _noted(session: Session) -> Iterator[str]:
    for offer, holder in _given(session):
        yield f"{one_line(offer)}  (you approved it in session {holder})"


def _given(session: Session) -> list[tuple[str, str]]:
    """What was approved in this session and those above it, as "key: pattern", and where."""
    found: dict[str, str] = {}
    holder: Session | None = session
    while holder is not None:
        for note in holder.state.notes.get(NOTES, ()):
            found.update(dict.fromkeys(map(str, note.get("allow", ())), holder.id))
            for gone in note.get("forget", ()):
                found.pop(str(gone), None)
        holder = holder.parent
    return list(found.items())
