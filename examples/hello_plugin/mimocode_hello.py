"""Greets people: a tool, a rule about its use, and a slash command."""

from mimocode import Command, Ruling, Verdict, hookimpl


@hookimpl
def tool_servers():
    from mcp.server.mcpserver import MCPServer  # inside, so that `mimo --help` need not load it

    server = MCPServer("hello", log_level="WARNING")
    server.add_tool(hello)
    return [server]


def hello(name: str) -> str:
    """Greet someone by name."""
    return f"Hello, {name}!"


@hookimpl
def rule_on_call(call):
    if call.name != "hello":
        return None
    shouted = str(call.arguments.get("name", "")).isupper()
    return Ruling(Verdict.DENY, "names are not shouted") if shouted else Ruling(Verdict.ALLOW)


@hookimpl
def register_commands():
    return [Command("hello", "Greet someone", ask_for_greeting, "<name>")]


async def ask_for_greeting(arguments, session):
    return f"Greet {arguments or 'everyone'} with the hello tool."
