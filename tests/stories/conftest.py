"""What the stories share."""

import pytest

from support.job import WIRES


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> str:
    """Every wire in turn."""
    return str(request.param)
