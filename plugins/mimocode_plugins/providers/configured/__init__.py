"""The settings about models: groups stand for their members, and what nobody opens is explained."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mimocode.errors import MimoError
from mimocode.hookspecs import hookimpl
from mimocode.ports import Model, Setting, StashKey

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session


@hookimpl
def register_settings() -> list[Setting]:
    """The keys that choose and describe models (surface.md 3.2, 5.2)."""
    shape = "mimocode_plugins.providers.wire.settings:Providers"
    return [
        Setting("provider", shape, None, "Providers: changes to known ones, and your own.", needs_trust=True),
        Setting("model", str, "", "The model to ask, as provider/model."),
        Setting("small_model", str, "", "The model for titles and other small work; empty: the same."),
        Setting(
            "model_groups",
            "mimocode_plugins.providers.wire.settings:ModelGroups",
            {},
            "Names for models, to be used in place of one; ultra, standard and lite are always understood.",
        ),
        Setting("enabled_providers", list[str], [], "If not empty, only these providers are used."),
        Setting("disabled_providers", list[str], [], "Providers that are not used."),
    ]


MODELS: StashKey[list[Model]] = StashKey("models")


@hookimpl
async def wrap_model(model: Model, session: Session) -> None:
    """Remember what was opened for a session."""
    session.stash.setdefault(MODELS, []).append(model)


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Let go of the connections of a session's models when it closes."""
    try:
        yield
    finally:
        for model in session.stash.pop(MODELS, ()):
            if (close := getattr(model, "close", None)) is not None:
                await close()


@hookimpl(tryfirst=True)
async def list_models(host: Host) -> None:
    """When that is wanted, fetch the public list first, so that the others already see it."""
    if host.options.get("refresh_models") == "*":
        from ..wire import manifest

        try:
            await manifest.fetch(host)
        except MimoError as error:
            host.report("configured", error)


@hookimpl(optionalhook=True)
async def check_health(host: Host) -> list[tuple[str, str, str, str]]:
    """For `mimo doctor`: whether the address of the chosen model answers."""
    from .reaching import reach

    return await reach(host)


# asked last: whoever speaks the wire has had the chance
@hookimpl(trylast=True)
async def open_model(ref: str, host: Host) -> Model:
    """Open the member of a group; else explain, with the nearest name that exists."""
    from ..wire import config, groups

    if member := await groups.resolve(ref, host):
        return await host.model(member)
    raise config.unknown(ref, host)
