"""A home and a project where there is no keyring."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.cli import Cli
from support.ring import newcomer


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` as somebody runs it who has nothing yet."""
    return newcomer(tmp_path)
