"""Getting through to a server: over pipes, streamable HTTP, or the older HTTP with server-sent events."""
