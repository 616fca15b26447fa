"""What happens at a time of its own."""
