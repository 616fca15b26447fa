"""OpenAI Responses: what is refused, which step it is, how an answer is worded."""

from __future__ import annotations

import re
from typing import Any

from .wire import PICTURE, Play, Refused, digest, json_object, need, refuse_unknown, sse

FIELDS = {
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "stream",
    "stream_options",
    "store",
    "include",
    "reasoning",
    "text",
    "max_output_tokens",
    "temperature",
    "top_p",
    "metadata",
    "user",
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "truncation",
    "previous_response_id",
    "max_tool_calls",
    "background",
}
ITEMS = {
    "message": {"type", "role", "content", "id", "status", "phase"},
    "function_call": {"type", "id", "call_id", "name", "arguments", "status"},
    "function_call_output": {"type", "id", "call_id", "output", "status"},
    "reasoning": {"type", "id", "summary", "content", "encrypted_content", "status"},
}
PARTS = {
    "user": {"input_text", "input_image", "input_file"},
    "system": {"input_text"},
    "developer": {"input_text"},
    "assistant": {"output_text", "refusal"},
    "output": {"input_text", "input_image", "input_file"},
}
TURN = {"function_call", "reasoning"}
UNKNOWN = "Unknown parameter: '{}'."


def seal(item: str) -> str:
    """The encrypted content of a reasoning item."""
    return f"gAAAA{digest(item, 40)}"


def check(body: dict[str, Any], echo: str) -> None:
    """Refuse what the provider would refuse."""
    refuse_unknown(body, FIELDS, "", UNKNOWN)
    given = body.get("input")
    need(bool(given), "Missing required parameter: 'input'.", param="input")
    _tools(body.get("tools"))
    open_calls: list[str] = []
    seen: set[str] = set()
    thought = ""
    """The reasoning item that still waits for what it belongs to; "-" once it has it, until the turn is over."""
    for n, item in enumerate([] if isinstance(given, str) else given or []):
        where = f"input[{n}]"
        kind = item.get("type", "message")
        need(kind in ITEMS, f"Invalid value: '{kind}'.", param=f"{where}.type")
        refuse_unknown(item, ITEMS[kind], f"{where}.", UNKNOWN)
        own = kind in TURN or item.get("role") == "assistant"
        need(
            own or thought in {"", "-"},
            f"Item '{thought}' of type 'reasoning' was provided without its required following item.",
        )
        if kind == "message":
            need(not open_calls, f"No tool output found for function call {''.join(open_calls[:1])}.", param="input")
            _content(item.get("content"), str(item.get("role")), where)
            thought = thought and "-" if own else ""
        elif kind == "reasoning":
            _reasoning(item, where, body)
            thought = item["id"]
        elif kind == "function_call":
            _call(item, seen, where, thought)
            open_calls.append(item["call_id"])
            thought = thought and "-"
        else:
            need(
                item.get("call_id") in open_calls,
                f"No tool call found for function call output with call_id {item.get('call_id')}.",
                param="input",
            )
            open_calls.remove(item["call_id"])
            if not isinstance(item["output"], str):
                _content(item["output"], "output", where)
            thought = ""
    need(not open_calls, f"No tool output found for function call {''.join(open_calls[:1])}.", param="input")
    need(
        thought in {"", "-"}, f"Item '{thought}' of type 'reasoning' was provided without its required following item."
    )


def _tools(tools: Any) -> None:
    names = []
    for n, tool in enumerate(tools or ()):
        refuse_unknown(tool, {"type", "name", "description", "parameters", "strict"}, f"tools[{n}].", UNKNOWN)
        need(tool.get("type") == "function", f"Invalid value for tools[{n}].type.")
        need(
            bool(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool.get("name", ""))),
            f"Invalid 'tools[{n}].name': string does not match pattern.",
        )
        need(tool.get("parameters", {}).get("type") == "object", f"Invalid schema for function '{tool['name']}'.")
        names.append(tool["name"])
    need(len(set(names)) == len(names), "Tool names must be unique.")


