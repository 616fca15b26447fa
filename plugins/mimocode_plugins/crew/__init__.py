"""Who does the work: agents, and later the ones they send for."""
