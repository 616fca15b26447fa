"""The built-ins, in order. They are registered exactly as a stranger's plugin is."""

DEFAULT: tuple[str, ...] = ()