def _content(content: Any, role: str, where: str) -> None:
    need(role in PARTS, f"Invalid value: '{role}'.", param=f"{where}.role")
    need(isinstance(content, str) or bool(content), f"Invalid '{where}.content': empty array.", param=where)
    for part in [] if isinstance(content, str) else content:
        kind = part.get("type")
        need(
            kind in PARTS[role],
            f"Invalid value: '{kind}'. Supported values for role {role}: {sorted(PARTS[role])}.",
            param=where,
        )
        if kind in {"input_text", "output_text"}:
            need(isinstance(part.get("text"), str), f"Invalid '{where}.content.text'.", param=where)
        if kind == "input_image":
            need(bool(PICTURE.match(part.get("image_url", ""))), f"Invalid '{where}.content.image_url'.", param=where)


def _reasoning(item: dict[str, Any], where: str, body: dict[str, Any]) -> None:
    need("id" in item and "summary" in item, f"Missing required parameter: '{where}.summary'.", param=where)
    if body.get("store") is False or "encrypted_content" in item:
        text = f"The encrypted content for item {item['id']} could not be verified."
        need(item.get("encrypted_content") == seal(item["id"]), text, code="invalid_encrypted_content")


def _call(item: dict[str, Any], seen: set[str], where: str, thought: str) -> None:
    call = item.get("call_id", "")
    need(bool(call) and call not in seen, f"Duplicate call_id '{call}' in {where}.", param=where)
    need(json_object(item.get("arguments")), f"Invalid '{where}.arguments': not a JSON object.", param=where)
    sent = call.startswith("call_") and call.endswith("r")
    need(
        bool(thought) or not sent,
        f"Item '{item.get('id')}' of type 'function_call' was provided without its required 'reasoning' item.",
    )
    seen.add(call)


def turns(body: dict[str, Any]) -> tuple[int, int]:
    """Assistant turns since the last real user message, and in all."""
    since = total = 0
    before = "user"
    for item in [] if isinstance(body["input"], str) else body["input"]:
        kind = item.get("type", "message")
        if kind in TURN or item.get("role") == "assistant":
            if before != "assistant":
                since, total = since + 1, total + 1
            before = "assistant"
        elif kind == "function_call_output":
            before = "output"
        else:
            since = since if before == "output" else 0
            before = "output" if before == "output" else "user"
    return since, total


def canonical(body: dict[str, Any]) -> list[Any]:
    """What a prompt cache sees, in its order."""
    given = body.get("input", [])
    return [*body.get("tools", ()), body.get("instructions", ""), *([given] if isinstance(given, str) else given)]


def refusal(error: Refused) -> dict[str, Any]:
    """An error body."""
    kind = {429: "rate_limit_exceeded"}.get(
        error.status, "server_error" if error.status >= 500 else "invalid_request_error"
    )
    code = error.code or {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}.get(error.status)
    return {"error": {"message": error.message, "type": kind, "param": error.param, "code": code}}


def overflow() -> Refused:
    """The request is too long."""
    text = "Your input exceeds the context window of this model. Please adjust your input and try again."
    return Refused(400, text, "context_length_exceeded", "input")


def error_event(fault: Any) -> bytes:
    """An error inside the stream."""
    body = (
        fault
        if isinstance(fault, dict)
        else {
            "type": "error",
            "code": "server_error",
            "message": "The server had an error.",
            "param": None,
            "sequence_number": 99,
        }
    )
    return sse(body, str(body.get("type", "error")))


