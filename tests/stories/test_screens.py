"""The screens that the README shows are of this program: they can be made again, and say what they said."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Callable

import pytest

from support import screens

pytestmark = [pytest.mark.timeout(600), pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")]
CHANGES = re.compile(
    r"\d+ s\b( ago)?|just now|\d+ min ago|\d+ facts|\d+%|[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]|[\w, ]*(sandbox|network)\b|landlock|bubblewrap"
)


def words(picture: str) -> set[str]:
    """The words of a picture, without what is different each time and on each machine."""
    rows = re.findall(r"<text[^>]*>(.*?)</text>", picture)
    return set(CHANGES.sub("", " ".join(html.unescape(row).replace("\xa0", " ") for row in rows)).split())


@pytest.mark.slow
@pytest.mark.parametrize("draw", [screens.work, screens.team, screens.sessions])
def test_a_screen_of_the_readme_is_what_is_seen_today(draw: Callable[[], str]) -> None:
    kept = (screens.PLACE / f"{draw.__name__}.svg").read_text("utf-8")
    assert "http" not in re.sub(r'xmlns="[^"]*"', "", kept), "a picture loads nothing from elsewhere"
    gone = words(kept) - words(draw())
    assert len(gone) <= 4, f"no longer to be seen: {sorted(gone)}; make them again with python -m support.screens"
