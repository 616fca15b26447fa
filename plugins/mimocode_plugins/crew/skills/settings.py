"""The setting `skills`."""

from __future__ import annotations

from dataclasses import field

from pydantic.dataclasses import dataclass


@dataclass(config={"extra": "forbid"})
class Skills:
    """More folders that hold skills, each absolute, below `~/`, or relative to the project."""

    paths: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    """Collections to download; understood and not fetched: a skill is instructions, install it by hand."""
