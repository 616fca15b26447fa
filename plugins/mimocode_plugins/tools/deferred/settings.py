"""The setting `tool_search`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass


@dataclass(config={"extra": "forbid"})
class ToolSearch:
    """When tools wait until they are looked for."""

    enabled: bool = True
    """False: every tool is told at once."""
    budget: Annotated[int, Field(ge=0)] = 4000
    """Tokens that the tools of MCP servers may take in every request; whole servers wait when they take more."""
