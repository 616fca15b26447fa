"""The setting `sandbox`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

_PYDANTIC: Any = {"extra": "forbid"}


class SandboxSettings(TypedDict, total=False):
    """What commands may reach; defaults are those of `Wanted`. Paths begin with `~` or start at the project."""

    __pydantic_config__ = _PYDANTIC  # type: ignore[misc]

    enabled: Annotated[
        bool | Literal["auto", "bubblewrap"],
        Field(description='"auto": the best sandbox there is; a name: that one or none; false: none.'),
    ]
    required: Annotated[bool, Field(description="Without a sandbox no command runs.")]
    network: Annotated[bool, Field(description="Whether commands reach the network.")]
    writable: Annotated[list[str], Field(description="What commands may write beside the project.")]
    hidden: Annotated[list[str], Field(description="What commands may not read, beside keys and credentials.")]


@dataclass(frozen=True)
class Wanted:
    """The section with its defaults."""

    enabled: bool | str = "auto"
    required: bool = False
    network: bool = False
    writable: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Wanted:
        """From what the settings say."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in said.items()
        }
        return cls(**values)

    @property
    def only(self) -> str:
        """The one kind of sandbox that will do; "" for any."""
        return self.enabled if isinstance(self.enabled, str) and self.enabled != "auto" else ""
