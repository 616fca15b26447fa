"""A conversation as a Markdown document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from importlib.resources import files

from mimocode.messages import Media, Message, Text, ToolCall

MOST = 20_000
"""Characters of one tool result that are written."""


def markdown(title: str, messages: Iterable[Message]) -> str:
    """The whole conversation: what was said, which tools ran, what they answered. Thoughts are left out."""
    parts = [f"# {' '.join(title.split())}"]
    for message in messages:
        parts += _message(message)
    return "\n\n".join(parts) + "\n"


def page(title: str, messages: Iterable[Message]) -> str:
    """The same as a page of HTML that needs nothing else and runs nothing: HTML in what was said is shown as text."""
    from html import escape

    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown(title, messages))
    style = files(__package__).joinpath("page.css").read_text("utf-8")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return f"<!doctype html>\n<html>\n<head>{head}\n<style>\n{style}</style></head>\n<body>\n{body}</body>\n</html>\n"


def fenced(text: str, language: str = "") -> str:
    """Text in a fence that is longer than any in it."""
    ticks = max([2, *(len(run) for run in re.findall(r"`+", text))]) + 1
    return f"{'`' * ticks}{language}\n{text}\n{'`' * ticks}"


def _message(message: Message) -> list[str]:
    if message.role == "tool":
        text = "".join(block.text for block in message.content if isinstance(block, Text))
        more = f"\n… {len(text) - MOST} characters left out …" if len(text) > MOST else ""
        return [fenced(text[:MOST] + more)]
    who = "User" if message.role == "user" and not message.origin else message.origin or "Assistant"
    parts = [f"## {who}"]
    for block in message.content:
        match block:
            case Text(text=text) if text.strip():
                parts.append(text.strip())
            case ToolCall(name=name, arguments=arguments, malformed=malformed):
                given = malformed or json.dumps(arguments, ensure_ascii=False, indent=1, default=str)
                parts.append(f"**{name}**\n\n{fenced(given, 'json')}")
            case Media(mime=mime, name=name):
                parts.append(f"({name or mime})")
    return parts
