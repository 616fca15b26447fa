"""Where things live on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """The four directories. Nothing is created here."""

    data: Path
    config: Path
    cache: Path
    state: Path


def places(environ: Mapping[str, str]) -> Places:
    """MIMOCODE_HOME or the XDG directories."""
    if home := environ.get("MIMOCODE_HOME"):
        return Places(*(Path(home) / name for name in ("data", "config", "cache", "state")))
    user = Path(environ.get("HOME") or Path.home())
    defaults = {"DATA": ".local/share", "CONFIG": ".config", "CACHE": ".cache", "STATE": ".local/state"}
    return Places(*(Path(environ.get(f"XDG_{k}_HOME") or user / v) / "mimocode" for k, v in defaults.items()))
