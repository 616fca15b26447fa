"""A strict stand-in for model providers, over real HTTP.

Speaks OpenAI Chat Completions, OpenAI Responses and Anthropic Messages, streaming and whole, and lists models.
What it answers is a script; what it accepts is at most what the real providers accept.

    with ModelServer([{"text": "Hi"}]) as server:
        ...  # base URL for OpenAI clients: f"{server.url}/v1"; for Anthropic clients: server.url
        server.requests[0].body, server.prefix_kept()

A script is a list of steps (or a mapping with `steps` and any of the options of `ModelServer`). Keys of a step:

    text, reasoning    strings; `redacted` (Anthropic) adds a redacted thinking block
    calls              [{"name", "arguments" (object) or "raw" (string, may be broken JSON), "id"?}]
    usage              {"input", "output", "cache_read", "cache_write", "reasoning"}; `input` counts everything
    finish             stop, calls, length, filtered, pause, or a word of the wire itself
    delay, pace        seconds before the first event, and between events
    chunk              characters in a delta (default: one word)
    fault              see below; `times` in it limits it to the first requests for this step

    {"status": 429, "headers": {...}, "body": ..., "message": "..."}   an error answer, worded like the provider's
    {"overflow": true}            the provider's words for "too long"
    {"html": true}                200 with a web page
    {"hangup": true}              close before the status line
    {"cut_bytes": n} / {"cut_events": k}      close the connection in the middle of the stream
    {"end_events": k}             end the body properly after k events, without the end of the answer
    {"stall_events": k}           say nothing more after k events; -1: not even headers
    {"dribble": 7}                send in pieces of so many bytes
    {"error_event": {...} or true, "after": k}   an error inside the stream after k events
    {"garbage": true}             rubbish after the end of the answer

Which step is played (`play`): "turn" counts the assistant turns after the last real user message, "conversation"
counts those of the whole request, "sequential" plays in order. The first two are functions of the request alone, so
that killed and restarted clients go on where they were. A user message is real if it does not follow tool results.
"""

from .record import Request, prefix_kept, read_log
from .server import ModelServer

__all__ = ["ModelServer", "Request", "prefix_kept", "read_log"]
