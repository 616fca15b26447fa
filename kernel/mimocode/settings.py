"""Settings: defaults only, for now."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .ports import Setting


class Settings:
    """What the settings files add up to."""

    def __init__(self, claims: dict[str, Setting], data: dict[str, Any]) -> None:
        self._claims, self._data = claims, data

    @classmethod
    def load(cls, claims: Iterable[tuple[str, Setting]], **sources: Any) -> Settings:
        """Read the sources."""
        file = sources["places"].config / "mimocode.json"
        data = json.loads(file.read_text("utf-8")) if file.exists() else {}
        return cls({setting.name: setting for _, setting in claims}, data)

    def __contains__(self, name: str) -> bool:
        return name in self._claims

    def __getitem__(self, name: str) -> Any:
        return self._data.get(name, self._claims[name].default)
