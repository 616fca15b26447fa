"""`--budget` says what it means or is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.errors import UsageError
from mimocode_plugins.ui.run.budget import parse_budget


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("200k", {"tokens": 200_000}),
        ("1.5M", {"tokens": 1_500_000}),
        ("5000", {"tokens": 5000}),
        ("$0.50", {"cost": 0.5}),
        ("90s", {"seconds": 90}),
        ("10m", {"seconds": 600}),
        ("2h", {"seconds": 7200}),
        ("200k,$0.50, 10m", {"tokens": 200_000, "cost": 0.5, "seconds": 600}),
    ],
)
def test_limits(text: str, limits: dict[str, float]) -> None:
    assert parse_budget(text) == limits


@pytest.mark.parametrize("text", ["", "ten", "-5k", "$", "0", "$0", "10m,5s", "200k,", "٣k", "1e9", "nan", "$inf"])
def test_what_makes_no_sense_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="--budget"):
        parse_budget(text)


@given(st.text())
def test_any_text_is_limits_or_a_sentence(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert all(value > 0 for value in parse_budget(text).values())
