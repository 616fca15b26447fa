"""Two services that speak OpenAI's wires at addresses of their own, for whoever has logged in to them.

A ChatGPT login is told by its token, which names the account: its requests go to the backend of Codex, which sets
limits by itself and costs nothing per token. MiMo Auto takes Chat Completions at `/chat`, and its tokens end early.
Source: surface.md 5.8 and 5.9.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mimocode.errors import ModelError, ModelFault
from mimocode.events import Pulse
from mimocode.ports import Answer, Model, Prompt

from ..wire.around import Around
from ..wire.config import Entry, Target, address

if TYPE_CHECKING:
    from mimocode.host import Host

CODEX = "https://chatgpt.com/backend-api/codex"
FREE = "/api/free-ai/openai/chat/completions"
_CLAIMS = "https://api.openai.com/auth"


def detoured(target: Target, environ: Mapping[str, str]) -> Target:
    """The target, or where it really is."""
    if target.provider.id == "openai" and (account := _account(target.key)):
        base = (environ.get("MIMOCODE_CHATGPT_URL") or CODEX).rstrip("/")
        model = replace(target.model, record=_unlimited(target.model))
        headers = {**target.headers, "ChatGPT-Account-Id": account, "originator": "mimocode"}
        asked = replace(target.asked, url=f"{base}/responses", key_hint="log in with `mimo setup chatgpt`")
        return replace(target, model=model, asked=asked, headers=headers, wire="responses")
    if target.provider.id == "mimo" and target.asked.url.endswith(FREE):
        url = target.asked.url.removesuffix("/completions")
        headers = {"X-Mimo-Source": "mimocode-cli-free", **target.headers}
        return replace(target, asked=replace(target.asked, url=url), headers=headers)
    return target


def sent_to(target: Target, base: str) -> Target:
    """The target at the address that its key belongs to, unless the user's settings name one."""
    if target.provider.options.get("baseURL") or not target.wire:
        return target
    return replace(target, asked=replace(target.asked, url=address(base, target.wire)))


def is_free(target: Target) -> bool:
    """Whether this is the anonymous channel, whose tokens end early."""
    return target.provider.id == "mimo" and target.asked.url.endswith(FREE.removesuffix("/completions"))


def _account(key: str) -> str:
    """The account that a ChatGPT token names; "" for any other key."""
    if key.count(".") != 2:
        return ""
    try:
        part = key.split(".")[1]
        claims: Any = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return str(claims[_CLAIMS]["chatgpt_account_id"])
    except (ValueError, KeyError, TypeError):
        return ""


def _unlimited(model: Entry) -> dict[str, Any]:
    """The record without what the backend decides by itself: the length of answers, randomness, prices."""
    record = {name: value for name, value in model.record.items() if name != "cost"}
    limit = {name: value for name, value in (record.get("limit") or {}).items() if name != "output"}
    return {**record, "limit": limit, "temperature": False}


class Renewing(Around):
    """A model whose token may end before its time: a refusal before the first word is tried once with a new one."""

    def __init__(self, model: Model, host: Host, again: Callable[[], Any]) -> None:
        super().__init__(model)
        self._host, self._again = host, again

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """Ask, and yield what comes; see `mimocode.ports.Model`."""
        said = False
        try:
            async with aclosing(self._model.stream(prompt)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    said = True
                    yield piece
            return
        except ModelError as error:
            if said or error.fault is not ModelFault.CREDENTIAL:
                raise
        await self.close()
        self._host.options["renew_credential"] = self._model.ref.partition("/")[0]
        self._model = await self._again()
        async with aclosing(self._model.stream(prompt)) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                yield piece
