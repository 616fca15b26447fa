"""What `mimo mcp serve --http` is, with the tools in it that the suite wants to call. Prints its address.

The suite cannot send a token: it is put in before our own check of it, which is done as always.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import mcp_types as types
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools.base import Tool

from mimocode import hookimpl
from mimocode.ports import Ruling, ToolServer, Verdict
from mimocode.testing import play
from mimocode_plugins.tools import serving
from mimocode_plugins.tools.serving.server import _guarded
from mimocode_plugins.tools.serving.server import build as served

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
WAV = base64.b64encode(b"RIFF" + bytes(40)).decode()
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def build() -> Any:
    """A server with the tools that the suite names."""
    server = MCPServer("conformance", log_level="ERROR")

    def say(*content: Any) -> Any:
        return types.CallToolResult(content=list(content))

    resource = types.TextResourceContents(uri="test://embedded", mime_type="text/plain", text="An embedded resource.")
    text, image = types.TextContent(text="Simple text."), types.ImageContent(data=PNG, mime_type="image/png")
    made: dict[str, tuple[Any, ...]] = {
        "test_simple_text": (text,),
        "test_image_content": (image,),
        "test_audio_content": (types.AudioContent(data=WAV, mime_type="audio/wav"),),
        "test_embedded_resource": (types.EmbeddedResource(resource=resource),),
        "test_multiple_content_types": (text, image, types.EmbeddedResource(resource=resource)),
        "json_schema_2020_12_tool": (text,),
    }
    for name, content in made.items():
        tool = Tool.from_function(lambda content=content: say(*content), name=name, description=name)
        schema = SCHEMA if name.startswith("json") else {"type": "object", "properties": {}}
        server._tool_manager._tools[name] = tool.model_copy(update={"parameters": schema})

    @server.tool(structured_output=False)
    def test_error_handling() -> str:
        """Fail."""
        raise ToolError("This tool intentionally returns an error for testing")

    @server.tool(structured_output=False)
    async def test_tool_with_progress(ctx: Context) -> str:
        """Take three steps."""
        for step in (0, 50, 100):
            await ctx.report_progress(step, 100, f"at {step}")
            await asyncio.sleep(0.05)
        return "done"

    return server


class Offers:
    """The plugin that brings them; whatever is called may run."""

    @hookimpl
    def tool_servers(self) -> Iterable[ToolServer]:
        """Offer the tools."""
        return [ToolServer("conformance", build)]

    @hookimpl
    def rule_on_call(self) -> Ruling:
        """Allow."""
        return Ruling(Verdict.ALLOW)


async def main() -> None:
    """Serve until the process is ended."""
    async with play(plugins=[Offers(), serving], directory=Path(tempfile.mkdtemp())) as session:
        await session.toolbox.ready()
        guarded = _guarded(served(session, []).streamable_http_app(host="127.0.0.1"), "token")

        async def app(scope: Any, receive: Any, send: Any) -> None:
            headers = [*scope.get("headers", ()), (b"authorization", b"Bearer token")]
            await guarded({**scope, "headers": headers}, receive, send)

        own = uvicorn.Server(uvicorn.Config(app, port=int(sys.argv[1]), log_level="error", lifespan="on"))
        await own.serve()


if __name__ == "__main__":
    asyncio.run(main())
