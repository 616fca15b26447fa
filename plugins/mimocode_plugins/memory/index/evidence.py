"""Whose words a claim is: looked up in the log, never taken from whoever makes the claim.

A claim is the user's when one sentence or two of one message of the user hold nearly all of its words and agree on
every "not". It is untrusted when a tool's result says it. Everything else is the agent's own conclusion.
"""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise
from os.path import commonprefix
from typing import TYPE_CHECKING
from unicodedata import normalize

from mimocode.events import CallFinished, MessageAdded, Noted
from mimocode.messages import Text

from .stem import stem
from .text import words

if TYPE_CHECKING:
    from mimocode.events import Event
    from mimocode.ports import Store
    from mimocode.session import Session

USER, TOOL = 0.8, 0.6
"""Shares of a claim's words that must be found."""
_NOT = re.compile(
    r"\b(?:not|never|no|don'?t|doesn'?t|won'?t|can'?t|cannot|without|instead|avoid|stop"
    r"|nicht|nie|niemals|kein\w*|ohne|statt|pas|jamais|sans|nunca|jamás|sin|não|sem|non|mai|senza|не|нет|нельзя|без)\b"
    r"|[不别勿莫没]|禁止|ない|ません|せず|않|말고|말 것|마세요|없|못|금지",
    re.IGNORECASE,
)
"""What turns a sentence round, in the languages that users write most."""
_SENTENCE = re.compile(r"(?<=[.!?。！？;])\s+|\n+|(?<=[。！？])")


async def judge(claim: str, session: Session) -> tuple[str, str]:
    """Source ("user", "agent", "untrusted") and evidence ("session#number") of a claim."""
    root = session
    while root.parent is not None:
        root = root.parent
    store = await session.host.store()
    latest = f"{session.id}#{session.state.seq}"
    return await asyncio.to_thread(_judged, claim, list(dict.fromkeys((root.id, session.id))), store, latest)


def _judged(claim: str, holders: list[str], store: Store, latest: str) -> tuple[str, str]:
    """Reads all that was said and printed in these sessions, the first of which is the user's."""
    wanted = {stem(word) for word in words(claim)}
    hints = [commonprefix([word, stem(word)]) for word in words(claim)]  # noqa: RUF071 - of words, not of paths
    found = ("agent", latest)
    for holder in holders:
        typed: str | None = None
        for entry in store.read(holder):
            at = f"{holder}#{entry.seq}"
            if isinstance(entry.event, Noted) and entry.event.plugin == "command":
                typed = str(entry.event.data.get("typed", ""))
            elif said := _of_user(entry.event):
                said, typed = said if typed is None else typed, None
                if holder == holders[0] and _said(said, claim, wanted):
                    return "user", at
            if found[0] == "agent" and _holds(_likely(_of_tool(entry.event), hints), wanted, TOOL):
                found = ("untrusted", at)
    return found


def _likely(printed: str, hints: list[str]) -> str:
    """What a tool printed if it can hold the claim, else nothing: taking all of it apart would take a second for each
    megabyte."""
    low = printed.casefold()
    if not low.isascii():
        low += re.sub("[\u0300-\u036f]", "", normalize("NFD", low))
    return printed if sum(hint in low for hint in hints) >= TOOL * len(hints) else ""


def _of_user(event: Event) -> str:
    """What the user typed; not what a plugin put in the user's place."""
    typed = isinstance(event, MessageAdded) and event.message.role == "user" and not event.message.origin
    return event.message.text if isinstance(event, MessageAdded) and typed else ""


def _of_tool(event: Event) -> str:
    if not isinstance(event, CallFinished):
        return ""
    return "\n".join(block.text for block in event.content if isinstance(block, Text))


def _said(message: str, claim: str, wanted: set[str]) -> bool:
    """Whether the user said it; what stands between the words of a long message does not add up to a claim."""
    sentences = [part for part in _SENTENCE.split(message) if part.strip()]
    pairs = [*sentences, *(f"{a} {b}" for a, b in pairwise(sentences))]
    negated = bool(_NOT.search(claim))
    return any(_holds(part, wanted, USER) and bool(_NOT.search(part)) == negated for part in pairs)


def _holds(text: str, wanted: set[str], share: float) -> bool:
    if not wanted:
        return False
    held = wanted & {stem(word) for word in words(text)}
    return len(held) >= share * len(wanted)
