"""Names that stand for models: `model_groups`, and the tiers ultra, standard and lite (surface.md 5.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mimocode.errors import SettingsError

if TYPE_CHECKING:
    from mimocode.host import Host

TIERS = ("ultra", "standard", "lite")
"""Names that everybody may use: without a group of that name they are the default model."""


async def resolve(name: str, host: Host) -> str | None:
    """The model that a name without "/" stands for; None when it stands for none.

    Of a group with several members the one on the provider of the default model is taken, else its `default`.

    Raises:
        SettingsError: the group leads to no model.
    """
    if "/" in name:
        return None
    group = configured(host).get(name)
    if group is None:
        if name not in TIERS:
            return None
        chosen = await host.default_model()
        if "/" not in chosen and chosen not in configured(host):
            raise SettingsError(f'"model" is {chosen!r}, and model_groups has no {chosen!r}: name a provider/model')
        return chosen if "/" in chosen else await resolve(chosen, host)
    ref = str(group) if isinstance(group, str) else await _member(group, host)
    if "/" not in ref:
        raise SettingsError(f"model_groups.{name} leads to {ref!r}, which is not provider/model")
    return ref


async def _member(group: dict[str, Any], host: Host) -> str:
    own = str(host.settings["model"] or "").partition("/")[0] if "model" in host.settings else ""
    near = [str(ref) for ref in group.get("models") or () if own and str(ref).startswith(own + "/")]
    return near[0] if near else str(group.get("default", ""))


def configured(host: Host) -> dict[str, Any]:
    """The groups of the settings by name."""
    return dict(host.settings["model_groups"] or {}) if "model_groups" in host.settings else {}
