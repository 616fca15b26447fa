"""What all tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

from support.cli import Cli

settings.register_profile("calm", deadline=None)  # the machine may be busy: how long an example takes says nothing
settings.load_profile("calm")


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` in a home and a project of its own."""
    return Cli(tmp_path)
