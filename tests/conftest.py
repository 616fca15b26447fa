"""What all tests share, the first of which is that none of them touches the home of whoever runs them."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from support.cli import Cli

settings.register_profile("calm", deadline=None)  # the machine may be busy: how long an example takes says nothing
settings.load_profile("calm")

HOMES = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Nothing of the user's reaches a test, nor a test the user's: a home of its own for each, none of our variables."""
    for name in list(os.environ):
        if name.startswith(("MIMOCODE_", "XDG_CONFIG_", "XDG_DATA_", "XDG_CACHE_", "XDG_STATE_")):
            del os.environ[name]
    config.stash[HOMES] = Path(tempfile.mkdtemp(prefix="mimocode-homes-"))
    os.environ["HOME"] = str(config.stash[HOMES])


def pytest_unconfigure(config: pytest.Config) -> None:
    """They go when the run ends."""
    shutil.rmtree(config.stash[HOMES], ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A fresh home; no fixture, so that tests of hypothesis have one too."""
    os.environ["HOME"] = tempfile.mkdtemp(dir=item.config.stash[HOMES])


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` in a home and a project of its own."""
    return Cli(tmp_path)
