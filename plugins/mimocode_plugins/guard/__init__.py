"""What stands between a wish of the model and the world: permission, budget, repetition, length, recovery."""
