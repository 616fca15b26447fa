"""Which commands nobody should run only to see whether they work."""

from __future__ import annotations

from .destructive import destroys
from .egress import leaves
from .shell import commands


def doubt(text: str) -> str | None:
    """Why a command line is not to be tried out; None when nothing speaks against it."""
    found = commands(text)
    if found is None:
        return "it is not fully understood"
    if any(destroys(each) for each in found):
        return "it destroys what cannot be brought back"
    return "it sends something to another machine" if any(leaves(each) for each in found) else None
