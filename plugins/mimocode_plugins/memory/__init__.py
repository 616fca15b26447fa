"""Plugins that remember, and what they share: where things are kept, whose project it is, what an item looks like."""
