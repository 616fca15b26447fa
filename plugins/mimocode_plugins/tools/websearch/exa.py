"""Exa, through its MCP endpoint: one call of a tool per question (streamable HTTP, answered as JSON or as a stream)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2

from mimocode.errors import ToolFailed

from .asking import Wish, fetched, nonsense
from .choosing import Service

FEWEST, MOST = 1_000, 50_000
"""Tokens of code that may be asked for."""
CODE_SECONDS = 30.0


async def web(service: Service, wish: Wish) -> str:
    """Pages that fit a question.

    Raises:
        ToolFailed: Exa does not answer, refuses, or makes no sense.
    """
    wanted: dict[str, Any] = {
        "query": wish.query,
        "type": wish.kind,
        "numResults": wish.count,
        "livecrawl": wish.livecrawl,
    }
    if wish.characters is not None:
        wanted["contextMaxCharacters"] = wish.characters
    return await _called(service, "web_search_exa", wanted, wish.seconds)


async def code(service: Service, query: str, tokens: int) -> str:
    """Examples and documentation of libraries for a question, `tokens` long.

    Raises:
        ToolFailed: Exa does not answer, refuses, or makes no sense.
    """
    wanted = {"query": query, "tokensNum": max(FEWEST, min(tokens, MOST))}
    return await _called(service, "get_code_context_exa", wanted, CODE_SECONDS)


async def _called(service: Service, tool: str, arguments: Mapping[str, Any], seconds: float) -> str:
    headers = {"Accept": "application/json, text/event-stream"} | ({"x-api-key": service.key} if service.key else {})
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    response = await fetched(service, httpx2.Request("POST", service.url, json=call, headers=headers), seconds)
    try:
        answer = next(said for said in _messages(response.text) if said.get("id") == 1)
        if error := answer.get("error"):
            raise ToolFailed(f"Exa refused: {str(error['message'])[:300]}")
        result = answer["result"]
        text = "\n".join(block["text"] for block in result["content"] if block["type"] == "text").strip()
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration):
        raise nonsense(service) from None
    if result.get("isError"):
        raise ToolFailed(f"Exa failed: {text[:300]}")
    return text


def _messages(text: str) -> Iterator[Mapping[str, Any]]:
    """The messages of an answer: one as it is, or those of a stream of events."""
    if text.lstrip().startswith("{"):
        yield json.loads(text)
        return
    for event in text.replace("\r\n", "\n").split("\n\n"):
        data = [row[5:].removeprefix(" ") for row in event.split("\n") if row.startswith("data:")]
        if data:
            yield json.loads("\n".join(data))
