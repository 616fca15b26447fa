"""Second opinions: whether a goal is met, and which of several proposals is best."""
