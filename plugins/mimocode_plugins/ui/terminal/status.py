"""The status line: who answers, with which model, how full the window is, what it cost, what holds commands back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len

from ..shown.look import Look
from .live import fit

if TYPE_CHECKING:
    from mimocode.session import Session

    from .feed import Feed


def status(session: Session | None, model: str, unsent: int, look: Look, branch: str, feed: Feed) -> str:
    """One line that fits: what matters least is left out first."""
    if session is None:
        return look.paint(
            fit_indented(look.say("opening") + (f" · {unsent} waiting to be sent" if unsent else ""), look.width), "dim"
        )
    parts = [
        session.agent.name,
        short(model, look.width // 3),
        share(session),
        money(session.state.usage.cost),
        f"{feed.rate:.0f} tokens/s" if feed.rate else "",
        sandbox(session),
        *told(session),
        f"{len(feed.now.children)} subagent{'s' * (len(feed.now.children) > 1)}" if feed.now.children else "",
        f"⎇ {branch}" if branch else "",
    ]
    parts = [part for part in parts if part]
    while len(parts) > 2 and cell_len("  " + " · ".join(parts)) > look.width:
        parts.pop()
    return look.paint(fit_indented(" · ".join(parts), look.width), "dim")


def branch_of(directory: Path) -> str:
    """What git has checked out in a directory, read from its files; "" when there is no telling."""
    for folder in (directory, *directory.parents):
        place = folder / ".git"
        try:
            if place.is_file():
                place = folder / place.read_text("utf-8").removeprefix("gitdir:").strip()
            head = (place / "HEAD").read_text("utf-8").strip()
        except (OSError, UnicodeError):
            continue
        return head.removeprefix("ref: refs/heads/") if head.startswith("ref: ") else head[:8]
    return ""


def short(model: str, width: int) -> str:
    """A model's name that leaves room for the rest: without its provider, then with its end alone."""
    name = model if cell_len(model) <= width else model.rpartition("/")[2]
    return name if cell_len(name) <= width else "…" + name[-max(1, width - 1) :]


def share(session: Session) -> str:
    """How much of the context window is used: "12% of 200k". Who limits it says so in the host's options."""
    used = session.state.context
    window = session.host.options.get("windows", {}).get(session.id) or (session.model.window if session.model else 0)
    if window:
        return f"{100 * used // window}% of {thousands(window)}"
    return thousands(used) if used else ""


def thousands(tokens: int) -> str:
    """Tokens for people: 950, 12k, 1.2M."""
    if tokens >= 1_000_000:
        return f"{tokens / 1_000_000:.1f}M"
    return f"{tokens / 1000:.0f}k" if tokens >= 1000 else str(tokens)


def money(dollars: float) -> str:
    """Dollars, nothing when there are none."""
    return f"${dollars:.2f}" if dollars >= 0.005 else "<$0.01" if dollars else ""


def told(session: Session) -> list[str]:
    """What plugins want to be seen: of a session by the key `status_line` of their latest note, of the whole workspace
    by their entry in the host's option of that name.
    """
    notes = (said[-1].get("status_line") for said in session.state.notes.values() if len(said))
    ours = session.host.options.get("status_line", {}).values()
    return [str(line) for line in (*notes, *ours) if line]


def sandbox(session: Session) -> str:
    """What holds commands back; said by whoever sets it up in the host's options."""
    if session.host.options.get("yolo"):
        return "approves everything"
    return str(session.host.options.get("sandbox") or "no sandbox")


def fit_indented(text: str, width: int) -> str:
    """Like `fit`, two columns in."""
    return "  " + fit(text, width - 2)
