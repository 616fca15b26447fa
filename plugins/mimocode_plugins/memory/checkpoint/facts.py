"""What happened since a point in the log, sorted into what a checkpoint keeps. Read from the log, no model asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mimocode.events import CallFinished, Entry, MessageAdded, Rewound
from mimocode.messages import Text, ToolCall

from ..layout import breadth
from ..redact import redact

if TYPE_CHECKING:
    from mimocode.messages import ToolSpec

LINE = 240
"""Characters of a line."""
_DIRECTIVE = re.compile(
    r"\b(?:always|never|must|mustn't|do not|don't|only|prefer|avoid|remember|make sure|please use|use|keep|without|"
    r"from now on|instead of|no more|stop"
    r"|immer|nie|niemals|nicht|kein\w*|nur|ohne|bitte|muss|müssen|soll\w*|darf|vermeide\w*|verwende\w*|benutze\w*|nutze"
    r"|toujours|jamais|pas|utilise[rz]?|évite[rz]?|seulement|sans|il faut"
    r"|siempre|nunca|usa|usar|utiliza|evita\w*|sin|debes?|não|sempre|mai|senza"
    r"|всегда|никогда|не|нельзя|только|используй\w*|должн\w*|без)\b"
    r"|不要|必[须須]|[总總]是|永[远遠]|只能|禁止|請|请|别|不[准许許能用]|[务務]必|以[后後]|一律"
    r"|必ず|常に|ください|しないで|使わない|のみ|だけ|こと[。!]?$"
    r"|항상|절대|반드시|마세요|말고|하지 마|금지|하세요|주세요",
    re.IGNORECASE,
)
"""Words of the user that ask for something to be kept to, in the languages that users write most."""
_DECISION = re.compile(
    r"\b(?:decid\w+|decision|chose|chosen|we will use|going with|went with|rejected|instead of|because|trade-?off"
    r"|entschieden|entscheidung|stattdessen|weil|décid\w+|choisi\w*|parce que|decidi\w+|elegi\w+|porque"
    r"|решил\w*|решен\w*|выбра\w+|потому что)\b|[决決]定|[选選][择擇]|因[为為]|ことにし|採用|결정|선택|때문에",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(
    r"https?://[^\s\"'<>)\]]+|(?:~|\.{0,2})?/[\w.@-]+(?:/[\w.@-]+)+|(?<![\w-])[\w-]++(?:/[\w.-]+)+\.\w+|(?<![\w-])[\w-]++\.(?:py|ts|js|rs|go|md|json|toml|yaml|yml|sql|sh)\b"
    r"|\b[A-Z][A-Z0-9]+(?:[-_][A-Z0-9]+)+\b|\b[A-Z]{2,}-\d+\b|\b[0-9a-f]{7,40}\b|\b(?:port|pid|PR|issue)\s*[#:]?\s*\d+\b|\bv?\d+\.\d+\.\d+\b"
)


@dataclass
class Facts:
    """What there is to keep, oldest first."""

    upto: int = 0
    """The last fact that was read."""
    users: list[str] = field(default_factory=list)
    directives: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    identifiers: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    """One line for each call."""
    said: str = ""
    """The last words of the model."""
    story: list[str] = field(default_factory=list)
    """All of it in order, shortened, for a writer."""


def gather(entries: Iterable[Entry], tools: dict[str, ToolSpec], upto: int = 0) -> Facts:
    """Sort what these entries say.

    Args:
        tools: what is known of tools by name: which change files, which run commands.
        upto: stop after this fact; 0 reads on to the end.
    """
    facts, calls = Facts(), dict[str, ToolCall]()
    for entry in _counting(entries, upto):
        facts.upto = entry.seq
        match entry.event:
            case MessageAdded(message=message) if message.role == "user" and not message.origin:
                _heard(facts, _clean(message.text), f" [#{entry.seq}]")
            case MessageAdded(message=message) if message.role == "assistant":
                calls |= {call.id: call for call in message.calls}
                if message.text.strip():
                    _spoken(facts, _clean(message.text), f" [#{entry.seq}]")
            case CallFinished(call_id=id, content=content, error=error, display=display) if id in calls:
                text = "".join(block.text for block in content if isinstance(block, Text))
                failed = error or bool((display or {}).get("exit"))
                spec, mark = tools.get(calls[id].name), f" [#{entry.seq}]" if failed else ""
                _ran(facts, calls[id], _clean(text), spec, mark)
    facts.identifiers = list(dict.fromkeys(facts.identifiers))
    return facts


def _counting(entries: Iterable[Entry], upto: int) -> Iterator[Entry]:
    """The entries that still count: not what was taken back."""
    kept: list[Entry] = []
    for entry in entries:
        if upto and entry.seq > upto:
            break
        if isinstance(entry.event, Rewound):
            to = entry.event.to
            kept = [each for each in kept if each.seq <= to]
        kept.append(entry)
    return iter(kept)


def _clean(text: str) -> str:
    return redact(text)[0]


def _heard(facts: Facts, text: str, mark: str) -> None:
    facts.users.append(text)
    facts.story.append(f"USER: {_short(text, 1500)}")
    facts.directives += [f"- {line}{mark}" for line in _sentences(text) if _DIRECTIVE.search(line)]
    facts.identifiers += _IDENTIFIER.findall(text)[:40]


def _spoken(facts: Facts, text: str, mark: str) -> None:
    facts.said = text
    facts.story.append(f"AGENT: {_short(text, 600)}")
    facts.decisions += [f"- {line}{mark}" for line in _sentences(text) if _DECISION.search(line)]
    facts.identifiers += _IDENTIFIER.findall(text)[:40]


def _ran(facts: Facts, call: ToolCall, text: str, spec: ToolSpec | None, mark: str) -> None:
    """`mark` says where a failure stands in the log; it is empty for what went well."""
    failed = bool(mark)
    about = spec.meta.get("mimocode", {}) if spec is not None else {}
    argument = _clean(_argument(call, about))
    line = f"{call.name}: {_one_line(argument, LINE)}"
    done = f"- {line}{' (failed)' if failed else ''}"
    if facts.done[-1:] != [done]:  # a file that is read in parts is said to be read once
        facts.done.append(done)
    facts.story.append(f"CALL {line}\n{'FAILED' if failed else 'RESULT'}: {_short(text, 1600 if failed else 1000)}")
    if failed:
        facts.failed.append(f"- {line} -> {_one_line(_error(text), LINE)}{mark}")
    elif spec is not None and not spec.read_only and (paths := about.get("paths")):
        facts.changed += [f"- {call.arguments[name]}" for name in paths if isinstance(call.arguments.get(name), str)]
    facts.identifiers += _IDENTIFIER.findall(argument)[:10]


def _argument(call: ToolCall, about: dict[str, Any]) -> str:
    names = [*([about["command"]] if about.get("command") else []), *about.get("paths", ()), *about.get("patterns", ())]
    said = [str(call.arguments[name]) for name in names if name in call.arguments]
    return " ".join(said or [str(value) for value in call.arguments.values()])


def _error(text: str) -> str:
    """The line of a failure that says most."""
    lines = [line for line in text.splitlines() if line.strip()]
    telling = [
        line for line in lines if re.search(r"error|fail|exception|denied|not found|refused", line, re.IGNORECASE)
    ]
    return " / ".join((telling or lines)[-2:])


def _sentences(text: str) -> list[str]:
    parts = re.split(r"(?<=[.!?])\s+|(?<=[。！？])\s*|\n+", text)
    return [" ".join(part.split())[: LINE * 2] for part in parts if breadth(part.strip()) >= 8]


def _one_line(text: str, longest: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _short(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return f"{text[: longest * 6 // 10]}\n[... {len(text) - longest} characters ...]\n{text[-longest * 3 // 10 :]}"
