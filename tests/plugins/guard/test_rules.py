"""Rules match as the settings say, and no pattern can stall the guard."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.errors import SettingsError
from mimocode.ports import Verdict
from mimocode_plugins.guard.rules import (
    Rule,
    accepted,
    from_tools,
    hidden,
    last_match,
    matches,
    offer,
    one_line,
    parse,
)

SMALL = st.text(alphabet="ab *?\\\n", max_size=9)


def slowly(pattern: str, text: str) -> bool:
    """The definition, word for word."""

    @cache
    def at(p: int, t: int) -> bool:
        if p == len(pattern):
            return t == len(text)
        if pattern[p] == "*":
            return any(at(p + 1, later) for later in range(t, len(text) + 1))
        return t < len(text) and pattern[p] in ("?", text[t]) and at(p + 1, t + 1)

    return at(0, 0)


@given(SMALL, SMALL)
def test_the_matcher_agrees_with_the_definition(pattern: str, text: str) -> None:
    expected = pattern == text or slowly(pattern, text) or (pattern.endswith(" *") and slowly(pattern[:-2], text))
    assert matches(pattern, text) == expected


@given(SMALL)
def test_every_text_matches_itself_and_the_star(text: str) -> None:
    assert matches(text, text)
    assert matches("*", text)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("git status *", "git status", True),
        ("git status *", "git status -s", True),
        ("git status *", "git statusx", False),
        ("git*", "git push\n--force", True),
        ("*.env", "/home/me/app/.env", True),
        ("*.env", "/home/me/app/.env.example", False),
        ("src/?.py", "src/a.py", True),
        ("src/?.py", "src/ab.py", False),
        ("git status", "sudo git status", False),
        ("/w/app/*", "/w/app-evil/x", False),
    ],
)
def test_examples(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


def test_a_hostile_pattern_takes_no_longer_than_a_kind_one() -> None:
    began = time.perf_counter()
    assert not matches("*a" * 200 + "b", "a" * 4000)
    assert time.perf_counter() - began < 30


def test_order_is_kept_and_the_last_match_wins() -> None:
    rules = parse({"bash": {"*": "ask", "git *": "allow", "git push *": "deny"}, "edit": "allow"}, "settings")
    assert [(r.key, r.pattern, r.verdict.name) for r in rules] == [
        ("bash", "*", "ASK"),
        ("bash", "git *", "ALLOW"),
        ("bash", "git push *", "DENY"),
        ("edit", "*", "ALLOW"),
    ]
    verdicts = {t: last_match(rules, "bash", t) for t in ("ls", "git log", "git push origin")}
    assert [r.verdict.name for r in verdicts.values() if r] == ["ASK", "ALLOW", "DENY"]
    assert last_match(rules, "read", "x") is None


def test_an_action_alone_is_a_rule_for_everything_and_home_is_written_out() -> None:
    assert parse("ask", "s") == (Rule("*", "*", Verdict.ASK, "s"),)
    home = str(Path.home())
    rules = parse({"read": {"~/a": "deny", "$HOME/b/*": "deny", "~x": "ask"}}, "s")
    assert [r.pattern for r in rules] == [home + "/a", home + "/b/*", "~x"]


def test_a_wrong_action_is_named_with_its_place() -> None:
    with pytest.raises(SettingsError, match=r'permission\.bash\."git \*" is \'yes\': say allow, ask or deny'):
        parse({"bash": {"git *": "yes"}}, "")


def test_the_older_tools_table_means_the_same() -> None:
    rules = from_tools({"write": False, "task": True, "bash": False}, "agent x")
    assert [(r.key, r.verdict.name) for r in rules] == [("edit", "DENY"), ("actor", "ALLOW"), ("bash", "DENY")]


def test_a_tool_is_hidden_only_when_its_last_rule_denies_it_altogether() -> None:
    rules = parse({"*": "deny", "read": "allow", "bash": {"*": "deny", "git *": "allow"}}, "agent explore")
    assert [hidden(rules, key) for key in ("edit", "read", "bash")] == [True, False, False]


@given(st.sampled_from(["bash", "read", "external_directory"]), st.text(max_size=20))
def test_an_accepted_offer_is_the_rule_that_was_offered(key: str, pattern: str) -> None:
    assert accepted([offer(key, pattern)], "you") == (Rule(key, pattern, Verdict.ALLOW, "you"),)


def test_a_reason_shows_what_is_hidden() -> None:
    assert one_line("ls\r\x1b[2Krm \u202e x") == "ls\\r\\x1b[2Krm \\u202e x"
    assert len(one_line("a" * 999)) <= 160
