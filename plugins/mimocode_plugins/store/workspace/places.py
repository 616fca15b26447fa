"""Where this product keeps its files: four directories, found from the environment and never made here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mimocode.errors import SettingsError
from mimocode.ports import Places

NAME = "mimocode"


def places(environ: Mapping[str, str]) -> Places:
    """The directories for this environment: below `MIMOCODE_HOME`, else those of the XDG base directory rules.

    Raises:
        SettingsError: `MIMOCODE_HOME` is not an absolute path.
    """
    if own := environ.get("MIMOCODE_HOME"):
        base = Path(own)
        if not base.is_absolute():
            raise SettingsError(f'must be an absolute path, but is "{own}"', "MIMOCODE_HOME")
        return Places(base / "data", base / "config", base / "cache", base / "state")

    def xdg(variable: str, fallback: str) -> Path:
        path = Path(environ.get(variable) or "")
        # The XDG rules say that a relative path is to be ignored.
        return (path if path.is_absolute() else home(environ) / fallback) / NAME

    return Places(
        data=xdg("XDG_DATA_HOME", ".local/share"),
        config=xdg("XDG_CONFIG_HOME", ".config"),
        cache=xdg("XDG_CACHE_HOME", ".cache"),
        state=xdg("XDG_STATE_HOME", ".local/state"),
    )


def home(environ: Mapping[str, str]) -> Path:
    """The user's home directory in this environment."""
    return Path(environ["HOME"]) if environ.get("HOME") else Path.home()


def flag(environ: Mapping[str, str], variable: str) -> bool:
    """Whether a variable says yes: "1" or "true" in any case (surface 4.2)."""
    return environ.get(variable, "").lower() in ("1", "true")
