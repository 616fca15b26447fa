"""How the agent gets better with use: what it knows is kept true, what it does again and again becomes a skill."""
