"""A provider of the catalogue and its key."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .. import records
from ..vault import vault
from ..ways import Ask, Gone

if TYPE_CHECKING:
    from mimocode.host import Host

POPULAR = ("xiaomi", "openai", "anthropic", "deepseek", "zai", "moonshotai", "openrouter", "alibaba", "google")
"""Offered first, in this order (surface.md 5.6)."""
PAGES = {
    "xiaomi": ("Xiaomi MiMo", "https://platform.xiaomimimo.com"),
    "openai": ("OpenAI", "https://platform.openai.com/api-keys"),
    "anthropic": ("Anthropic", "https://platform.claude.com/settings/keys"),
    "deepseek": ("DeepSeek", "https://platform.deepseek.com/api_keys"),
    "zai": ("Z.AI, GLM", "https://z.ai/manage-apikey/apikey-list"),
    "moonshotai": ("Moonshot AI, Kimi", "https://platform.moonshot.ai/console/api-keys"),
    "openrouter": ("OpenRouter, models of many", "https://openrouter.ai/settings/keys"),
    "alibaba": ("Alibaba Cloud, Qwen", "https://modelstudio.console.alibabacloud.com"),
    "google": ("Google Gemini", "https://aistudio.google.com/apikey"),
    "groq": ("Groq", "https://console.groq.com/keys"),
    "mistral": ("Mistral", "https://console.mistral.ai/api-keys"),
    "xai": ("xAI Grok", "https://console.x.ai"),
}
"""What they are called, and where one gets a key."""


async def run(ask: Ask, host: Host) -> str:
    """Ask for provider, key and model.

    Raises:
        Gone: no provider is known.
    """
    infos = [info for info in await host.models() if "/" in info.ref and not info.ref.startswith("scripted/")]
    names = list(dict.fromkeys(info.ref.partition("/")[0] for info in infos))
    if not names:
        raise Gone("no provider is known: the plugins that ask models are switched off")
    names.sort(key=lambda name: (POPULAR.index(name) if name in POPULAR else len(POPULAR), name))
    wide = max(map(len, PAGES)) + 2
    labels = [(each, f"{each:{wide}}{PAGES[each][0]}" if each in PAGES else each) for each in names]
    name = await ask.choose("Which provider?", labels)
    ready = any(info.ready for info in infos if info.ref.startswith(f"{name}/"))
    if not (ready and await ask.agree(f"{name} is ready as it is. Use it so?", True)):
        where = f"; you get one at {PAGES[name][1]}" if name in PAGES else ""
        key = clean(await ask.secret(f"API key of {name} (not shown{where})"))
        place = await asyncio.to_thread(vault(host).put, name, records.key(key))
        ask.say(f"The key is kept in {place}.")
    offered = [info for info in infos if info.ref.startswith(f"{name}/")]
    offered.sort(key=lambda info: -info.rank)
    if len(offered) == 1:
        return offered[0].ref
    return await ask.choose("Which model?", [(info.ref, info.name or info.ref) for info in offered])


def clean(key: str) -> str:
    """A key that HTTP can carry, without white space around it.

    Raises:
        Gone: it is none.
    """
    key = key.strip()
    if not key or not all(33 <= ord(character) < 127 for character in key):
        raise Gone("that is no key: it is empty, or holds blanks or characters that HTTP does not carry")
    return key
