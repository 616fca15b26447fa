"""Anthropic Messages: what is refused, which step it is, how an answer is worded."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from .wire import Play, Refused, digest, need, refuse_unknown, sse

FIELDS = {
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "max_tokens",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "metadata",
    "thinking",
    "output_config",
    "service_tier",
    "cache_control",
    "context_management",
    "container",
    "inference_geo",
    "speed",
}
BLOCKS = {
    "text": {"type", "text", "cache_control", "citations"},
    "image": {"type", "source", "cache_control"},
    "document": {"type", "source", "cache_control", "title", "context", "citations"},
    "tool_use": {"type", "id", "name", "input", "cache_control"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
}
ALLOWED = {
    "user": {"text", "image", "document", "tool_result"},
    "assistant": {"text", "tool_use", "thinking", "redacted_thinking"},
    "tool_result": {"text", "image", "document"},
    "system": {"text"},
}
FINISH = {"stop": "end_turn", "calls": "tool_use", "length": "max_tokens", "filtered": "refusal", "pause": "pause_turn"}
UNKNOWN = "{}: Extra inputs are not permitted"
IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}


def sign(thought: str) -> str:
    """The signature that belongs to a thought."""
    return base64.b64encode(f"signature of {digest(thought, 40)}".encode()).decode()


def seal(thought: str) -> str:
    """The data of a redacted thought."""
    return base64.b64encode(f"sealed:{thought}".encode()).decode()


def check(body: dict[str, Any], echo: str) -> None:
    """Refuse what the provider would refuse."""
    refuse_unknown(body, FIELDS, "", UNKNOWN)
    need(isinstance(body.get("max_tokens"), int) and body["max_tokens"] > 0, "max_tokens: Field required")
    need(
        isinstance(body.get("messages"), list) and bool(body["messages"]), "messages: at least one message is required"
    )
    _thinking(body)
    _tools(body.get("tools"))
    system = body.get("system", "-")
    need(bool(system), "system: text content blocks must be non-empty")
    if not isinstance(system, str):
        _blocks(system, "system", "system")
    breakpoints = json.dumps([body.get("system"), body.get("tools"), body["messages"]]).count('"cache_control": {')
    need(breakpoints <= 4, f"A maximum of 4 blocks with cache_control may be provided. Found {breakpoints}.")
    waiting: list[str] = []
    seen: set[str] = set()
    for n, message in enumerate(body["messages"]):
        where = f"messages.{n}"
        refuse_unknown(message, {"role", "content"}, f"{where}.", UNKNOWN)
        role = message.get("role")
        need(
            role == ("assistant" if n % 2 else "user"),
            f'{where}: roles must alternate between "user" and "assistant", but found "{role}"',
        )
        content = message["content"]
        need(
            bool(content),
            f"{where}: all messages must have non-empty content except for the optional final assistant message",
        )
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        _blocks(blocks, role, f"{where}.content")
        if role == "user":
            _answers(blocks, waiting, where)
            waiting = []
        else:
            waiting = _calls(blocks, seen, where, body)
    need(
        body["messages"][-1]["role"] == "user",
        "This model does not support assistant message prefill. The conversation must end with a user message.",
    )


def _thinking(body: dict[str, Any]) -> None:
    thinking = body.get("thinking", {"type": "disabled"})
    need(
        thinking.get("type") in {"enabled", "disabled", "adaptive"},
        "thinking.type: Input should be 'enabled', 'disabled' or 'adaptive'",
    )
    refuse_unknown(thinking, {"type", "budget_tokens", "display"}, "thinking.", UNKNOWN)
    if thinking["type"] == "enabled":
        budget = thinking.get("budget_tokens", 0)
        need(budget >= 1024, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        need(budget < body["max_tokens"], "`max_tokens` must be greater than `thinking.budget_tokens`")
    if thinking["type"] != "disabled":
        need(body.get("temperature", 1) == 1, "`temperature` may only be set to 1 when thinking is enabled")
    config = body.get("output_config", {})
    refuse_unknown(config, {"effort", "format"}, "output_config.", UNKNOWN)
    need(
        config.get("effort", "low") in {"low", "medium", "high", "xhigh", "max"},
        "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
    )


def _tools(tools: Any) -> None:
    names = []
    for n, tool in enumerate(tools or ()):
        refuse_unknown(
            tool,
            {"name", "description", "input_schema", "cache_control", "type", "strict", "eager_input_streaming"},
            f"tools.{n}.",
            UNKNOWN,
        )
        need(
            bool(re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool.get("name", ""))),
            f"tools.{n}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'",
        )
        need(tool.get("input_schema", {}).get("type") == "object", f"tools.{n}.input_schema.type: Field required")
        names.append(tool["name"])
    need(len(set(names)) == len(names), "tools: Tool names must be unique.")


def _blocks(blocks: list[dict[str, Any]], role: str, where: str) -> None:
    for n, block in enumerate(blocks):
        at, kind = f"{where}.{n}", str(block.get("type"))
        need(
            kind in ALLOWED[role],
            f"{at}: Input tag '{kind}' found using 'type' does not match any of the expected tags for {role}",
        )
        refuse_unknown(block, BLOCKS[kind], f"{at}.{kind}.", UNKNOWN)
        if kind == "text":
            need(bool(block["text"].strip()), f"{at}: text content blocks must contain non-whitespace text")
        if kind == "image":
            source = block["source"]
            need(
                source.get("type") == "base64" and source.get("media_type") in IMAGES and bool(source.get("data")),
                f"{at}.source: invalid image source",
            )
        if kind == "thinking":
            need("signature" in block, f"{at}.thinking.signature: Field required")
            need(block["signature"] == sign(block["thinking"]), f"{at}: Invalid `signature` in `thinking` block")
        if kind == "redacted_thinking":
            need(
                base64.b64decode(block["data"]).startswith(b"sealed:"),
                f"{at}: Invalid `data` in `redacted_thinking` block",
            )
        if kind == "tool_use":
            need(isinstance(block.get("input"), dict), f"{at}.tool_use.input: Input should be a valid dictionary")
        if kind == "tool_result" and not isinstance(block.get("content", ""), str):
            _blocks(block["content"], "tool_result", f"{at}.content")
    if role == "assistant":
        thoughts = ["thinking" in str(block["type"]) for block in blocks]
        need(not all(thoughts), f"{where}: the final block in an assistant message cannot be `thinking`.")


def _answers(blocks: list[dict[str, Any]], waiting: list[str], where: str) -> None:
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    missing = [call for call in waiting if call not in results]
    need(
        not missing,
        f"{where}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(missing)}. "
        "Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
    )
    for call in results:
        need(
            call in waiting,
            f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {call}. "
            "Each `tool_result` block must have a corresponding `tool_use` block in the previous message.",
        )
    need(len(set(results)) == len(results), f"{where}: each tool_use must have a single result.")
    kinds = [block["type"] == "tool_result" for block in blocks]
    need(
        kinds == sorted(kinds, reverse=True),
        f"{where}: tool_result blocks must come first in the content of a user message",
    )


def _calls(blocks: list[dict[str, Any]], seen: set[str], where: str, body: dict[str, Any]) -> list[str]:
    ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
    for call in ids:
        need(
            bool(re.fullmatch(r"[a-zA-Z0-9_-]+", call)),
            f"{where}: tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
        )
        need(call not in seen, f"{where}: `tool_use` ids must be unique")
        seen.add(call)
    thought = "thinking" in str(blocks[0]["type"])
    sent = any(call.startswith("toolu_") and call.endswith("r") for call in ids)
    on = body.get("thinking", {}).get("type", "disabled") != "disabled"
    need(
        thought or not sent or not on,
        f"{where}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{blocks[0]['type']}`. "
        "When `thinking` is enabled, a final `assistant` message must start with a thinking block "
        "(preceeding the lastmost set of `tool_use` and `tool_result` blocks).",
    )
    return ids


def turns(body: dict[str, Any]) -> tuple[int, int]:
    """Assistant turns since the last real user message, and in all."""
    since = total = 0
    for message in body["messages"]:
        if message["role"] == "assistant":
            since, total = since + 1, total + 1
        elif isinstance(message["content"], str) or all(block["type"] != "tool_result" for block in message["content"]):
            since = 0
    return since, total


def canonical(body: dict[str, Any]) -> list[Any]:
    """What a prompt cache sees, in its order: blocks one by one, so that a message may still grow."""
    system = body.get("system", [])
    made: list[Any] = [*body.get("tools", ()), *([system] if isinstance(system, str) else system)]
    for message in body.get("messages", ()):
        content = message["content"]
        made += [message["role"], *([content] if isinstance(content, str) else content)]
    return made


def refusal(error: Refused) -> dict[str, Any]:
    """An error body."""
    kinds = {
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        529: "overloaded_error",
    }
    kind = error.code or kinds.get(error.status, "api_error" if error.status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": error.message}, "request_id": "req_test"}


def overflow() -> Refused:
    """The request is too long."""
    return Refused(400, "prompt is too long: 210000 tokens > 200000 maximum")


def error_event(fault: Any) -> bytes:
    """An error inside the stream."""
    body = (
        fault
        if isinstance(fault, dict)
        else {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    )
    return sse(body, str(body.get("type", "error")))


def _usage(play: Play, output: int) -> dict[str, Any]:
    t = play.tokens
    return {
        "input_tokens": t["input"] - t["cache_read"] - t["cache_write"],
        "cache_creation_input_tokens": t["cache_write"],
        "cache_read_input_tokens": t["cache_read"],
        "output_tokens": output,
        "service_tier": "standard",
    }


def _content(play: Play) -> list[dict[str, Any]]:
    step = play.step
    made: list[dict[str, Any]] = []
    if step.reasoning:
        made.append({"type": "thinking", "thinking": step.reasoning, "signature": sign(step.reasoning)})
    if step.redacted:
        made.append({"type": "redacted_thinking", "data": seal(step.redacted)})
    if step.text:
        made.append({"type": "text", "text": step.text})
    for i, call in enumerate(step.calls):
        made.append(
            {
                "type": "tool_use",
                "id": play.call_id(i, "toolu_"),
                "name": call["name"],
                "input": call.get("arguments", {}),
            }
        )
    return made


def _message(play: Play) -> dict[str, Any]:
    return {"id": f"msg_{play.mark}", "type": "message", "role": "assistant", "model": play.model}


def whole(play: Play) -> dict[str, Any]:
    """The answer in one piece."""
    reason = FINISH.get(play.finish, play.finish)
    return _message(play) | {
        "content": _content(play),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": _usage(play, play.tokens["output"]),
    }


def events(play: Play) -> list[bytes]:
    """The answer as a stream."""
    step = play.step
    start = _message(play) | {"content": [], "stop_reason": None, "stop_sequence": None, "usage": _usage(play, 1)}
    made = [sse({"type": "message_start", "message": start}, "message_start"), sse({"type": "ping"}, "ping")]
    raw = [play.arguments(i) for i in range(len(step.calls))]

    def delta(index: int, **fields: Any) -> None:
        made.append(sse({"type": "content_block_delta", "index": index, "delta": fields}, "content_block_delta"))

    for n, block in enumerate(_content(play)):
        empty = {"thinking": {"thinking": "", "signature": ""}, "text": {"text": ""}, "tool_use": {"input": {}}}.get(
            block["type"], {}
        )
        made.append(
            sse({"type": "content_block_start", "index": n, "content_block": block | empty}, "content_block_start")
        )
        if block["type"] == "thinking":
            for piece in step.pieces(step.reasoning):
                delta(n, type="thinking_delta", thinking=piece)
            delta(n, type="signature_delta", signature=block["signature"])
        if block["type"] == "text":
            for piece in step.pieces(step.text):
                delta(n, type="text_delta", text=piece)
        if block["type"] == "tool_use":
            for piece in ["", *step.pieces(raw.pop(0))]:
                delta(n, type="input_json_delta", partial_json=piece)
        made.append(sse({"type": "content_block_stop", "index": n}, "content_block_stop"))
    reason = {"stop_reason": FINISH.get(play.finish, play.finish), "stop_sequence": None}
    thoughts = {"output_tokens_details": {"thinking_tokens": play.tokens["reasoning"]}}
    usage = {"output_tokens": play.tokens["output"]} | (thoughts if play.tokens["reasoning"] else {})
    made.append(sse({"type": "message_delta", "delta": reason, "usage": usage}, "message_delta"))
    made.append(sse({"type": "message_stop"}, "message_stop"))
    return made
