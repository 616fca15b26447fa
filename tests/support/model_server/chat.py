"""OpenAI Chat Completions: what is refused, which step it is, how an answer is worded."""

from __future__ import annotations

import re
from typing import Any

from .wire import PICTURE, Play, Refused, json_object, need, refuse_unknown, sse

FIELDS = {
    "model",
    "messages",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "reasoning_effort",
    "stop",
    "seed",
    "n",
    "user",
    "metadata",
    "store",
    "response_format",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "verbosity",
    "thinking",
    "enable_thinking",
    "chat_template_kwargs",
}
MESSAGE_FIELDS = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "tool_calls", "refusal", "reasoning_content", "reasoning_details"},
    "tool": {"role", "content", "tool_call_id"},
}
PARTS = {
    "system": {"text"},
    "developer": {"text"},
    "user": {"text", "image_url", "input_audio", "file"},
    "assistant": {"text", "refusal"},
    "tool": {"text"},
}
FINISH = {"calls": "tool_calls", "filtered": "content_filter"}
UNKNOWN = "Unrecognized request argument supplied: {}"


def check(body: dict[str, Any], echo: str) -> None:
    """Refuse what the provider would refuse. `echo` is "", "required" or "forbidden" for reasoning_content."""
    refuse_unknown(body, FIELDS, "", UNKNOWN)
    messages = body.get("messages")
    need(
        isinstance(messages, list) and bool(messages),
        "Invalid 'messages': expected a non-empty array.",
        param="messages",
    )
    need(
        bool(body.get("stream")) or "stream_options" not in body,
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
    )
    _tools(body.get("tools"))
    waiting: list[str] = []
    seen: set[str] = set()
    for n, message in enumerate(messages or ()):
        where = f"messages[{n}]"
        role = message.get("role")
        need(
            role in MESSAGE_FIELDS,
            f"Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'tool'.",
            param=where,
        )
        refuse_unknown(message, MESSAGE_FIELDS[role], f"{where}.", UNKNOWN)
        _content(message, role, where)
        if role == "tool":
            _answer(message, waiting, where)
            continue
        _nothing_waits(waiting)
        if role == "assistant":
            waiting = _calls(message, seen, where, echo)
    _nothing_waits(waiting)


def _tools(tools: Any) -> None:
    if tools is None:
        return
    need(
        isinstance(tools, list) and bool(tools),
        "Invalid 'tools': empty array. Expected an array with minimum length 1.",
    )
    names = [tool.get("function", {}).get("name", "") for tool in tools]
    for n, tool in enumerate(tools):
        refuse_unknown(tool, {"type", "function"}, f"tools[{n}].", UNKNOWN)
        refuse_unknown(
            tool.get("function", {}), {"name", "description", "parameters", "strict"}, f"tools[{n}].function.", UNKNOWN
        )
        need(tool.get("type") == "function", f"Invalid value for tools[{n}].type.")
        need(
            bool(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", names[n])),
            f"Invalid 'tools[{n}].function.name': string does not match pattern.",
        )
        need(
            tool["function"].get("parameters", {"type": "object"}).get("type") == "object",
            f"Invalid schema for function '{names[n]}'.",
        )
    need(len(set(names)) == len(names), "Tool names must be unique.")


def _content(message: dict[str, Any], role: str, where: str) -> None:
    content = message.get("content")
    if content is None:
        need(
            role == "assistant" and bool(message.get("tool_calls")),
            f"Invalid value for '{where}.content': expected a string, got null.",
            param=where,
        )
        return
    if isinstance(content, str):
        return
    need(isinstance(content, list) and bool(content), f"Invalid '{where}.content': empty array.", param=where)
    for part in content:
        need(
            part.get("type") in PARTS[role],
            f"Invalid '{where}.content': '{part.get('type')}' is not allowed for role {role}.",
            param=where,
        )
        refuse_unknown(part, {"type", part["type"]}, f"{where}.content.", UNKNOWN)
        if part["type"] == "text":
            need(bool(part["text"]), f"Invalid '{where}.content': text must be non-empty.", param=where)
        if part["type"] == "image_url":
            need(
                bool(PICTURE.match(part["image_url"]["url"])),
                f"Invalid '{where}.content': invalid image url.",
                param=where,
            )


def _answer(message: dict[str, Any], waiting: list[str], where: str) -> None:
    call = message.get("tool_call_id")
    need(
        call in waiting,
        f"Invalid parameter: '{where}' with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        param=where,
    )
    waiting.remove(str(call))


def _nothing_waits(waiting: list[str]) -> None:
    need(
        not waiting,
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(waiting)}",
        param="messages",
    )


