"""A home and a project where there is no keyring."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.cli import Cli
from support.ring import no_keyring


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` as somebody runs it who has nothing yet."""
    made = Cli(tmp_path)
    no_keyring(made)
    made.env["PROMPT_TOOLKIT_NO_CPR"] = "1"
    return made
