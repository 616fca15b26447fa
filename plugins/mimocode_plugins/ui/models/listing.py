"""Print the models (surface.md 1.4)."""

from __future__ import annotations

import difflib
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from mimocode.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.ports import ModelInfo


async def run(arguments: argparse.Namespace, host: Host) -> int:
    """List, sorted by name. With a provider, its models whether or not they are ready.

    Raises:
        UsageError: there is no such provider.
    """
    if arguments.refresh:
        host.options["refresh_models"] = arguments.provider or "*"
    models = await host.models()
    if arguments.provider:
        known = sorted({_provider(info) for info in models})
        if arguments.provider not in known:
            near = difflib.get_close_matches(arguments.provider, known, 1)
            raise UsageError(
                f"no provider {arguments.provider!r} with models that are known"
                + (f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}" if known else "")
            )
        models = [info for info in models if _provider(info) == arguments.provider]
    elif not arguments.all:
        models = [info for info in models if info.ready]
    for info in models:
        print(line(info))
        if arguments.verbose:
            print(json.dumps(asdict(info), indent=2, ensure_ascii=False, default=dict))
    if not any(info.ready and info.rank for info in models):
        print(_how(host, arguments.provider), file=sys.stderr)
    return 0


def line(info: ModelInfo) -> str:
    """One model: `provider/model — window 1M`; the window is left out when it is unknown."""
    return f"{info.ref} — window {short(info.window)}" if info.window else info.ref


def short(tokens: int) -> str:
    """A number of tokens as people say it: 200K, 1M, 2.5M."""
    if tokens >= 1_000_000:
        # rounded down: 1,048,576 is what everybody calls 1M
        return f"{tokens // 100_000 / 10:g}M"
    return f"{tokens / 1000:.0f}K" if tokens >= 1000 else str(tokens)


def _provider(info: ModelInfo) -> str:
    return info.ref.partition("/")[0]


def _how(host: Host, provider: str) -> str:
    file = host.paths.config / "mimocode.json"
    what = f"{provider} has no key" if provider else "no model is ready"
    return (
        f"{what}. Connect one:\n"
        "  with questions:            mimo setup\n"
        f"  a key:                     mimo auth login {provider or 'PROVIDER'}\n"
        "  a key in the environment:  export XIAOMI_API_KEY=...   (or OPENAI_API_KEY, ANTHROPIC_API_KEY, ...)\n"
        f"  your own endpoint, in {file}:\n"
        '    {"model": "local/qwen3", "provider": {"local": {"options": {"baseURL": "http://127.0.0.1:8000/v1"},\n'
        '     "models": {"qwen3": {"limit": {"context": 131072, "output": 16384}}}}}}\n'
        "  `mimo models --all` shows what is known, `mimo demo` shows the agent at work without any model."
    )
