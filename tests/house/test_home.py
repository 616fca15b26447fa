"""No test reads or writes what belongs to whoever runs it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from mimocode.host import Host
from mimocode_plugins.store import workspace


def test_what_a_test_opens_without_a_word_lies_in_a_home_of_its_own(tmp_path: Path) -> None:
    real = Path(pwd.getpwuid(os.getuid()).pw_dir)
    places = vars(Host([workspace], directory=tmp_path, external=False).paths)
    assert set(places) == {"data", "config", "cache", "state"}
    for place in places.values():
        assert place.is_relative_to(os.environ["HOME"])
    assert Path(os.environ["HOME"]) != real
    assert not list(Path.home().iterdir()), "and nothing is in it from a test before"
