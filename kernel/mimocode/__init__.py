"""A microkernel for coding agents: one log, one loop, one switchboard. What plugins need most is here."""
# fmt: off

__version__ = "0.1.0"

from .errors import MimoError, ModelError, ModelFault, PluginError, SettingsError, StoreError, ToolFailed, UsageError
from .events import Approve, Entry, Event, Interrupt, MessageAdded, Noted, Say, TextDelta, TurnEnded, TurnStarted
from .hookspecs import hookimpl
from .messages import Media, Message, Part, Reasoning, Text, ToolCall, ToolSpec, Usage
from .ports import Agent, Answer, Command, ModelInfo, Prompt, Ruling, Setting, StashKey, ToolResult, ToolServer, Verdict

__all__ = [
    "Agent", "Answer", "Approve", "Command", "Entry", "Event", "Interrupt", "Media", "Message", "MessageAdded",
    "MimoError", "ModelError", "ModelFault", "ModelInfo", "Noted", "Part", "PluginError", "Prompt", "Reasoning",
    "Ruling", "Say", "Setting", "SettingsError", "StashKey", "StoreError", "Text", "TextDelta", "ToolCall",
    "ToolFailed", "ToolResult", "ToolServer", "ToolSpec", "TurnEnded", "TurnStarted", "Usage", "UsageError", "Verdict",
    "hookimpl",
]
