"""Where this product keeps its files: four directories, found from the environment and never made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import SettingsError

NAME = "mimocode"


@dataclass(frozen=True)
class Places:
    """The four directories. Whoever writes into one makes it."""

    data: Path
    """The log, credentials, what was learnt: worth a backup."""
    config: Path
    """What the user wrote."""
    cache: Path
    """May be deleted at any time."""
    state: Path
    """Small things to remember between runs: preferences of the screen, prompt history."""


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
