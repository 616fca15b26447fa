"""How an approval looks: what, where, why it is asked, and what the keys do."""

from __future__ import annotations

from pathlib import Path

from ..shown.diffs import diff_lines
from ..shown.look import Look
from ..streams import revealed
from ..toolline import diff_of, subject
from .desk import Waiting

LONG_ARGUMENT = 40
"""Lines of one argument that are shown."""


def body(one: Waiting, look: Look) -> list[str]:
    """What would be done, where, and why it is asked."""
    call, session = one.asked.call, one.session
    who = f"A subagent ({session.agent.name})" if session.parent else "The agent"
    lines = look.lines(f"{who} wants to use {call.name}", style="bold yellow")
    command = call.arguments.get("command")
    diff = list(diff_of(call, {}))
    if isinstance(command, str):
        lines += look.lines(revealed(command), first="  $ ", then="    ", hard=True)
    elif diff:
        lines += look.lines(revealed(subject(call)), first="  ") + diff_lines([revealed(row) for row in diff], look, 60)
    else:
        lines += _arguments(one, look)
    lines += look.lines(_where(session.directory, call.arguments), first="  in  ", style="dim")
    lines += look.lines(revealed(_from_home(one.asked.reason)), first="  why ", style="dim")
    return lines


def keys(one: Waiting, look: Look, others: int, armed: bool) -> list[str]:
    """The line of keys, and how many more are waiting."""
    if not armed:
        return look.lines(look.say("Approval waits for a pause in your typing."), style="dim")
    offered = bool(one.asked.offer)
    words = [
        "y once",
        *(["s this session", "a always in this project", "u in all of yours", "e edit that rule"] if offered else []),
        "n deny",
        "m deny and say why",
    ]
    lines = look.choices(map(look.say, words), style="bold")
    if offered:
        lines += look.lines("s, a and u allow " + ", ".join(map(revealed, one.asked.offer)), style="dim")
    return lines + (look.lines(f"{others} more waiting", style="dim") if others else [])


def _where(directory: Path, arguments: object) -> str:
    place = arguments.get("workdir") if isinstance(arguments, dict) else None
    return revealed(_from_home(str(directory / str(place) if place else directory)))


def _from_home(text: str) -> str:
    return text.replace(f"{Path.home()}/", "~/")


def _arguments(one: Waiting, look: Look) -> list[str]:
    call = one.asked.call
    lines: list[str] = []
    for name, value in call.arguments.items():
        shown = revealed(value if isinstance(value, str) else repr(value)).splitlines() or [""]
        more = [f"… {len(shown) - LONG_ARGUMENT} more lines"] if len(shown) > LONG_ARGUMENT else []
        lines += look.lines(
            "\n".join(shown[:LONG_ARGUMENT] + more), first=f"  {revealed(name)}: ", then="    ", hard=True
        )
    return lines
