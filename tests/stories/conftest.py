"""What stories of the command line share."""

from pathlib import Path

import pytest

from support.cli import Cli
from support.job import WIRES


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` in a home and a project of its own."""
    return Cli(tmp_path)


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> str:
    """Every wire in turn."""
    return str(request.param)
