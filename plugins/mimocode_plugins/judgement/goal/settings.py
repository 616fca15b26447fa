"""The `goal` section."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

_PYDANTIC: Any = {"extra": "forbid"}


class GoalSettings(TypedDict, total=False):
    """Who judges, and how much of it there may be; defaults are those of `goals.Wanted`."""

    __pydantic_config__ = _PYDANTIC  # type: ignore[misc]

    model: Annotated[str, Field(description="Who judges, as provider/model; empty: the model of the session.")]
    rounds: Annotated[int, Field(ge=1, description="How often the agent is sent back before it may give up (12).")]
    tokens: Annotated[int, Field(ge=1000, description="What judging one goal may use in all (500,000).")]
    timeout: Annotated[float, Field(gt=0, description="Seconds for one verdict (120).")]
    check_timeout: Annotated[float, Field(gt=0, description="Seconds for one check command (300).")]
