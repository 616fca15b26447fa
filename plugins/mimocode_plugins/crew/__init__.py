"""Who works and on whose word: agents, slash commands, and what they are made of."""
