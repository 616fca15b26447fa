"""The `cron` section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass
class Cron:
    """How schedules are kept: off altogether, in which time zone, what is missed, how long they last."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    enabled: bool = True
    time_zone: str = ""
    """A name like "Europe/Berlin"; empty: that of the system."""
    catch_up: Literal["once", "skip"] = "once"
    """What happens to times that passed while nothing ran: one run for all of them, or none."""
    expire_days: float = 7
    """Days after which a repeating job ends by itself; 0: never."""
