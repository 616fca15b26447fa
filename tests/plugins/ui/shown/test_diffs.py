"""Diffs below each other, and side by side where there is room."""

from __future__ import annotations

from rich.cells import cell_len

from mimocode_plugins.ui.shown.diffs import diff_lines
from mimocode_plugins.ui.shown.look import Look

DIFF = ["--- a/x", "+++ b/x", "@@ -8,3 +8,3 @@", " same", "-total = 1", "+total += 漢字", "+more", " end"]


def test_narrow() -> None:
    assert diff_lines(DIFF, Look(60, split=True), 99) == ["  " + line for line in DIFF[2:]]


def test_wide() -> None:
    lines = diff_lines(DIFF, Look(110, split=True), 99)
    rows = [tuple(part.strip() for part in line.split("│")) for line in lines[1:]]
    assert lines[0] == "  @@ -8,3 +8,3 @@"
    assert rows == [
        ("8 same", "8 same"), ("9 total = 1", "9 total += 漢字"), ("", "10 more"), ("10 end", "11 end")
    ]  # fmt: skip
    assert len({cell_len(line.partition("│")[0]) for line in lines[1:]}) == 1


def test_long_lines_are_wrapped_within_their_side_and_what_is_too_long_is_said() -> None:
    lines = diff_lines(["@@ -1 +1 @@", "-" + "漢" * 100, "+short", *["+x"] * 5], Look(110, split=True), 3)
    assert all(cell_len(line) <= 110 for line in lines)
    assert "".join(lines).count("漢") == 100
    assert lines[-1] == "  … 5 more lines, /details shows them"