def _calls(message: dict[str, Any], seen: set[str], where: str, echo: str) -> list[str]:
    calls = message.get("tool_calls")
    thought = message.get("reasoning_content")
    need(echo != "forbidden" or thought is None, f"{where}.reasoning_content is not allowed in the input messages.")
    if calls is None:
        return []
    need(bool(calls), f"Invalid '{where}.tool_calls': empty array.", param=where)
    ids = []
    for n, call in enumerate(calls):
        refuse_unknown(call, {"id", "type", "function"}, f"{where}.tool_calls[{n}].", UNKNOWN)
        need(
            call.get("id") and call["id"] not in seen,
            f"Duplicate tool call id '{call.get('id')}' in {where}.",
            param=where,
        )
        need(
            json_object(call["function"].get("arguments")),
            f"Invalid '{where}.tool_calls[{n}].function.arguments': not a JSON object.",
            param=where,
        )
        seen.add(call["id"])
        ids.append(call["id"])
    sent = any(i.startswith("call_") and i.endswith("r") for i in ids)
    need(
        echo != "required" or not sent or bool(thought),
        f"Missing `reasoning_content` field in the assistant message at message index {where}.",
    )
    return ids


def turns(body: dict[str, Any]) -> tuple[int, int]:
    """Assistant turns since the last real user message, and in all."""
    since = total = 0
    before = ""
    for message in body["messages"]:
        role = message["role"]
        if role == "assistant":
            since, total = since + 1, total + 1
        elif role == "user" and before != "tool":
            since = 0
        before = before if role == "user" and before == "tool" else role
    return since, total


def canonical(body: dict[str, Any]) -> list[Any]:
    """What a prompt cache sees, in its order."""
    return [*body.get("tools", ()), *body.get("messages", ())]


def refusal(error: Refused) -> dict[str, Any]:
    """An error body."""
    kinds = {401: "invalid_request_error", 429: "rate_limit_exceeded"}
    kind = kinds.get(error.status, "server_error" if error.status >= 500 else "invalid_request_error")
    code = error.code or {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}.get(error.status)
    return {"error": {"message": error.message, "type": kind, "param": error.param, "code": code}}


def overflow() -> Refused:
    """The request is too long."""
    text = (
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 150000 tokens. "
        "Please reduce the length of the messages."
    )
    return Refused(400, text, "context_length_exceeded", "messages")


def error_event(fault: Any) -> bytes:
    """An error inside the stream."""
    body = (
        fault
        if isinstance(fault, dict)
        else {
            "error": {
                "message": "The server had an error processing your request.",
                "type": "server_error",
                "code": None,
            }
        }
    )
    return sse(body)


def _usage(play: Play) -> dict[str, Any]:
    t = play.tokens
    return {
        "prompt_tokens": t["input"],
        "completion_tokens": t["output"],
        "total_tokens": t["input"] + t["output"],
        "prompt_tokens_details": {"cached_tokens": t["cache_read"], "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": t["reasoning"], "audio_tokens": 0},
    }


def whole(play: Play) -> dict[str, Any]:
    """The answer in one piece."""
    step = play.step
    message: dict[str, Any] = {
        "role": "assistant",
        "content": step.text or (None if step.calls else ""),
        "refusal": None,
    }
    if step.reasoning:
        message["reasoning_content"] = step.reasoning
    if step.calls:
        message["tool_calls"] = [
            {
                "id": play.call_id(i, "call_"),
                "type": "function",
                "function": {"name": c["name"], "arguments": play.arguments(i)},
            }
            for i, c in enumerate(step.calls)
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": FINISH.get(play.finish, play.finish)}
    return {
        "id": f"chatcmpl-{play.mark}",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": play.model,
        "choices": [choice],
        "usage": _usage(play),
    }


def events(play: Play) -> list[bytes]:
    """The answer as a stream."""
    step = play.step
    counted = bool((play.body.get("stream_options") or {}).get("include_usage"))
    head = {
        "id": f"chatcmpl-{play.mark}",
        "object": "chat.completion.chunk",
        "created": 1_760_000_000,
        "model": play.model,
        "system_fingerprint": None,
    }
    made: list[bytes] = []

    def add(delta: dict[str, Any], finish: str | None = None) -> None:
        chunk = head | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}
        made.append(sse(chunk | ({"usage": None} if counted else {})))

    add({"role": "assistant", "content": "" if not step.calls else None})
    for piece in step.pieces(step.reasoning):
        add({"reasoning_content": piece})
    for piece in step.pieces(step.text):
        add({"content": piece})
    for i, call in enumerate(step.calls):
        add(
            {
                "tool_calls": [
                    {
                        "index": i,
                        "id": play.call_id(i, "call_"),
                        "type": "function",
                        "function": {"name": call["name"], "arguments": ""},
                        **({"extra_content": call["extra"]} if "extra" in call else {}),
                    }
                ]
            }
        )
        for piece in step.pieces(play.arguments(i)):
            add({"tool_calls": [{"index": i, "function": {"arguments": piece}}]})
    add({}, FINISH.get(play.finish, play.finish))
    if counted:
        made.append(sse(head | {"choices": [], "usage": _usage(play)}))
    made.append(sse("[DONE]"))
    return made
