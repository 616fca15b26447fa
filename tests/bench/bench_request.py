"""What the N-th request costs the harness: building and sending it with 10 and with 400 messages of history.

    python tests/bench/bench_request.py [--rounds 200]

A loopback server answers at once with one word. Two numbers per history: `build` is the body alone, `whole` the time
from asking for the stream to its answer (transport and decoding included). Each round adds two messages, as a real
step does. What must hold is that the two rows of `build` are alike: work does not grow with the history, except for
one copy of the bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2] / folder) for folder in ("kernel", "plugins", "tests")]

from mimocode.messages import Message, Part, Text, ToolCall, ToolSpec, assistant, user  # noqa: E402
from mimocode.ports import Prompt  # noqa: E402
from support.providers import host, provider, tell  # noqa: E402
from support.raw import events  # noqa: E402

TEXT = "def f(x):\n    return x  # some line of some file\n" * 40
BODY = events('{"choices":[{"delta":{"content":"ok"},"finish_reason":"stop"}]}', "[DONE]")
REPLY = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(BODY)}\r\n\r\n".encode() + BODY
TOOLS = tuple(ToolSpec(f"tool{n}", "What it does. " * 20, {"type": "object", "properties": {}}) for n in range(12))


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request with the same word."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            writer.write(REPLY)
    except (asyncio.IncompleteReadError, asyncio.CancelledError):
        writer.close()


def step(number: int) -> list[Message]:
    """One step of history: a call and its result."""
    call = ToolCall(f"call_{number}", "tool1", {"path": f"src/{number}.py"})
    return [assistant("Now the next file.", call), Message("tool", (Text(TEXT),), call.id)]


async def measure(url: str, npm: str, history: int, rounds: int) -> tuple[float, float, int]:
    """Medians of `build` and `whole` in milliseconds, and the bytes of the last body."""
    with tempfile.TemporaryDirectory() as home:
        model = await host(Path(home), provider(url, npm)).model("acme/test-model")
        system, messages = (Part("You are a coding agent. " * 200),), [user("go")]
        while len(messages) < history:
            messages += step(len(messages))
        ask = Prompt(system, messages, TOOLS, "ses_1")
        size = len(model._prefix.request(ask)[0])  # type: ignore[attr-defined]
        build, whole = [], []
        for _ in range(rounds):
            messages += step(len(messages))
            began = time.perf_counter()
            size = len(model._prefix.request(ask)[0])  # type: ignore[attr-defined]
            build.append(time.perf_counter() - began)
            began = time.perf_counter()
            await tell(model, ask)
            whole.append(time.perf_counter() - began)
        await model.close()  # type: ignore[attr-defined]
    return statistics.median(build) * 1000, statistics.median(whole) * 1000, size


async def main(rounds: int) -> None:
    """Print the table."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 24)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    print(f"{'wire':<28}{'history':>8}{'build ms':>10}{'whole ms':>10}{'body kB':>9}")
    async with server:
        for npm in ("@ai-sdk/openai-compatible",):
            for history in (10, 400):
                build, whole, size = await measure(url, npm, history, rounds)
                print(f"{npm:<28}{history:>8}{build:>10.3f}{whole:>10.2f}{size / 1000:>9.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    asyncio.run(main(parser.parse_args().rounds))
