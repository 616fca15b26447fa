r"""File name patterns: `*`, `?`, `[a-z]`, `{a,b}`, `**` for any directories, `\` before what is meant literally.

A pattern without a slash is about the name, wherever the file is. Matching takes time linear in the path, whatever
the pattern: each `*` settles for the first place that fits (as in the `fnmatch` of the standard library).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mimocode.errors import ToolFailed

_ALTERNATIVES = 500
_TOKEN = re.compile(
    r"\\(?P<literal>.)|\[(?P<not>[!^]?+)(?P<set>\][^\]]*|[^\]]+)\]|(?P<star>\*+)|(?P<any>\?)|(?P<other>.)", re.DOTALL
)


def matcher(pattern: str) -> Callable[[str], bool]:
    """A test for relative paths with forward slashes.

    Raises:
        ToolFailed: the pattern makes no sense.
    """
    tests = [_test(alternative) for alternative in _braces(pattern.removeprefix("./"))]
    return tests[0] if len(tests) == 1 else lambda path: any(test(path) for test in tests)


def split(pattern: str) -> tuple[str, str]:
    """The directory that an absolute pattern starts from, and the rest of it."""
    parts = pattern.split("/")
    plain = next((i for i, part in enumerate(parts[:-1]) if set(part) & set("*?[{\\")), len(parts) - 1)
    return "/".join(parts[:plain]) or "/", "/".join(parts[plain:])


def _braces(pattern: str) -> list[str]:
    """The alternatives that `{a,b}` stands for."""
    done: list[str] = []
    waiting = [pattern]
    while waiting:
        text = waiting.pop()
        group = re.search(r"(?<!\\)\{([^{}]*)\}", text)
        if group is None:
            done.append(text)
        else:
            waiting += [text[: group.start()] + choice + text[group.end() :] for choice in group[1].split(",")]
        if len(done) + len(waiting) > _ALTERNATIVES:
            raise ToolFailed(f"The pattern {pattern!r} has more than {_ALTERNATIVES} alternatives.")
    return done


def _test(pattern: str) -> Callable[[str], bool]:
    if "/" not in pattern:
        name = _segment(pattern)
        return lambda path: name.fullmatch(path.rpartition("/")[2]) is not None
    parts = [part for part in pattern.split("/") if part]
    if parts and parts[-1] == "**":
        parts.append("*")
    steps = [None if part == "**" else _segment(part) for part in parts]
    if steps[:-1] == [None]:
        last = steps[-1]
        return lambda path: last is not None and last.fullmatch(path.rpartition("/")[2]) is not None
    return lambda path: _walk(steps, path.split("/"))


def _walk(steps: list[re.Pattern[str] | None], parts: list[str]) -> bool:
    """Follow all ways through the pattern at once."""
    states = _skips(steps, {0})
    for part in parts:
        following = set()
        for state in states:
            if state < len(steps):
                step = steps[state]
                if step is None:
                    following.add(state)
                elif step.fullmatch(part):
                    following.add(state + 1)
        states = _skips(steps, following)
    return len(steps) in states


def _skips(steps: list[re.Pattern[str] | None], states: set[int]) -> set[int]:
    """Also the states after a `**` that stands for nothing."""
    for state in sorted(states):
        while state < len(steps) and steps[state] is None:
            state += 1
            states.add(state)
    return states


def _segment(pattern: str) -> re.Pattern[str]:
    pieces = [""]
    for token in _TOKEN.finditer(pattern):
        if token["star"]:
            pieces.append("")
        elif token["any"]:
            pieces[-1] += "[^/]"
        elif token["set"]:
            inside = token["set"].replace("\\", "\\\\").replace("[", "\\[").replace("&&", "&\\&").replace("||", "|\\|")
            inside = inside.replace("]", "\\]").replace("^", "\\^").replace("~~", "~\\~").replace("--", "-\\-")
            pieces[-1] += f"[{'^' * bool(token['not'])}{inside}]"
        else:
            pieces[-1] += re.escape(token["literal"] or token["other"])
    middle = "".join(f"(?>[^/]*?{piece})" for piece in pieces[1:-1])
    last = f"[^/]*{pieces[-1]}" if len(pieces) > 1 else ""
    try:
        return re.compile(pieces[0] + middle + last, re.DOTALL)
    except re.error as error:
        raise ToolFailed(f"The pattern {pattern!r} makes no sense: {error}.") from None
