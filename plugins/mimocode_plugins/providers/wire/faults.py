"""From what a provider answers to the fault it means, in one sentence that says what, where and what to do.

Providers word the same failure in many ways; the wordings below are collected from public reports. No sentence ever
holds a key: what was sent as a secret is struck out of what comes back, whatever the provider quotes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from mimocode.errors import ModelError, ModelFault

# Patterns stay text until a failure needs them: compiling them takes longer than building a request.
_OVERFLOW = "|".join(
    (
        r"(prompt|input) (is )?too long",
        r"(prompt|input) (token count|length)\b.{0,80}(exceed|supports)",
        r"maximum (context|prompt|input|allowed input) (length|size)",
        r"(exceed|larger|greater|longer).{0,60}context (size|window|length|limit)",
        r"context (size|window|length).{0,60}exceed",
        r"(context_length|context_window|token_limit)_exceeded",
        r"exceeds? (the )?(max(_seq_len|_model_len|imum number of tokens)|limit of [\d,]+)",
        r"exceeded model token limit|token limit exceeded",
        r"reduce the length of the (messages|input|prompt)",
        r"too large for model with",
        r"request_too_large",
    )
)
_EMPTY = r"insufficient[_ ](quota|balance|funds|credits?)|credit balance|exceeded your current quota"
_QUOTA = _EMPTY + (
    r"|billing|payment required|out of credits?|quota[_ ]exceeded|usage limit (has been )?reached|monthly limit"
)
_FILTER = r"content[_ ](filter|policy|management)|data_inspection_failed|safety (system|filter)"
_UNKNOWN_MODEL = (
    r"model[_ ]not[_ ](found|exist)|(no such|unknown|invalid) model|model .{0,120}"
    r"(does not exist|not found|not exist|is not supported|is not available|unavailable)|not a valid model"
)
_RATE = r"rate[_ -]?limit|too many requests|throttl|per (minute|second|day)"
_BAD_KEY = r"invalid[_ ]api[_ ]key|incorrect api key|authentication[_ ]error|unauthorized|permission"
_BAD_REQUEST = r"invalid_request|bad request|invalid_prompt"
_TIME = r"(\d+(?:\.\d+)?)\s*(ms|milliseconds?|h|hours?|m|min|minutes?|s|sec|seconds?)(?![a-z])"
_AGAIN = rf"(?:try again|retry)\b[^.\d]{{0,40}}?((?:{_TIME}\s*)+)"
_KEYLIKE = r"\b(sk|key|xai|gsk|tp)-[A-Za-z0-9_*.-]{6,}"


@dataclass(frozen=True)
class Asked:
    """What was asked where: all that a sentence about a failure needs."""

    provider: str
    model: str
    url: str = field(repr=False)
    key_hint: str = ""
    """How the user gives this provider a key: "set OPENAI_API_KEY ..."."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not appear in any message."""

    @property
    def where(self) -> str:
        """The address without what may be secret in it."""
        return public(self.url)

    def error(
        self, fault: ModelFault, sentence: str, *, status: int = 0, retry_after: float | None = None
    ) -> ModelError:
        """A `ModelError` with the secrets struck out."""
        return ModelError(fault, scrub(sentence, self.secrets), status=status, retry_after=retry_after)

    def no_key(self) -> ModelError:
        """There is no key."""
        return self.error(ModelFault.CREDENTIAL, f"no key for {self.provider}: {self.key_hint}")


