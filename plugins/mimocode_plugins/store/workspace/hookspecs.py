# mypy: disable-error-code="empty-body"
"""The hook that this family brings."""

from __future__ import annotations

from pathlib import Path

from mimocode.hookspecs import hookspec


@hookspec()
def find_root(directory: Path) -> Path | None:
    """Say where the project that holds this directory begins."""
