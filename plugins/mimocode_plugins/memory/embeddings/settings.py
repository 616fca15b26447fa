"""The shape of the setting `embeddings`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass
class Embeddings:
    """An OpenAI-compatible endpoint.

    `url` ends before `/embeddings`; entries whose cosine to the query is at most `floor` are not alike.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    url: str = ""
    model: str = ""
    apiKey: str = ""
    floor: float = 0.4
    batch: int = 64
    """Texts in one request."""
    timeout: float = 5.0
    """Seconds for one request."""
