"""Text on disk: reading it safely, changing it exactly, saving it in one step. A library of the tools, no plugin."""
