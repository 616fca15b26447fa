"""Tools of the agent: each folder is an MCP server that any other MCP client can use too."""
