"""What this family needs of those who keep the log and the memory of a project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from mimocode.ports import SessionInfo


class Past(Protocol):
    """What happened in a project so far."""

    async def sessions(self) -> Sequence[SessionInfo]:
        """The sessions of the project, wherever it was checked out."""

    def redact(self, text: str) -> tuple[str, Sequence[str]]:
        """A text without secrets, and the kinds of those that were in it."""


class Memory(Past, Protocol):
    """The memory of one project: a file of claims, one a line.

    A claim is a mapping with `id`, `text`, `status` (proposed, verified, confirmed, superseded), `source` (user, agent,
    untrusted), `evidence` ("session#number"), `time` (UTC, or "" for a line that the user wrote by hand), `section`,
    `line` (from 1) and `signed`.
    """

    @property
    def file(self) -> Path:
        """Where the claims are."""

    @property
    def budget(self) -> int:
        """Tokens of it that a session is told."""

    @property
    def writable(self) -> bool:
        """False when the user wants nothing written."""

    def claims(self, text: str) -> Sequence[Mapping[str, Any]]:
        """The claims in a text of the file."""

    def line(self, claim: Mapping[str, Any]) -> str:
        """A claim as a line of the file, signed."""

    def claim(self, text: str, time: float, status: str, source: str, evidence: str, section: str) -> Mapping[str, Any]:
        """A new claim; equal words have equal ids."""

    def told(self, text: str) -> str:
        """The part of a text of the file that a session is told."""

    def size(self, text: str) -> int:
        """About how many tokens a text is."""

    def empty(self) -> str:
        """What the file begins with."""

    def locked(self) -> AbstractContextManager[None]:
        """Be the only one, of all processes, who changes memory."""

    def replace(self, path: Path, text: str) -> None:
        """Put a text in place of a file at once; after a crash there is the old one or the new one."""
