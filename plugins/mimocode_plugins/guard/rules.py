"""Permission rules as values: what a rule is, what it matches, and how settings spell it.

The last matching rule wins. Source: surface.md section 7.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from mimocode.errors import SettingsError
from mimocode.ports import Verdict

Origin: TypeAlias = Callable[[tuple[str, ...]], str]
"""Says where the value under these keys stands: "file:line"."""
ACTIONS = {"allow": Verdict.ALLOW, "ask": Verdict.ASK, "deny": Verdict.DENY}
EDITORS = frozenset({"write", "edit", "patch", "apply_patch", "multiedit", "notebook_edit"})
"""Names in a `tools` table that all mean the key `edit`."""


@dataclass(frozen=True)
class Rule:
    """One line of a policy. `source` says who wrote it, for the reason that the user reads."""

    key: str
    pattern: str
    verdict: Verdict
    source: str = ""

    def covers(self, key: str, text: str) -> bool:
        """Whether this rule speaks about `text` under `key`."""
        return matches(self.key, key) and matches(self.pattern, text)

    def __str__(self) -> str:
        return f'{self.key} "{one_line(self.pattern)}" {self.verdict.name.lower()} ({self.source or "unknown"})'


def matches(pattern: str, text: str) -> bool:
    """Match a whole text: `*` is anything, `?` one character, a trailing ` *` may be missing altogether.

    Takes time in proportion to both lengths at worst, so that no pattern can stall the guard. A backslash is only
    a path separator on Windows; elsewhere it belongs to the text.
    """
    if os.name == "nt":
        pattern, text = pattern.replace("\\", "/").lower(), text.replace("\\", "/").lower()
    if pattern == "*" or pattern == text:
        return True
    return _glob(pattern, text) or (pattern.endswith(" *") and _glob(pattern[:-2], text))


def _glob(pattern: str, text: str) -> bool:
    """Two pointers with one place to come back to: the last star takes one character more."""
    p = t = 0
    star, mark = -1, 0
    while t < len(text):
        if p < len(pattern) and pattern[p] == "*":
            star, mark = p, t
            p += 1
        elif p < len(pattern) and pattern[p] in ("?", text[t]):
            p, t = p + 1, t + 1
        elif star >= 0:
            mark += 1
            p, t = star + 1, mark
        else:
            return False
    return all(c == "*" for c in pattern[p:])


def last_match(rules: Sequence[Rule], key: str, text: str) -> Rule | None:
    """The rule that decides, or None."""
    return next((rule for rule in reversed(rules) if rule.covers(key, text)), None)


def hidden(rules: Sequence[Rule], key: str) -> bool:
    """Whether a tool with this key is not worth offering: its last rule denies it altogether (surface.md 7)."""
    rule = next((rule for rule in reversed(rules) if matches(rule.key, key)), None)
    return rule is not None and rule.pattern == "*" and rule.verdict is Verdict.DENY


def parse(value: Any, source: str | Origin) -> tuple[Rule, ...]:
    """Rules from what a settings file says: an action, or {key: action}, or {key: {pattern: action}}, in order.

    Args:
        value: as it was read; None is no rules.
        source: where it stands, or what tells that of the keys below it.

    Raises:
        SettingsError: a value is none of these; the message names key and pattern.
    """
    where: Origin = source if callable(source) else lambda keys: str(source)
    if value is None:
        return ()
    if isinstance(value, str):
        return (_rule(("*",), "*", value, where),)
    if not isinstance(value, Mapping):
        raise SettingsError("permission is either allow, ask, deny or a table of keys", where(()))
    return tuple(_rules(value, where))


def _rules(table: Mapping[str, Any], where: Origin) -> Iterator[Rule]:
    for key, entry in table.items():
        if isinstance(entry, Mapping):
            for pattern, action in entry.items():
                yield _rule((str(key), str(pattern)), str(pattern), action, where)
        else:
            yield _rule((str(key),), "*", entry, where)


def _rule(keys: tuple[str, ...], pattern: str, action: Any, where: Origin) -> Rule:
    if not isinstance(action, str) or action not in ACTIONS:
        path = ".".join(("permission", keys[0], *(f'"{name}"' for name in keys[1:])))
        raise SettingsError(f"{path} is {action!r}: say allow, ask or deny", where(keys))
    return Rule(keys[0], expand(pattern), ACTIONS[action], where(keys))


def from_tools(table: Mapping[str, Any] | None, source: str) -> tuple[Rule, ...]:
    """Rules from the older `tools` table of booleans; all editing tools share the key `edit`.

    Raises:
        SettingsError: it is not such a table.
    """
    if not isinstance(table, Mapping | None) or not all(isinstance(on, bool) for on in (table or {}).values()):
        raise SettingsError("tools is a table of tool names with true or false", source)
    return tuple(
        Rule(_key_of(name), "*", Verdict.ALLOW if on else Verdict.DENY, source) for name, on in (table or {}).items()
    )


def _key_of(name: str) -> str:
    return "edit" if name in EDITORS else {"task": "actor"}.get(name, name)


def expand(pattern: str) -> str:
    """A pattern with a leading `~` or `$HOME` written out."""
    for short in ("~", "$HOME"):
        if pattern == short or pattern.startswith(short + "/"):
            return str(Path.home()) + pattern[len(short) :]
    return pattern


def offer(key: str, pattern: str) -> str:
    """A rule as `Ruling.offer` carries it: "key: pattern"."""
    return f"{key}: {pattern}"


def accepted(offers: Iterable[str], source: str) -> tuple[Rule, ...]:
    """Allow rules from what `offer` wrote and the user accepted."""
    pairs = (text.partition(": ") for text in offers)
    return tuple(Rule(key, pattern, Verdict.ALLOW, source) for key, colon, pattern in pairs if colon)


def one_line(text: str, limit: int = 160) -> str:
    """A text as one visible line: control and format characters escaped, the middle left out when it is long.

    An approval must not be spoofed by padding, escapes or direction marks (demands.md 4.3, case 14).
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    keep = (limit - 3) // 2
    return shown if len(shown) <= limit else f"{shown[:keep]}...{shown[-keep:]}"
