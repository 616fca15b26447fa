"""The setting `sandbox`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from .names import rules

_PYDANTIC: Any = {"extra": "forbid"}


def _hosts(said: list[str]) -> list[str]:
    """Every entry has to be a host; ValueError names the one that is not."""
    rules(said)
    return said


class SandboxSettings(TypedDict, total=False):
    """What commands may reach; defaults are those of `Wanted`. Paths begin with `~` or start at the project."""

    __pydantic_config__ = _PYDANTIC  # type: ignore[misc]

    enabled: Annotated[
        bool | Literal["auto", "bubblewrap", "landlock", "seatbelt"],
        Field(description='"auto": the best sandbox there is; a name: that one or none; false: none.'),
    ]
    required: Annotated[bool, Field(description="Without a sandbox no command runs.")]
    network: Annotated[
        bool | Annotated[list[str], AfterValidator(_hosts)],
        Field(description="Hosts that commands reach, as pypi.org, *.npmjs.org, x.org:8080; or all, or none."),
    ]
    writable: Annotated[list[str], Field(description="What commands may write beside the project.")]
    hidden: Annotated[list[str], Field(description="What commands may not read, beside keys and credentials.")]
