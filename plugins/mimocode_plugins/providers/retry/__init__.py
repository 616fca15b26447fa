"""Try a failed model call again: one place, one policy, always shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl
from mimocode.ports import Setting

if TYPE_CHECKING:
    from mimocode.ports import Model
    from mimocode.session import Session


@hookimpl
def register_settings() -> list[Setting]:
    """How patient to be."""
    shape = "mimocode_plugins.providers.retry.settings:RetrySettings"
    return [Setting("retry", shape, None, "How often and how long a failed model call is retried.")]


# first of all wrappers, so that it is the innermost: limits and meters around it see every attempt as one call
@hookimpl(tryfirst=True)
async def wrap_model(model: Model, session: Session) -> Model:
    """Put the coordinator around the provider's model."""
    from .coordinator import Policy, Retry

    wanted = session.host.settings["retry"] or {}
    return Retry(model, Policy.of(wanted.get("maxAttempts"), wanted.get("maxWait"), wanted.get("firstWait")))
