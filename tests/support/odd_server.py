"""A real MCP server over stdio that can misbehave; what it does is chosen with ODD_* variables."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from mcp.server.mcpserver import Context, MCPServer


def main() -> None:
    """Note the start, misbehave as told, serve."""
    if started := os.environ.get("ODD_STARTED"):
        with Path(started).open("a") as file:
            file.write(f"{os.getpid()}\n")
    print("a word on standard error", file=sys.stderr)
    if os.environ.get("ODD_AT_START") == "die":
        raise SystemExit("no")
    if os.environ.get("ODD_AT_START") == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(600)
    if noise := os.environ.get("ODD_NOISE"):
        for _ in range(int(noise)):
            sys.stdout.write("n" * 1_000_000)
        sys.stdout.write("\nnot json\n{}\n")
        sys.stdout.flush()
    server = MCPServer("odd", log_level="ERROR")

    @server.tool(structured_output=False, description=os.environ.get("ODD_DESCRIPTION", "Say it again."))
    def echo(text: str) -> str:
        return text

    @server.tool(structured_output=False)
    async def sleep(ctx: Context, seconds: float, progress: int = 0) -> str:
        """Take a while."""
        import anyio

        for step in range(progress):
            await anyio.sleep(seconds / progress)
            await ctx.report_progress(step, progress, f"step {step}")
        await anyio.sleep(0 if progress else seconds)
        return "awake"

    @server.tool(structured_output=False)
    def die() -> str:
        """End in the middle of a call."""
        os._exit(3)

    @server.tool(structured_output=False)
    def environment() -> str:
        """What the server sees."""
        return json.dumps(dict(os.environ))

    @server.tool(structured_output=False)
    def fail() -> str:
        """Fail."""
        raise ValueError("broken inside")

    if extra := os.environ.get("ODD_EXTRA"):
        server.add_tool(lambda: "x", name=extra, description="One more.", structured_output=False)
    if port := os.environ.get("ODD_PORT"):
        server.run("streamable-http", port=int(port))
    else:
        server.run()


if __name__ == "__main__":
    main()
