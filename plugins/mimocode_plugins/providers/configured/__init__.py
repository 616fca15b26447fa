"""Claim the settings about models, and say why a model that nobody opens cannot be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl
from mimocode.ports import Setting

if TYPE_CHECKING:
    from mimocode.host import Host


@hookimpl
def register_settings() -> list[Setting]:
    """The keys that choose and describe models (surface.md 3.2, 5.2)."""
    from ..wire.settings import Providers

    return [
        Setting("provider", Providers, {}, "Providers: changes to known ones, and your own.", needs_trust=True),
        Setting("model", str, "", "The model to ask, as provider/model."),
        Setting("small_model", str, "", "The model for titles and other small work; empty: the same."),
        Setting("enabled_providers", list[str], [], "If not empty, only these providers are used."),
        Setting("disabled_providers", list[str], [], "Providers that are not used."),
    ]


# asked last: whoever speaks the wire has had the chance
@hookimpl(trylast=True)
async def open_model(ref: str, host: Host) -> None:
    """Explain, with the nearest name that exists."""
    from ..wire import config

    raise config.unknown(ref, host)
