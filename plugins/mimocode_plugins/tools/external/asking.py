"""Questions of a server to the user (elicitation), put the way the tool `question` puts its own (tools/ask)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mimocode.events import Noted
from mimocode.ports import StashKey

from .consent import clean

if TYPE_CHECKING:
    from mimocode.session import Session

NUMBERS: StashKey[itertools.count[int]] = StashKey("external.questions")
Answer = tuple[str, dict[str, Any]]
"""What the protocol calls an action ("accept", "decline", "cancel"), and the content."""
_YES, _NO = "Yes", "No"
_LONGEST = 2000


def somebody(session: Session | None) -> bool:
    """Whether a person is there to answer."""
    return session is not None and bool(
        session.host.options.get("questions") and not session.host.options.get("never_ask")
    )


async def ask(session: Session, questions: Sequence[dict[str, Any]]) -> list[list[str]] | None:
    """One list of texts per question, or None if the user does not want to answer."""
    numbers = session.stash.setdefault(NUMBERS, itertools.count(1))
    call = f"mcp_question_{next(numbers)}"
    given = session.expect_approval(call)
    await session.emit(Noted("question", {"call": call, "questions": list(questions)}))
    answer = await given
    return _lists(answer.message, len(questions)) if answer.allow else None


def _lists(message: str, count: int) -> list[list[str]]:
    try:
        value = json.loads(message)
    except ValueError:
        value = None
    if not isinstance(value, list):
        value = [message] if message.strip() else []
    lists = [[item] if isinstance(item, str) else [str(text) for text in item] for item in value if item is not None]
    return (lists + [[] for _ in range(count)])[:count]


async def form(session: Session, server: str, message: str, schema: Mapping[str, Any]) -> Answer:
    """Fill in a form: one question per property of the flat `schema`. What is left open takes its default."""
    fields = {name: field for name, field in schema.get("properties", {}).items() if isinstance(field, Mapping)}
    said = f"{server} asks: {clean(message)[:_LONGEST]}"
    if not fields:
        given = await ask(session, [_question(said, server, [_YES, _NO])])
        return ("accept", {}) if given == [[_YES]] else ("decline", {})
    questions = [_of_field(said, name, field) for name, field in fields.items()]
    given = await ask(session, questions)
    if given is None:
        return "decline", {}
    content: dict[str, Any] = {}
    for (name, field), texts in zip(fields.items(), given, strict=True):
        try:
            value = _value(field, texts)
        except ValueError as error:
            await session.notice("mcp", f"the answer to {clean(name)} of {server} does not fit: {error}", "warning")
            return "cancel", {}
        if value is not None:
            content[name] = value
        elif name in schema.get("required", ()):
            await session.notice("mcp", f"{server} needs an answer to {clean(name)}", "warning")
            return "cancel", {}
    return "accept", content


async def address(session: Session, server: str, message: str, url: str) -> Answer:
    """Ask the user to open an address; what happens there stays between them and the server."""
    said = f"{server} asks you to open {clean(url)[:_LONGEST]} : {clean(message)[:_LONGEST]}"
    given = await ask(session, [_question(said, server, ["Done", _NO])])
    return ("accept", {}) if given == [["Done"]] else ("decline", {})


async def agreed(session: Session, server: str, text: str) -> bool:
    """Whether the user lets a server ask the model something."""
    said = f"{server} wants to ask the model: {clean(text)[:_LONGEST]}"
    return await ask(session, [_question(said, server, [_YES, _NO])]) == [[_YES]]


def _question(text: str, header: str, labels: Sequence[str], multiple: bool = False) -> dict[str, Any]:
    options = [{"label": label, "description": ""} for label in labels]
    return {"question": text, "header": clean(header)[:30], "options": options, "multiple": multiple}


def _of_field(said: str, name: str, field: Mapping[str, Any]) -> dict[str, Any]:
    about = clean(str(field.get("description") or field.get("title") or name))[:_LONGEST]
    default = f" (default: {clean(str(field['default']))[:200]})" if "default" in field else ""
    labels = [_YES, _NO] if field.get("type") == "boolean" else [clean(label) for label in _choices(field).values()]
    return _question(f"{said}\n{about}{default}", name, labels, field.get("type") == "array")


def _choices(field: Mapping[str, Any]) -> dict[str, str]:
    """The values that may be chosen, and how each is called."""
    inner = field.get("items") if field.get("type") == "array" else field
    if not isinstance(inner, Mapping):
        return {}
    if titled := inner.get("oneOf") or inner.get("anyOf"):
        pairs = [item for item in titled if isinstance(item, Mapping) and "const" in item]
        return {str(item["const"]): str(item.get("title", item["const"])) for item in pairs}
    values = [str(value) for value in inner.get("enum", ())]
    names = [str(name) for name in inner.get("enumNames", ())]
    return dict(zip(values, names if len(names) == len(values) else values, strict=True))


def _value(field: Mapping[str, Any], texts: Sequence[str]) -> Any:
    """What the texts mean; None when nothing was said and there is no default.

    Raises:
        ValueError: they mean nothing that the field takes.
    """
    texts = [text for text in texts if text.strip()]
    if not texts:
        return field.get("default")
    choices = _choices(field)
    if choices:
        values = {clean(label): value for value, label in choices.items()} | {value: value for value in choices}
        if odd := [text for text in texts if text not in values]:
            raise ValueError(f"{odd[0]!r} is not one of {', '.join(choices.values())}")
        chosen = [values[text] for text in texts]
        return chosen if field.get("type") == "array" else chosen[0]
    text = texts[0].strip()
    match field.get("type"):
        case "boolean":
            return _truth(text)
        case "integer":
            return int(text)
        case "number":
            return float(text)
        case "array":
            return list(texts)
        case _:
            return text


def _truth(text: str) -> bool:
    if text.lower() in ("yes", "y", "true"):
        return True
    if text.lower() in ("no", "n", "false"):
        return False
    raise ValueError(f"{text!r} is neither yes nor no")