def public(url: str) -> str:
    """An address without user name, password, query and fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def scrub(text: str, secrets: tuple[str, ...] = ()) -> str:
    """The text without these secrets and without what looks like a key."""
    for secret in secrets:
        if len(secret) > 3:
            text = text.replace(secret, "[key]")
    return re.sub(_KEYLIKE, "[key]", text)


@dataclass(frozen=True)
class Words:
    """What an error says: its message, and its machine-readable names (type, code, status)."""

    message: str
    codes: str = ""

    @property
    def all(self) -> str:
        """Everything, for looking for wordings."""
        return f"{self.codes} {self.message}"


def words(body: bytes) -> Words:
    """What an error body says, whichever of the known shapes it has; plain text is its own message."""
    try:
        return of_object(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Words(_short(body.decode("utf-8", "replace")))


def of_object(value: Any) -> Words:
    """As `words`, from JSON that is already decoded."""
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return Words(_short(str(value)) if value else "")
    outer = value
    if isinstance(value.get("error"), dict):
        value = value["error"]
    codes = [str(value[name]) for name in ("type", "code", "status") if value.get(name) not in (None, "", "error")]
    found = value.get("message") or value.get("detail") or outer.get("message")
    if not found and isinstance(outer.get("error"), str):
        found = outer["error"]
    metadata = value.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("raw"), str):
        # a router that passes on what the real provider said
        found = f"{found}: {metadata['raw']}"
    return Words(
        _short(found if isinstance(found, str) else msgspec.json.encode(found or value).decode()), _join(codes)
    )


def of_status(status: int, headers: Mapping[str, str], body: bytes, asked: Asked) -> ModelError:
    """The error that an HTTP status other than 200 means."""
    said = _html_title(body) if _is_html(headers, body) else words(body)
    wait = retry_after(headers, said.message)
    if 300 <= status < 400:
        return asked.error(
            ModelFault.NONSENSE,
            f"{asked.where} redirects to {public(headers.get('location', ''))}; is baseURL right?",
            status=status,
        )
    fault = _fault(status, said)
    return asked.error(fault, _sentence(fault, status, said, asked, wait), status=status, retry_after=wait)


def in_stream(value: Any, asked: Asked) -> ModelError:
    """The error that an error object inside a stream (or instead of one) means."""
    said = of_object(value)
    status = 0
    for code in said.codes.split():
        if code.isdigit() and 400 <= int(code) < 600:
            status = int(code)
    fault = _fault(status, said) if status else _fault_of_words(said)
    wait = retry_after({}, said.message)
    return asked.error(fault, _sentence(fault, status, said, asked, wait), status=status, retry_after=wait)


def retry_after(headers: Mapping[str, str], message: str = "", now: float | None = None) -> float | None:
    """Seconds that the provider asks to wait; None when it does not say.

    Source: RFC 9110 10.2.3 (seconds or an HTTP date), the `retry-after-ms` header of OpenAI and Azure, and the
    "try again in 1m20s" of messages.
    """
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
    except ValueError:
        pass
    if value := headers.get("retry-after"):
        try:
            return max(0.0, float(value))
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - (time.time() if now is None else now))
        except (ValueError, TypeError):
            pass
    if found := re.search(_AGAIN, message, re.I):
        return sum(float(number) * _unit(unit.lower()) for number, unit in re.findall(_TIME, found[1], re.I))
    return None


def _unit(name: str) -> float:
    if name == "ms" or name.startswith("milli"):
        return 0.001
    return {"h": 3600.0, "m": 60.0, "s": 1.0}[name[0]]


def _fault(status: int, said: Words) -> ModelFault:
    match status:
        case 401:
            return ModelFault.CREDENTIAL
        case 402:
            return ModelFault.QUOTA
        case 403:
            return _first(said, (_QUOTA, ModelFault.QUOTA), (_FILTER, ModelFault.FILTERED)) or ModelFault.CREDENTIAL
        case 404:
            return ModelFault.NOT_FOUND
        case 413:
            return ModelFault.OVERFLOW
        case 429:
            # some mention billing in every rate limit: only the plain words count, a rate can be waited for
            return ModelFault.QUOTA if re.search(_EMPTY, said.all, re.I) else ModelFault.RATE
        case 408 | 409 | 425:
            return ModelFault.SERVER
    if status >= 500:
        # some gateways wrap the refusal of the real provider into a 500
        return ModelFault.OVERFLOW if re.search(_OVERFLOW, said.all, re.I) else ModelFault.SERVER
    return (
        _first(
            said,
            (_OVERFLOW, ModelFault.OVERFLOW),
            (_QUOTA, ModelFault.QUOTA),
            (_UNKNOWN_MODEL, ModelFault.NOT_FOUND),
            (_FILTER, ModelFault.FILTERED),
        )
        or ModelFault.REQUEST
    )


def _fault_of_words(said: Words) -> ModelFault:
    """Without a status: only the words are left."""
    return (
        _first(
            said,
            (_RATE, ModelFault.RATE),
            (_OVERFLOW, ModelFault.OVERFLOW),
            (_QUOTA, ModelFault.QUOTA),
            (_BAD_KEY, ModelFault.CREDENTIAL),
            (_UNKNOWN_MODEL, ModelFault.NOT_FOUND),
            (_FILTER, ModelFault.FILTERED),
            (_BAD_REQUEST, ModelFault.REQUEST),
        )
        or ModelFault.SERVER
    )


def _first(said: Words, *rules: tuple[str, ModelFault]) -> ModelFault | None:
    return next((fault for pattern, fault in rules if re.search(pattern, said.all, re.I)), None)


def _sentence(fault: ModelFault, status: int, said: Words, asked: Asked, wait: float | None) -> str:
    who = asked.provider
    quoted = f": {said.message}" if said.message else ""
    number = f" ({status})" if status else ""
    match fault:
        case ModelFault.CREDENTIAL:
            return f"{who} refused the key{number}{quoted}; {asked.key_hint}"
        case ModelFault.NOT_FOUND:
            return (
                f"{who} does not know model {asked.model} at {asked.where}{number}{quoted}; "
                "check the name (`mimo models`) and baseURL"
            )
        case ModelFault.OVERFLOW:
            sentence = f"the request is too long for {who}/{asked.model}{number}{quoted}"
            return f"{sentence.rstrip('.')}; begin a new session or choose a model with a larger window"
        case ModelFault.QUOTA:
            sentence = f"the account at {who} is out of credit or quota{number}{quoted}"
            return f"{sentence.rstrip('.')}; top it up or choose another model"
        case ModelFault.RATE:
            again = f"; it asks to wait {wait:.0f} s" if wait is not None else ""
            return f"{who} gets too many requests{number}{quoted}{again}"
        case ModelFault.SERVER:
            return f"{who} failed or is overloaded{number}{quoted}"
        case ModelFault.FILTERED:
            return f"the content filter of {who} refused the request{number}{quoted}"
        case _:
            return f"{who} refused the request{number}{quoted}"


def not_a_stream(kind: str, body: bytes, asked: Asked) -> ModelError:
    """A 200 that is no event stream: an error object, a web page, or something else."""
    if not _is_html({"content-type": kind}, body):
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            value = None
        if isinstance(value, dict) and (value.get("error") or value.get("type") == "error"):
            return in_stream(value, asked)
    what = "a web page" if _is_html({"content-type": kind}, body) else (kind.partition(";")[0] or "something else")
    return asked.error(
        ModelFault.NONSENSE,
        f"{asked.where} answered with {what} instead of an event stream; is baseURL right?",
        status=200,
    )


def _is_html(headers: Mapping[str, str], body: bytes) -> bool:
    return "html" in headers.get("content-type", "").lower() or body[:200].lstrip()[:9].lower() in (
        b"<!doctype",
        b"<html>",
    )


def _html_title(body: bytes) -> Words:
    found = re.search(rb"<title[^>]*>(.{1,200}?)</title>", body, re.I | re.S)
    title = f' "{_short(found[1].decode("utf-8", "replace"))}"' if found else ""
    return Words(f"a web page{title} instead of JSON, is baseURL right?")


def _short(text: str, limit: int = 400) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[:limit] + " ..."


def _join(codes: list[str]) -> str:
    return " ".join(dict.fromkeys(codes))
