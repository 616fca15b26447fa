"""What `lsp` and `formatter` may say in the settings (surface.md 11)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Server(BaseModel):
    """A language server: one of ours changed, or one of the user's own (then `command` and `extensions`)."""

    model_config = ConfigDict(extra="forbid")

    disabled: bool = False
    command: list[str] = []
    extensions: list[str] = []
    env: dict[str, str] = {}
    initialization: dict[str, Any] = {}


class Formatter(BaseModel):
    """A formatter; "$FILE" in the command stands for the file."""

    model_config = ConfigDict(extra="forbid")

    disabled: bool = False
    command: list[str] = []
    extensions: list[str] = []
    environment: dict[str, str] = {}


Servers = bool | dict[str, Server]
Formatters = bool | dict[str, Formatter]
