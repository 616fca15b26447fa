"""Models: where they are and how they are asked."""
