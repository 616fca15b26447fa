"""The `retry` section."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RetrySettings(BaseModel):
    """Without these keys every kind of failure has limits of its own."""

    model_config = ConfigDict(extra="forbid")

    max_attempts: int | None = Field(
        default=None,
        alias="maxAttempts",
        ge=1,
        le=100,
        description="Attempts in all, the first included; 1 never retries.",
    )
    max_wait: float | None = Field(
        default=None, alias="maxWait", ge=0, description="Seconds to wait at most when the provider asks to wait (300)."
    )
