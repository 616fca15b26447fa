"""The setting `sandbox` as it counts, with its defaults. What validates it is in `settings`, and only then imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Wanted:
    """The section with its defaults."""

    enabled: bool | str = "auto"
    required: bool = False
    network: bool | tuple[str, ...] = False
    writable: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()

    @classmethod
    def of(cls, said: Mapping[str, Any] | None) -> Wanted:
        """From what the settings say."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in (said or {}).items()
        }
        return cls(**values)

    @property
    def reach(self) -> Literal["off", "listed", "open"]:
        """What of the network commands reach; an empty list is nothing."""
        return (
            ("open" if self.network else "off")
            if isinstance(self.network, bool)
            else "listed"
            if self.network
            else "off"
        )

    @property
    def only(self) -> str:
        """The one kind of sandbox that will do; "" for any."""
        return self.enabled if isinstance(self.enabled, str) and self.enabled != "auto" else ""
