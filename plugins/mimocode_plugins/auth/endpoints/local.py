"""Servers of models that run on this machine: found on their usual ports, asked what they have and how much it takes.

Sources: Ollama API (/api/tags, /api/ps, /api/show), LM Studio REST API (/api/v0/models), llama.cpp server (/props),
vLLM's OpenAI-compatible server (`max_model_len` in /v1/models).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..ways import Ask, Gone, own_settings

if TYPE_CHECKING:
    import httpx2

    from mimocode.host import Host

PATIENCE, CHOSEN = 1.0, 10.0
"""Seconds for one answer of a server on this machine: for the menu, and when the user wants one, however busy."""
LOADING = 180.0
"""Seconds that a model may take to be loaded."""
UNTOLD = 4096
"""Tokens that Ollama has always given where it did not say."""
NONSENSE = (ValueError, KeyError, TypeError, AttributeError)
"""What comes of an answer that is not what the server should say."""
SMALLEST = 16_000
"""Tokens below which the tools and a first file do not fit (demands.md H 43)."""


@dataclass(frozen=True)
class Server:
    """A server that answers: its models, and the tokens that each takes (0: it does not say)."""

    id: str
    name: str
    base: str
    models: Mapping[str, int]
    fix: str
    """How it is made to take more."""
    closed: bool = False
    """It wants a key."""


Probe = Callable[["httpx2.AsyncClient", str], Awaitable[dict[str, int]]]


async def running(host: Host, patience: float = PATIENCE) -> list[Server]:
    """Every server that answers now, each question within `patience` seconds."""
    found = await asyncio.gather(*(_one(host, patience, *each) for each in KNOWN))
    return [server for server in found if server is not None]


async def run(ask: Ask, host: Host) -> str:
    """Choose one of its models, and write down how much it takes.

    Raises:
        Gone: nothing answers, or the model takes too little to work with.
    """
    servers = await running(host, CHOSEN)
    if not servers:
        places = ", ".join(f"{name} ({base.split(':')[2].split('/')[0]})" for _, name, base, _, _ in KNOWN)
        raise Gone(f"no server of models answers on this machine at its usual port: {places}; start one, try again")
    options = [
        (f"{server.id}/{model}", f"{model} at {server.name}, {f'{size:,} tokens' if size else 'size unknown'}")
        for server in servers
        for model, size in server.models.items()
    ]
    if not options and (closed := next((server for server in servers if server.closed), None)):
        raise Gone(f"{closed.base} wants a key: choose an endpoint of your own, give this address and the key")
    if not options:
        raise Gone(f"{servers[0].name} runs but has no model: load one and try again")
    ref = options[0][0] if len(options) == 1 else await ask.choose("Which model?", options)
    name, _, model = ref.partition("/")
    server = next(each for each in servers if each.id == name)
    size = server.models[model]
    if name == "ollama" and not size:
        ask.say(f"{server.name} loads {model} …")
        size = await _loaded(server.base, model)
    if 0 < size < SMALLEST:
        why = f"{model} takes only {size:,} tokens as {server.name} runs it, too few for tools and a file"
        raise Gone(f"{why}. {server.fix}, then try again")
    own = own_settings(host)
    usual = next(base for id, _, base, _, _ in KNOWN if id == name)
    if server.base != usual and server.base != _written(host, name):
        await asyncio.to_thread(own.put, ["provider", name, "options", "baseURL"], server.base)
        ask.say(f"Its address {server.base} is written to {own.path}.")
    keys = ["provider", name, "models", model, "limit", "context"]
    if size and own.value(keys) != size:
        await asyncio.to_thread(own.put, keys, size)
        ask.say(f"Its {size:,} tokens are written to {own.path}.")
    return ref


async def _loaded(base: str, model: str) -> int:
    """What Ollama gives a model that does not say: it is loaded, and then the server tells."""
    import httpx2

    root = _root(base)
    try:
        async with httpx2.AsyncClient(timeout=LOADING, trust_env=False) as client:
            await _json(client, "POST", f"{root}/api/generate", {"model": model})
            loaded = (await _json(client, "GET", f"{root}/api/ps")).get("models") or []
            return next(int(each["context_length"]) for each in loaded if each["name"] == model)
    except (httpx2.HTTPError, StopIteration, *NONSENSE):
        return UNTOLD


async def listed(base: str, key: str = "", *, anthropic: bool = False) -> tuple[dict[str, int], int]:
    """The models of an endpoint, with the tokens that each takes; else {} and the status that it refused with, or 0."""
    import httpx2

    headers = {"authorization": f"Bearer {key}"} if key else {}
    if anthropic:
        headers = {"x-api-key": key or "none", "anthropic-version": "2023-06-01"}
    try:
        async with httpx2.AsyncClient(timeout=10, headers=headers) as client:
            return await _openai(client, base), 0
    except httpx2.HTTPStatusError as refused:
        return {}, refused.response.status_code
    except (httpx2.HTTPError, httpx2.InvalidURL, *NONSENSE):
        return {}, 0


async def _one(host: Host, patience: float, id: str, name: str, base: str, probe: Probe, fix: str) -> Server | None:
    import httpx2

    base = _address(host, id, base)
    try:
        async with asyncio.timeout(patience * 3), httpx2.AsyncClient(timeout=patience, trust_env=False) as client:
            return Server(id, name, base, await probe(client, base), fix)
    except httpx2.HTTPStatusError as error:
        return Server(id, name, base, {}, fix, closed=True) if error.response.status_code in (401, 403) else None
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, *NONSENSE):
        return None


def _address(host: Host, id: str, base: str) -> str:
    """Where the user says it is, else its usual place."""
    if own := _written(host, id):
        return own
    if id == "ollama" and (said := host.environ.get("OLLAMA_HOST", "").strip()):
        said = said if "://" in said else f"http://{said}"
        said = re.sub(r"//0\.0\.0\.0\b", "//127.0.0.1", said.rstrip("/"))
        return f"{said}/v1" if re.search(r":\d+$", said) else f"{said}:11434/v1"
    return base


def _written(host: Host, id: str) -> str:
    """Where the settings say it is; "" when they do not."""
    section = (host.settings["provider"] or {}) if "provider" in host.settings else {}
    options = (section.get(id) or {}).get("options") or {}
    return str(options.get("baseURL") or "").rstrip("/")


def _root(base: str) -> str:
    return base.removesuffix("/v1")


async def _json(client: httpx2.AsyncClient, method: str, url: str, body: Any = None) -> Any:
    answer = await client.request(method, url, json=body)
    answer.raise_for_status()
    return answer.json()


async def _openai(client: httpx2.AsyncClient, base: str) -> dict[str, int]:
    found = await _json(client, "GET", f"{base}/models")
    sizes = ("max_model_len", "context_length", "context_window")
    return {
        str(each["id"]): next((int(each[size]) for size in sizes if isinstance(each.get(size), int)), 0)
        for each in found["data"]
    }


async def _ollama(client: httpx2.AsyncClient, base: str) -> dict[str, int]:
    """What is loaded says how much it takes, else the model's own parameter; else only loading it tells."""
    root = _root(base)
    names = [str(each["name"]) for each in (await _json(client, "GET", f"{root}/api/tags"))["models"]]
    loaded = (await _json(client, "GET", f"{root}/api/ps")).get("models") or []
    sizes = {str(each["name"]): int(each.get("context_length") or 0) for each in loaded}
    made: dict[str, int] = {}
    for name in names[:40]:
        about = await _json(client, "POST", f"{root}/api/show", {"model": name})
        if "completion" not in about.get("capabilities", ["completion"]):
            continue
        own = re.search(r"^num_ctx\s+(\d+)", str(about.get("parameters") or ""), re.MULTILINE)
        made[name] = sizes.get(name) or (int(own[1]) if own else 0)
    return made


