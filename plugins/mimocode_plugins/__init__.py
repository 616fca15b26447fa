"""The built-ins, in order. They are registered exactly as a stranger's plugin is."""

DEFAULT: tuple[str, ...] = (
    "mimocode_plugins.context.environment",
    "mimocode_plugins.context.instructions",
    "mimocode_plugins.context.prompt",
    "mimocode_plugins.crew.agents",
    "mimocode_plugins.store.sqlite",
    "mimocode_plugins.store.workspace",
    "mimocode_plugins.tools.files",
    "mimocode_plugins.tools.search",
    "mimocode_plugins.tools.shell",
    "mimocode_plugins.ui.config",
    "mimocode_plugins.ui.sessions",
)
