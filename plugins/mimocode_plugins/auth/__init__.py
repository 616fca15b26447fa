"""Keeping secrets and getting them: what people log in with."""
