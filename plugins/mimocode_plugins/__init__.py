"""The built-ins, in order. They are registered exactly as a stranger's plugin is."""

DEFAULT: tuple[str, ...] = (
    "mimocode_plugins.store.workspace",
    "mimocode_plugins.ui.config",
    "mimocode_plugins.crew.commands",
    "mimocode_plugins.ui.run",
    "mimocode_plugins.ui.plugins",
    "mimocode_plugins.ui.demo",
)
