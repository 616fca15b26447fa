"""The profile for macOS: its shape, since it can only run there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mimocode_plugins.guard.sandbox import seatbelt
from mimocode_plugins.guard.sandbox.ladder import climb
from mimocode_plugins.guard.sandbox.layout import Access, Layout

PLAN = Layout(
    Path("/private/tmp/own"),
    (Path("/private/tmp"),),
    {
        Path("/Users/me/code"): Access.WRITE,
        Path("/Users/me/code/.git"): Access.WRITE,
        Path("/Users/me/code/.git/config"): Access.READ,
        Path("/Users/me/.ssh"): Access.HIDE,
        Path('/Users/me/a "quoted\\ name'): Access.HIDE,
    },
)
PROFILE = r"""(version 1)
(allow default)
(deny file-write*)
(allow file-write* (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty") (literal "/dev/dtracehelper") (literal "/dev/ptmx"))
(allow file-write* (subpath "/dev/fd") (subpath "/private/tmp/own"))
(deny file-read* file-write* (subpath "/Users/me/.ssh"))
(deny file-read* file-write* (subpath "/Users/me/a \"quoted\\ name"))
(allow file-read* file-write* (subpath "/Users/me/code"))
(allow file-read* file-write* (subpath "/Users/me/code/.git"))
(deny file-write* (subpath "/Users/me/code/.git/config"))
(allow file-read* (subpath "/Users/me/code/.git/config"))
(deny file-write-unlink (literal "/Users/me/code") (literal "/Users/me/code/.git"))
(deny network*)
(deny process-info* (target others))
(deny signal (target others))
(allow signal (target children))"""


def test_a_profile_is_what_the_plan_says() -> None:
    assert seatbelt.profile(PLAN, network=False) == PROFILE
    assert seatbelt.profile(PLAN, network=True) == PROFILE.replace("(deny network*)\n", "")


def test_every_parenthesis_closes() -> None:
    text = seatbelt.profile(PLAN, network=False).replace('\\"', "")
    outside = "".join(text.split('"')[::2])
    depth = 0
    for sign in outside:
        depth += (sign == "(") - (sign == ")")
        assert depth >= 0
    assert depth == 0


def test_a_command_line() -> None:
    words = seatbelt.command("/usr/bin/sandbox-exec", PLAN, Path("/none"), Path("/"), ["bash", "-c", "x"], False)
    assert words == [
        "/usr/bin/sandbox-exec", "-p", PROFILE, "/usr/bin/env", "TMPDIR=/private/tmp/own", "bash", "-c", "x",
    ]  # fmt: skip


@pytest.mark.skipif(sys.platform != "darwin", reason="sandbox-exec is a program of macOS")
def test_it_holds() -> None:
    assert climb(seatbelt.NAME).rung == seatbelt.NAME