def _items(play: Play) -> list[dict[str, Any]]:
    step = play.step
    made: list[dict[str, Any]] = []
    if step.reasoning:
        item = f"rs_{play.mark}"
        encrypted = "reasoning.encrypted_content" in (play.body.get("include") or ())
        made.append(
            {"id": item, "type": "reasoning", "summary": [{"type": "summary_text", "text": step.reasoning}]}
            | ({"encrypted_content": seal(item)} if encrypted else {})
        )
    if step.text or not step.calls:
        part = {"type": "output_text", "text": step.text, "annotations": [], "logprobs": []}
        content = [part] if step.text else []
        made.append(
            {
                "id": f"msg_{play.mark}",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": content,
            }
        )
    for i, call in enumerate(step.calls):
        made.append(
            {
                "id": f"fc_{play.mark}_{i}",
                "type": "function_call",
                "status": "completed",
                "call_id": play.call_id(i, "call_"),
                "name": call["name"],
                "arguments": play.arguments(i),
            }
        )
    return made


def _response(play: Play, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
    t, body = play.tokens, play.body
    cut = (
        {"length": "max_output_tokens", "filtered": "content_filter"}.get(play.finish)
        if status == "incomplete"
        else None
    )
    usage = {
        "input_tokens": t["input"],
        "input_tokens_details": {"cached_tokens": t["cache_read"], "cache_write_tokens": t["cache_write"]},
        "output_tokens": t["output"],
        "output_tokens_details": {"reasoning_tokens": t["reasoning"]},
        "total_tokens": t["input"] + t["output"],
    }
    return {
        "id": f"resp_{play.mark}",
        "object": "response",
        "created_at": 1_760_000_000,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": cut} if cut else None,
        "instructions": body.get("instructions"),
        "metadata": {},
        "model": play.model,
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": body.get("tools", []),
        "top_p": 1.0,
        "store": body.get("store", True),
        "usage": usage if status != "in_progress" else None,
    }


def whole(play: Play) -> dict[str, Any]:
    """The answer in one piece."""
    return _response(play, "incomplete" if play.finish in {"length", "filtered"} else "completed", _items(play))


def events(play: Play) -> list[bytes]:
    """The answer as a stream."""
    made: list[bytes] = []

    def add(kind: str, **fields: Any) -> None:
        made.append(sse({"type": f"response.{kind}", "sequence_number": len(made)} | fields, f"response.{kind}"))

    add("created", response=_response(play, "in_progress", []))
    add("in_progress", response=_response(play, "in_progress", []))
    items = _items(play)
    for n, item in enumerate(items):
        at = {"output_index": n, "item_id": item["id"]}
        empty = {
            "reasoning": {"summary": []},
            "message": {"content": [], "status": "in_progress"},
            "function_call": {"arguments": "", "status": "in_progress"},
        }[item["type"]]
        add("output_item.added", output_index=n, item=item | empty)
        if item["type"] == "reasoning":
            part = {"type": "summary_text", "text": ""}
            add("reasoning_summary_part.added", summary_index=0, part=part, **at)
            for piece in play.step.pieces(play.step.reasoning):
                add("reasoning_summary_text.delta", summary_index=0, delta=piece, **at)
            add("reasoning_summary_text.done", summary_index=0, text=play.step.reasoning, **at)
            add("reasoning_summary_part.done", summary_index=0, part=item["summary"][0], **at)
        elif item["type"] == "function_call":
            for piece in play.step.pieces(item["arguments"]):
                add("function_call_arguments.delta", delta=piece, **at)
            add("function_call_arguments.done", arguments=item["arguments"], name=item["name"], **at)
        elif item["content"]:
            add("content_part.added", content_index=0, part=item["content"][0] | {"text": ""}, **at)
            for piece in play.step.pieces(play.step.text):
                add("output_text.delta", content_index=0, delta=piece, logprobs=[], **at)
            add("output_text.done", content_index=0, text=play.step.text, logprobs=[], **at)
            add("content_part.done", content_index=0, part=item["content"][0], **at)
        add("output_item.done", output_index=n, item=item)
    done = "incomplete" if play.finish in {"length", "filtered"} else "completed"
    add(done, response=_response(play, done, items))
    return made
