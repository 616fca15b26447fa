"""What past sessions say that may be worth keeping: sentences of the user with their place in the log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mimocode.events import Entry, MessageAdded, Noted, Rewound

from ..planted import INJECTED
from .words import RUN

SHORTEST, LONGEST = 12, 300
"""Characters of a sentence that is one claim; one of a script without spaces says as much as three."""
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+|(?<=[。！？])")
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_PUT_IN = re.compile(r"^<(file|directory|resource|skills?|shell)\b[^\n>]*>.*</\1>", re.DOTALL | re.MULTILINE)
"""What came along with a message, from the first such mark to the last: nobody has said that."""
_OPENING = re.compile(
    r"^(?:(?:please|also|and|but|oh|ok(?:ay)?|by the way|btw|fyi|note|important)\b[,:\s]*)*"
    r"(?:remember(?: that|:)?|keep in mind(?: that)?|note that|for the future,?|from now on,?"
    r"|请?记住[::，,]?|請?記住[::，,]?|merk dir[::,]?)?\s*",
    re.IGNORECASE,
)
_WISH = re.compile(
    r"\b(?:remember|keep in mind|from now on|for the future|always|never|we no longer|no longer|by convention"
    r"|merk dir|denk dran|ab jetzt|in zukunft|immer|nie|niemals|nicht mehr|retiens|désormais|toujours|jamais"
    r"|recuerda|a partir de ahora|siempre|nunca|ya no|запомни|отныне|всегда|никогда)\b"
    r"|记住|記住|以后|以後|今后|永远|总是|必须|务必|不再|覚えて|今後|必ず|常に|기억해|앞으로|항상|절대",
    re.I,
)
_FACT = re.compile(
    r"\b(?:is|are|lives?|listens?|runs?|uses?|needs?|requires?|takes?|stores?|stored|deploys?|deployed|prefer|must|"
    r"belongs?|comes? from|goes|go|means?|instead of|moved|switched|migrated|decided"
    r"|ist|sind|läuft|liegt|liegen|nutzen|verwenden|benutzen|braucht|muss|müssen|heißt|gehört|entschieden"
    r"|est|sont|utilise|utilisons|tourne|doit|besoin|está|están|usa|usamos|corre|debe|necesita"
    r"|это|используем|используется|лежит|лежат|нужен|нужно|решили)\b"
    r"|是|使用|采用|位于|放在|需要|部署|监听|运行|改成|改为|决定|です|ます|使う|使って|にある|必要|입니다|합니다|사용|있습니다|필요",
    re.IGNORECASE,
)
_TALK = re.compile(
    r"[?？]$|(?:吗|呢|ですか|ますか|나요|까요)[。.]?$|^(?:请|帮我|能不能|为什么|怎么)|^(?:can|could|would|will|what|why|how|where|when|who|is|are|do|does|did|let'?s|thanks|thank|hi|hello|yes|no|"
    r"it|this|that|there|now|then|i|i'm|you|he|she|they|maybe|perhaps|hmm|great|good|nice|sorry|wait)\b",
    re.IGNORECASE,
)
_RULE = re.compile(
    r"\b(?:always|never|must|prefer|don't|do not|by convention|from now on|immer|nie|niemals|ab jetzt|toujours|jamais"
    r"|siempre|nunca|всегда|никогда)\b|永远|总是|必须|务必|不要|以后|必ず|常に|항상|절대|마세요",
    re.IGNORECASE,
)
_DECIDED = re.compile(
    r"\b(?:decided|switched|migrated|instead of|we chose|because"
    r"|entschieden|stattdessen|weil|parce que|porque|решили)\b"
    r"|决定|改成|改为|因为|ことにし|결정|때문에",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Candidate:
    """Something the user said. `wish`: in words that ask to keep it."""

    text: str
    evidence: str
    time: float
    wish: bool
    section: str


def candidates(session: str, entries: Iterable[Entry]) -> Iterator[Candidate]:
    """The candidates of one session, in order. What was taken back, or typed by a command, does not count."""
    found: list[tuple[int, Candidate]] = []
    typed: str | None = None
    for entry in entries:
        match entry.event:
            case Rewound(to=to):
                found = [each for each in found if each[0] <= to]
            case Noted(plugin="command", data=data):
                typed = str(data.get("typed", ""))
            case MessageAdded(message=message) if message.role == "user" and not message.origin:
                said, typed = message.text if typed is None else typed, None
                found += [(entry.seq, one) for one in _sentences(said, f"{session}#{entry.seq}", entry.time)]
    yield from (one for _, one in found)


def _sentences(said: str, evidence: str, time: float) -> Iterator[Candidate]:
    for part in _SENTENCE.split(_FENCE.sub(" ", _PUT_IN.sub(" ", said))):
        sentence = " ".join(part.split()).strip("-*> ")
        wish = bool(_WISH.search(sentence))
        text = _OPENING.sub("", sentence, count=1)
        text = text[:1].upper() + text[1:]
        if (
            not SHORTEST <= len(text) + 2 * sum(map(len, RUN.findall(text))) <= LONGEST
            or INJECTED.search(sentence)
            or sentence.startswith(("/", "@", "!"))
        ):
            continue
        if (_TALK.search(text) and not wish) or text.endswith(("?", "？")):
            continue
        if wish or _FACT.search(text):
            yield Candidate(text, evidence, time, wish, section(sentence))


def section(text: str) -> str:
    """Where in MEMORY.md a claim belongs."""
    if _RULE.search(text):
        return "Rules"
    return "Architecture decisions" if _DECIDED.search(text) else "Discovered durable knowledge"
