"""The four directories, from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from mimocode.errors import SettingsError
from mimocode.ports import Places
from mimocode_plugins.store.workspace.places import flag, home, places


def test_without_wishes_the_directories_are_those_of_the_xdg_rules() -> None:
    assert places({"HOME": "/home/ada"}) == Places(
        Path("/home/ada/.local/share/mimocode"),
        Path("/home/ada/.config/mimocode"),
        Path("/home/ada/.cache/mimocode"),
        Path("/home/ada/.local/state/mimocode"),
    )


def test_xdg_variables_move_them_unless_they_are_relative() -> None:
    found = places({"HOME": "/home/ada", "XDG_CONFIG_HOME": "/etc/ada", "XDG_CACHE_HOME": "here"})
    assert (found.config, found.cache) == (Path("/etc/ada/mimocode"), Path("/home/ada/.cache/mimocode"))


def test_one_variable_moves_all_four() -> None:
    assert places({"MIMOCODE_HOME": "/srv/m", "XDG_DATA_HOME": "/x"}) == Places(
        Path("/srv/m/data"), Path("/srv/m/config"), Path("/srv/m/cache"), Path("/srv/m/state")
    )


def test_it_must_be_absolute() -> None:
    with pytest.raises(SettingsError, match=r'^MIMOCODE_HOME: must be an absolute path, but is "m"$'):
        places({"MIMOCODE_HOME": "m"})


def test_nothing_is_made(tmp_path: Path) -> None:
    places({"MIMOCODE_HOME": str(tmp_path / "m")})
    assert list(tmp_path.iterdir()) == []


def test_home_falls_back_to_the_account() -> None:
    assert (home({"HOME": "/home/ada"}), home({})) == (Path("/home/ada"), Path.home())


@pytest.mark.parametrize(
    ("value", "says_yes"), [("1", True), ("TRUE", True), ("0", False), ("", False), ("yes", False)]
)
def test_flags(value: str, says_yes: bool) -> None:
    assert flag({"X": value}, "X") is says_yes
