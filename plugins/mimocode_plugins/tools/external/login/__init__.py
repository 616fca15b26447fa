"""Logging in to a remote server: OAuth 2.1 with PKCE (MCP specification, Authorization; surface 9.4)."""
