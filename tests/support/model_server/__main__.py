"""python -m support.model_server --script FILE [--port 0] [--log FILE]: serve until killed; prints the port."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .server import ModelServer


def main() -> None:
    """Serve a script from a file."""
    arguments = argparse.ArgumentParser(prog="support.model_server")
    arguments.add_argument(
        "--script", required=True, type=Path, help="JSON: a list of steps or {steps, play, key, models}"
    )
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--log", type=Path)
    chosen = arguments.parse_args()
    with ModelServer(json.loads(chosen.script.read_text()), port=chosen.port, log=chosen.log) as server:
        print(server.port, flush=True)
        assert server._thread
        server._thread.join()


if __name__ == "__main__":
    main()