async def _lmstudio(client: httpx2.AsyncClient, base: str) -> dict[str, int]:
    found = (await _json(client, "GET", f"{_root(base)}/api/v0/models"))["data"]
    return {
        str(each["id"]): int(each.get("loaded_context_length") or each.get("max_context_length") or 0)
        for each in found
        if each.get("type") in (None, "llm", "vlm")
    }


async def _llamacpp(client: httpx2.AsyncClient, base: str) -> dict[str, int]:
    props = await _json(client, "GET", f"{_root(base)}/props")
    size = int(props["default_generation_settings"]["n_ctx"])
    return dict.fromkeys(await _openai(client, base), size)


async def _vllm(client: httpx2.AsyncClient, base: str) -> dict[str, int]:
    return await _openai(client, base)


KNOWN: tuple[tuple[str, str, str, Probe, str], ...] = (
    (
        "ollama",
        "Ollama",
        "http://127.0.0.1:11434/v1",
        _ollama,
        "Start it with OLLAMA_CONTEXT_LENGTH=65536 ollama serve, or give the model a num_ctx of 65536",
    ),
    ("lmstudio", "LM Studio", "http://127.0.0.1:1234/v1", _lmstudio, "Load it with a larger context length"),
    ("llamacpp", "llama.cpp", "http://127.0.0.1:8080/v1", _llamacpp, "Start llama-server with -c 65536"),
    ("vllm", "vLLM", "http://127.0.0.1:8000/v1", _vllm, "Start it with --max-model-len 65536"),
)
