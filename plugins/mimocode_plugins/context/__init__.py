"""What a new context window begins with: the shared prompt, the place, and the project's own instructions."""
