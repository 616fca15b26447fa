"""The `retry` section."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

_PYDANTIC: Any = {"extra": "forbid"}


class RetrySettings(TypedDict, total=False):
    """Without these keys every kind of failure has limits of its own."""

    __pydantic_config__ = _PYDANTIC  # type: ignore[misc]

    maxAttempts: Annotated[int, Field(ge=1, le=100, description="Attempts in all; 1 never retries.")]
    firstWait: Annotated[float, Field(ge=0, description="Seconds before the second attempt; they double from there.")]
    maxWait: Annotated[float, Field(ge=0, description="Seconds that a provider may ask to wait (300).")]
