"""The settings that no other plugin owns yet (surface 3.2); a plugin that comes to own one takes its line along.

Shapes with parts are named, not imported, so that claiming them costs nothing.
"""

from __future__ import annotations

from typing import Any, Literal

from mimocode.ports import Setting

SHAPES = "mimocode_plugins.ui.config.shapes:"

CLAIMS = (
    Setting("username", str | None, None, "What to call the user; the name of the account when unset."),
    Setting("tool", f"{SHAPES}ToolStyle", {}, "How tools are called."),
    Setting("plugin", list[str | list[Any]], [], "Plugins to load, each a name or [name, options].", needs_trust=True),
    Setting("share", Literal["manual", "auto", "disabled"], "manual", "When sessions are shared.", needs_trust=True),
    Setting("autoshare", bool, False, "Old spelling of share: auto.", needs_trust=True),
    Setting("autoupdate", bool | Literal["notify"], True, "Whether to update, or only say that there is an update."),
    Setting("watcher", f"{SHAPES}Watcher", {}, "What the file watcher passes over."),
    Setting("server", f"{SHAPES}Server", {}, "Where mimo serve listens.", needs_trust=True),
    Setting("llmServer", f"{SHAPES}LlmServer", {}, "How long the model server keeps what it was given."),
    Setting("enterprise", f"{SHAPES}Enterprise", {}, "The host that shared sessions go to.", needs_trust=True),
    Setting("history", f"{SHAPES}History", {}, "What of past sessions can be searched."),
    Setting("voice", f"{SHAPES}Voice", {}, "The models that listen."),
    Setting("experimental", f"{SHAPES}Experimental", {}, "What may still change or go away."),
    Setting("layout", str | None, None, "Without effect; old files have it."),
)
