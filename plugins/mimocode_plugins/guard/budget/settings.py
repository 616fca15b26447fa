"""The setting `budget`."""

from __future__ import annotations

from typing import Literal

from mimocode.ports import Setting

BUDGET = Setting(
    "budget",
    dict[Literal["tokens", "cost", "seconds", "turns"], float],
    {},
    "Limits of one run with all its children: tokens, cost (US dollars), seconds, turns.",
    needs_trust=True,
)
