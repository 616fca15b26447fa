"""Ways to a model: the key of a provider, an endpoint of one's own, a server that runs on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.host import Host

    from ..ways import Way


@hookimpl(optionalhook=True)
async def ways_in(host: Host) -> list[Way]:
    """A provider of the catalogue, an address, and what answers on known ports."""
    from ..ways import Way
    from . import custom, key, local

    running = [each for each in await local.running(host) if not each.closed]
    hint = ", ".join(f"{each.name} with {len(each.models)} model{'s' * (len(each.models) != 1)}" for each in running)
    return [
        Way(
            "local",
            "A server on this machine: Ollama, LM Studio, llama.cpp, vLLM",
            25 if running else 60,
            local.run,
            hint,
        ),
        Way("key", "The API key of a provider", 50, key.run),
        Way("custom", "An endpoint of your own that speaks OpenAI's or Anthropic's wire", 70, custom.run),
    ]
