"""Two hundred steps of 8 KB output in four sizes of window: what the checkpoint's writer costs beside the agent.

    python tests/bench/bench_windows.py [--steps 200] [--windows 1000000,200000,64000,32000]

Tokens are bytes of the request bodies / 4, counted at the servers. The writer answers with a whole checkpoint.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2] / folder) for folder in ("kernel", "plugins", "tests")]

from mimocode_plugins.memory.checkpoint.document import SECTIONS, render  # noqa: E402
from support.cli import Cli  # noqa: E402
from support.longsession import bash  # noqa: E402
from support.model_server import ModelServer  # noqa: E402

SAID = "- what was done, with src/module_{n}.py and the identifier ID-{n}; tried and failed: nothing\n"
WRITTEN = {"text": render({s.number: "".join(SAID.format(n=n) for n in range(8)) for s in SECTIONS})}


def tokens(server: ModelServer) -> int:
    """Of all requests that reached a server."""
    return sum(len(json.dumps(request.body, ensure_ascii=False).encode()) // 4 for request in server.requests)


def covered_again(writer: ModelServer) -> int:
    """How many writer requests carry a tool result that an earlier checkpoint has been written from."""
    seen: set[str] = set()
    again = 0
    for request in writer.requests:
        text = json.dumps(request.body["messages"], ensure_ascii=False)
        marks = {f"step {n}," for n in range(1000) if f"mark-{hashlib.md5(str(n).encode()).hexdigest()[:8]}" in text}
        again += bool(marks & seen)
        seen |= marks
    return again


def measure(window: int, steps: int) -> dict[str, object]:
    """One run of the real command line."""
    script = [
        bash(f"cat printed.txt; echo step {n}, mark-{hashlib.md5(str(n).encode()).hexdigest()[:8]}")
        for n in range(steps)
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        ModelServer([*script, {"text": "All done."}], play="sequential") as server,
        ModelServer([WRITTEN] * 999, play="sequential") as writer,
    ):
        cli = Cli(Path(folder))
        section = {
            name: {
                "npm": "@ai-sdk/openai-compatible",
                "options": {"baseURL": f"{at.url}/v1", "apiKey": "k"},
                "models": {"test-model": {"limit": {"context": window, "output": min(32_000, window // 8)}}},
            }
            for name, at in (("main", server), ("writer", writer))
        }
        cli.settings(provider=section, model="main/test-model", checkpoint={"model": "writer/test-model"})
        (cli.project / "printed.txt").write_text("a line that was printed, number 0123456789\n" * 186)
        began = time.monotonic()
        done = cli("run", "--yolo", "Do all the steps.", timeout=900)
        wall = time.monotonic() - began
        facts = [row["fact"] for row in json.loads(cli("session", "export").out)["facts"]]
        notes = [fact for fact in facts if fact["type"] == "noted"]
        kept = sum(1 for note in notes if note["plugin"] == "checkpoint" and "text" in note["data"])
        built = [note["data"] for note in notes if note["plugin"] == "window" and "outcome" in note["data"]]
        main, beside = tokens(server), tokens(writer)
        return {
            "window": window,
            "ok": done.code == 0 and done.out.endswith("All done.\n"),
            "main": f"{len(server.requests)} calls, {main / 1e6:.2f}M",
            "writer": f"{len(writer.requests)} calls, {beside / 1e6:.3f}M",
            "share": f"{100 * beside / main:.1f} %",
            "checkpoints": kept,
            "calls per checkpoint": round(len(writer.requests) / kept, 2) if kept else 0,
            "read again": covered_again(writer),
            "windows": len(built),
            "largest after": max((int(note["after"]) for note in built), default=0),
            "seconds": round(wall, 1),
        }


def main() -> None:
    """Print a row for each window."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--windows", default="1000000,200000,64000,32000")
    chosen = parser.parse_args()
    for window in chosen.windows.split(","):
        print(json.dumps(measure(int(window), chosen.steps)), flush=True)


if __name__ == "__main__":
    main()
