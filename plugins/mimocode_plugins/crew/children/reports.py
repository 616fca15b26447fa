"""What a child says in the end: its header, its typed result, and how that is told to its parent (runtime.md 6.5)."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mimocode.messages import JSON

    from .roster import Actor

LONGEST = 16_000
"""Characters of a report that are passed on; the whole of it is in the child's own log."""
WORDS = {"done": "done", "success": "done", "partial": "partial", "blocked": "blocked", "failed": "failed"}
_STATUS = re.compile(
    r"^[^\w\n]*+status\W{0,40}[:=]\W{0,40}(done|success|partial|blocked|failed)\b", re.IGNORECASE | re.MULTILINE
)
_SUMMARY = re.compile(r"^[^\w\n]*+summary\W{0,40}?[:=]\s*[*_]*\s*(.+)$", re.IGNORECASE | re.MULTILINE)
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n\s*```", re.DOTALL)


@dataclass(frozen=True)
class Report:
    """A child's last message, understood. `wrong` says what it lacks."""

    state: str
    summary: str
    text: str
    value: Any = None
    wrong: str = ""


def read(text: str, schema: JSON | None) -> Report:
    """Understand a last message."""
    if schema is not None:
        return _typed(text, schema)
    head = text[:2000]
    status, summary = _STATUS.search(head), _SUMMARY.search(head)
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    short = (summary[1] if summary else first)[:200]
    if not text.strip():
        return Report("failed", "", "", wrong="You said nothing.")
    if status is None:
        return Report("done", short, text, wrong="Your last message does not begin with the line `Status: ...`.")
    return Report(WORDS[status[1].lower()], short, text)


def _typed(text: str, schema: JSON) -> Report:
    try:
        value = _json(text)
    except ValueError as error:
        return Report(
            "failed", "its result is not JSON", text, wrong=f"Your last message is not one JSON value: {error}."
        )
    if complaint := mistakes(value, schema):
        return Report("failed", "its result does not fit the schema", text, wrong=complaint)
    return Report("done", json.dumps(value, ensure_ascii=False)[:200], text, value)


def _json(text: str) -> Any:
    """The JSON value that a message is, or that its last fence holds."""
    for candidate in (text.strip(), *reversed(_FENCED.findall(text))):
        try:
            return json.loads(candidate)
        except ValueError as error:
            last = error
    raise last


def mistakes(value: Any, schema: JSON) -> str:
    """What is wrong with a value, a line each; "" if nothing is. Nothing is fetched for a `$ref`."""
    from jsonschema.validators import validator_for
    from referencing import Registry

    kind = validator_for(schema)
    found = sorted(kind(schema, registry=Registry()).iter_errors(value), key=lambda error: list(map(str, error.path)))
    return "\n".join(f"{'/'.join(map(str, each.path)) or 'the whole'}: {each.message[:300]}" for each in found[:10])


def unfit(schema: Any) -> str:
    """Why this is no JSON Schema that results can be checked by; "" if it is one."""
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    if not isinstance(schema, dict):
        return "it is not an object"
    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        return error.message[:300]
    return "" if "http" not in json.dumps(_references(schema)) else "it refers to something outside of itself"


def _references(schema: Any) -> list[Any]:
    if isinstance(schema, list):
        return [found for item in schema for found in _references(item)]
    if not isinstance(schema, dict):
        return []
    own = [schema[key] for key in ("$ref", "$dynamicRef") if key in schema]
    return own + [found for item in schema.values() for found in _references(item)]


def brief(prompt: str, schema: JSON | None) -> str:
    """An order with what is expected of the report; never one that would be taken for a slash command."""
    prompt = f"Task: {prompt}" if prompt.startswith("/") else prompt
    if schema is None:
        return f"{prompt}\n\n{prose('report.md')}"
    return f"{prompt}\n\n{prose('typed.md').replace('SCHEMA', json.dumps(schema, ensure_ascii=False))}"


def told(actor: Actor) -> str:
    """What the parent reads of a child that is over."""
    summary = html.escape(actor.summary or actor.why)
    head = f'<actor id="{actor.id}" state="{actor.state}" summary="{summary}">'
    body = json.dumps(actor.value, ensure_ascii=False) if actor.value is not None else actor.text
    why = f"{actor.why}\n" if actor.why and actor.why != actor.summary else ""
    where = f"It worked in {actor.place}; nothing of that is merged yet.\n" if actor.place else ""
    return f"{head}\n{where}{why}{body.strip() or '(it said nothing)'}\n</actor>"


def prose(name: str) -> str:
    """A text for models that lies beside this file."""
    return files(__package__).joinpath(name).read_text("utf-8").strip()
