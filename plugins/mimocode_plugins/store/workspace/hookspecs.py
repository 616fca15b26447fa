# mypy: disable-error-code="empty-body"
"""The hooks that this family brings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mimocode.hookspecs import hookspec


@hookspec()
def find_root(directory: Path) -> Path | None:
    """Say where the project that holds this directory begins."""


@hookspec()
def find_variables(data: Path, environ: Mapping[str, str]) -> Mapping[str, str]:
    """What `{env:NAME}` in settings may stand for besides the environment: tokens of logins at an organisation.

    Asked before there is a workspace, and only when an organisation's settings are there; `data` is the data directory.
    """
