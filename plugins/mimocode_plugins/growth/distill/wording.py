"""What a model may add to a proposal: its name, its description and the words around its steps.

The steps stay as they were counted: the model writes their numbers, the program puts the commands there. What the model
says besides is checked, and a proposal whose words are no good keeps those that need no model.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..asking import Asker
from ..planted import INJECTED
from .forms import fills, put
from .proposing import Proposal, Redact, Words

AT_ONCE = 8
"""Proposals in one question."""
REQUESTS, REQUEST = 4, 300
"""Requests that the model is shown of each, and characters of one."""
NAME, DESCRIPTION, BODY = 48, 300, 4_000
"""Characters at most."""
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_SPAN = re.compile(r"`([^`\n]*)`")
_TOKEN = re.compile(r"[^\s()\[\],;]+")
_CODE = re.compile(r"[/\\$|&<>=@~`{}_^#]|^-+\w|\w[.:]\w")
"""A word that is no plain word: a path, an option, an address, a variable, a redirection."""
_NUMBER = re.compile(r"v?\d+(?:\.\d+)*")
PLAIN = frozenset(("and/or", "e.g", "i.e", "a.m", "p.m"))
PROGRAMS = frozenset(
    "apt bash brew chmod chown curl dd docker eval gh git kubectl mkfs nc node npm npx perl pip".split()  # noqa: SIM905
    + "python python3 rm ruby scp sh ssh sudo uv wget yarn zsh".split()  # noqa: SIM905
)
"""Programs whose names are no words of any text."""
_RUN = re.compile(r"\b(?:run|execute|invoke|launch)\s+(?:the\s+)?(?:command\s+|program\s+)?([\w.+-]*\w)", re.IGNORECASE)
_WORDS = frozenset(("all", "command", "last", "script", "test", "this", "time"))
"""What follows such a verb in plain language, although there may be a program of that name."""


class Unfit(Exception):
    """Words that cannot be taken, and why."""


async def ask(asker: Asker, proposed: Sequence[Proposal], taken: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """What a model says about proposals, by their keys, unchecked; without those that it said nothing about.

    When the model cannot be asked, `asker.trouble` says why.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(proposed), AT_ONCE):
        part = proposed[start : start + AT_ONCE]
        answer = await asker.ask(question(part, taken))
        if answer is None:
            break
        said = answer.get("workflows")
        if not isinstance(said, dict):
            asker.trouble = f"{asker.model} did not say what to call it"
            break
        for number, each in enumerate(part):
            if isinstance(words := said.get(str(number)), dict):
                found[each.key] = words
    return found


def question(proposed: Sequence[Proposal], taken: Collection[str]) -> str:
    """Proposals as data: nothing in them is an instruction."""
    shown = {
        str(number): {
            "form": each.form,
            "steps": {str(at): step for at, step in enumerate(each.steps, 1)},
            "sessions": len(each.sessions),
            "asked": [text[:REQUEST] for text in each.asked[:REQUESTS]],
        }
        for number, each in enumerate(proposed)
    }
    return json.dumps({"workflows": shown, "taken": sorted(taken)}, indent=1, ensure_ascii=False)


def fitting(
    proposed: Sequence[Proposal], said: Mapping[str, Mapping[str, Any]], redact: Redact, taken: Collection[str]
) -> tuple[dict[str, Proposal], list[str]]:
    """By key the proposals that have good words now, and what is wrong with the words of others."""
    good, why = dict[str, Proposal](), list[str]()
    for each in proposed:
        if each.key in said:
            others = {*taken, *(one.name for one in good.values())} - {each.name}
            try:
                good[each.key] = worded(each, said[each.key], redact, others)
            except Unfit as reason:
                why.append(f"{each.name}: {reason}")
    return good, why


def worded(proposal: Proposal, said: Mapping[str, Any], redact: Redact, taken: Collection[str]) -> Proposal:
    """A proposal in a model's words.

    Raises:
        Unfit: they say something that the evidence does not, or are none.
    """
    name, description = str(said.get("name") or "").strip(), " ".join(str(said.get("description") or "").split())
    body = "" if proposal.form == "workflow" else str(said.get("body") or "").strip()
    if not _NAME.fullmatch(name) or len(name) > NAME:
        raise Unfit("its name is none")
    if name in taken:
        raise Unfit(f"the name {name} is taken")
    if not 10 <= len(description) <= DESCRIPTION or not description.isprintable():
        raise Unfit(f"its description has not 10 to {DESCRIPTION} plain characters")
    if proposal.form != "workflow":
        _steps_in(body, len(proposal.steps))
    prose = f"{description}\n{re.sub(r'{[0-9]+}', ' ', body)}"
    if reason := next(doubts(prose, proposal, redact), ""):
        raise Unfit(reason)
    if fills(f"{description}\n{put(body, ['x'] * len(proposal.steps))}"):
        raise Unfit("something would be filled into it")
    return replace(proposal, name=name, counted=proposal.name, words=Words(description, body))


def _steps_in(body: str, count: int) -> None:
    if not body or len(body) > BODY or not all(c.isprintable() or c == "\n" for c in body):
        raise Unfit(f"its body has not 1 to {BODY:,} plain characters")
    if re.findall(r"{([0-9]+)}", body) != [str(number) for number in range(1, count + 1)]:
        raise Unfit("its body does not have each step once, in order")
    if "```" in body or any(line.strip() == "---" for line in body.splitlines()):
        raise Unfit("its body is no plain list")


def doubts(prose: str, proposal: Proposal, redact: Redact) -> Iterator[str]:
    """What speaks against a text: secrets, planted words, and anything to run, read or call that was not there."""
    if redact(prose)[1]:
        yield "it holds a secret"
    if INJECTED.search(" ".join(prose.split())):
        yield "it holds words that somebody may have planted"
    evidence = "\n".join((*proposal.steps, *proposal.asked))
    known = {*_tokens(evidence), *re.findall(r"[\w+-]+", evidence)}
    for span in _SPAN.findall(prose):
        if span != "..." and not re.search(rf"(?<![\w-]){re.escape(span)}(?![\w-])", evidence):
            yield f"nobody did {span[:60]!r}"
    plain = _SPAN.sub(" ", prose)
    for token in _tokens(plain):
        if token in known or token.lower() in PLAIN or _NUMBER.fullmatch(token):
            continue
        if _CODE.search(token) or token.lower() in PROGRAMS:
            yield f"nobody did {token[:60]!r}"
    for program in _RUN.findall(plain):
        if program not in known and program.lower() not in _WORDS and shutil.which(program):
            yield f"nobody ran {program!r}"


def _tokens(text: str) -> Iterator[str]:
    """The words of a text without the marks around them."""
    for token in _TOKEN.findall(text):
        bare = token.strip("*_\"'!?:.,").lstrip("#") if not token.startswith("...") else ""
        if bare.strip("-+"):
            yield bare
