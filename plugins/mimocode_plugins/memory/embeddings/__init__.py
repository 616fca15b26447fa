"""Finds what means the same in other words, with vectors of an OpenAI-compatible `/embeddings` endpoint.

Off until the setting `embeddings` names an endpoint and a model. The vectors are kept in `<data>/vectors.db` under the
hash of their text, so that the index beside the files can be made anew without asking again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl
from mimocode.ports import Setting

if TYPE_CHECKING:
    from mimocode.host import Host


@hookimpl
def register_settings() -> list[Setting]:
    """Claim `embeddings`."""
    shape = "mimocode_plugins.memory.embeddings.settings:Embeddings"
    return [
        Setting("embeddings", shape, {}, "Where meanings are asked for, for the search in memory.", needs_trust=True)
    ]


@hookimpl(optionalhook=True)
async def find_alike(query: str, texts: Callable[[], Mapping[int, str]], host: Host) -> Mapping[int, float] | None:
    """Compare, if the user wants that."""
    settings = host.settings["embeddings"]
    if not settings.url or not settings.model or not query.strip():
        return None
    from .likeness import likeness

    return await likeness(query, texts, settings, host)
