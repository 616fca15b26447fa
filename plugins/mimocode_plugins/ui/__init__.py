"""Front ends: what a person or a script sees. Every one is a client of the same operations and events."""
