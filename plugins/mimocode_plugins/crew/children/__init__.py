"""Children of a session: started, watched, bounded, resumed. What the tool `actor`, workflows and teams share."""
