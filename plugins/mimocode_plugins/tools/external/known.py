"""Which MCP servers there are: the `mcp` setting, the project's `.mcp.json`, and those of Claude Code (surface 9.1)."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from mimocode.host import Host

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
_KEYS = frozenset(
    "type command args env environment url headers oauth timeout sampling enabled disabled".split()  # noqa: SIM905
)
_LARGEST = 50_000_000
"""Bytes of a ~/.claude.json that is read; it also holds histories."""


@dataclass(frozen=True)
class Known:
    """A server that somebody configured. `waits` says why it is not used: switched off, or not trusted."""

    name: str
    origin: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 30.0
    """Seconds for connecting and listing."""
    patience: float = 300.0
    """Seconds that a call may go without a sign of life."""
    directory: str = ""
    waits: str = ""
    sse: bool = False
    """It only speaks the older transport, HTTP with server-sent events."""
    oauth: Mapping[str, str] | None = field(default_factory=dict)
    """How to log in: `clientId`, `clientSecret`, `scope`, `redirectUri`,
    `clientMetadataUrl` (an address that describes the client, for servers that read one); None for never."""
    sampling: str = "deny"
    """Whether it may ask the model something: "deny", "ask" or "allow"."""

    @property
    def key(self) -> str:
        """Changes when anything changes that decides what runs or who answers."""
        parts = [self.name, self.command, sorted(self.environment.items()), self.url, sorted(self.headers.items())]
        return hashlib.sha256(json.dumps([*parts, self.directory]).encode()).hexdigest()[:32]

    @property
    def account(self) -> str:
        """Under which name its login is kept: another address is another account."""
        return f"mcp/{self.name}/{hashlib.sha256(self.url.encode()).hexdigest()[:16]}"

    @property
    def shown(self) -> str:
        """What runs or answers, without secrets."""
        if not self.url:
            return " ".join(_masked(word) for word in self.command)
        parts = urlsplit(self.url)
        query = "?..." if parts.query else ""
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"


def _masked(word: str) -> str:
    return re.sub(r"(?i)((?:key|token|secret|password|auth\w*)[=:]).+", r"\1...", word)


def known(host: Host) -> tuple[list[Known], list[str]]:
    """All servers, the setting's before others of the same name, and a sentence for each entry that makes no sense."""
    found: dict[str, Known] = {}
    odd: list[str] = []
    for origin, table, waits in _tables(host, odd):
        for name, entry in table.items():
            if name in found:
                continue
            try:
                found[name] = _server(name, origin, entry, host, waits)
                odd += [f'the MCP server "{name}" of {origin}: {word}' for word in _unmeant(entry)]
            except ValueError as error:
                odd.append(f'the MCP server "{ascii(name)[1:-1]}" of {origin} is left out: {error}')
    return list(found.values()), odd


def _tables(host: Host, odd: list[str]) -> list[tuple[str, Mapping[str, Any], str]]:
    tables: list[tuple[str, Mapping[str, Any], str]] = [("settings", host.settings["mcp"], "")]
    untrusted = "" if host.trusted else "the folder is not trusted"  # known once the workspace was opened
    tables.append((".mcp.json", _file(host.root / ".mcp.json", odd), untrusted))
    if not any(_flag(host, name) for name in ("MIMOCODE_DISABLE_CLAUDE_CODE", "MIMOCODE_DISABLE_CLAUDE_CODE_MCP")):
        home = Path(host.environ.get("HOME") or Path.home())
        tables.append(("~/.claude.json", _file(home / ".claude.json"), ""))
        if host.directory != home:
            tables.append((".claude.json", _file(host.directory / ".claude.json"), untrusted))
    return tables


def _flag(host: Host, name: str) -> bool:
    return host.environ.get(name, "").lower() in ("1", "true")


def _file(path: Path, odd: list[str] | None = None) -> Mapping[str, Any]:
    """The `mcpServers` of a file, or none; `odd` is told why not. Other programs' own files are not ours to correct."""
    odd = [] if odd is None else odd
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return {}
        said = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        why = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else str(error)
        odd.append(f"{path} is left out: {why}")
        return {}
    servers = said.get("mcpServers", None if said else {}) if isinstance(said, dict) else None
    if not isinstance(servers, dict):
        odd.append(f'{path} is left out: servers stand as {{"mcpServers": {{"name": {{...}}}}}}')
        return {}
    return servers


def _server(name: str, origin: str, entry: Any, host: Host, waits: str) -> Known:
    """One entry, in our words or in Claude Code's.

    Raises:
        ValueError: it makes no sense; says why.
    """
    if not isinstance(entry, Mapping):
        raise ValueError("it must be an object")
    if _COMMANDING.search(json.dumps([name, entry])):
        raise ValueError("it has control characters in it")
    if entry.get("enabled") is False or entry.get("disabled") is True:
        return Known(name, origin, waits="disabled")
    kind = entry.get("type") or ("remote" if entry.get("url") else "local")
    fill = {} if origin == "settings" else dict(host.environ)
    limit = _seconds(entry.get("timeout"))
    common: dict[str, Any] = {"timeout": limit or 30.0, "patience": limit or _patience(host), "waits": waits}
    common["sampling"] = entry.get("sampling", "deny")
    if common["sampling"] not in ("deny", "ask", "allow"):
        raise ValueError('"sampling" must be "deny", "ask" or "allow"')
    if kind in ("remote", "http", "streamable-http", "sse"):
        url = _text(entry, "url", fill)
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError('"url" must be an http or https address')
        headers, oauth = _texts(entry, "headers", fill), None
        if entry.get("oauth") is not False and "authorization" not in {header.lower() for header in headers}:
            oauth = _texts(entry, "oauth", fill)
        return Known(name, origin, url=url, headers=headers, sse=kind == "sse", oauth=oauth, **common)
    if kind not in ("local", "stdio"):
        raise ValueError(f'"type" must be "local" or "remote", not {kind!r}')
    command = _command(entry, fill)
    environment = {**_texts(entry, "env", fill), **_texts(entry, "environment", fill)}
    return Known(name, origin, command, environment, directory=str(host.root), **common)


def _unmeant(entry: Mapping[str, Any]) -> Iterator[str]:
    for key in entry.keys() - _KEYS:
        if close := difflib.get_close_matches(key, _KEYS, 1, 0.7):
            yield f'"{key}" is nothing; did you mean "{close[0]}"?'


def _command(entry: Mapping[str, Any], fill: Mapping[str, str]) -> tuple[str, ...]:
    command, extra = entry.get("command"), entry.get("args", [])
    said = [command] if isinstance(command, str) else command
    if not isinstance(said, list) or not isinstance(extra, list) or not said:
        raise ValueError('"command" must be a list of words')
    if not all(isinstance(word, str) and "\0" not in word for word in [*said, *extra]) or not said[0]:
        raise ValueError('"command" and "args" must be texts')
    return tuple(_filled(word, fill) for word in words([*said, *extra]))


def words(command: Sequence[str]) -> list[str]:
    """A command as words, also if it was written as one text."""
    if len(command) == 1 and " " in command[0] and not Path(command[0]).exists():
        with suppress(ValueError):  # a quote is not closed
            return shlex.split(command[0])
    return list(command)


def _text(entry: Mapping[str, Any], name: str, fill: Mapping[str, str]) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f'"{name}" must be a text')
    return _filled(value, fill)


def _texts(entry: Mapping[str, Any], name: str, fill: Mapping[str, str]) -> dict[str, str]:
    value = entry.get(name) or {}
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
        raise ValueError(f'"{name}" must be an object of texts')
    return {key: _filled(text, fill) for key, text in value.items()}


def _filled(text: str, variables: Mapping[str, str]) -> str:
    """`${NAME}` and `${NAME:-default}` replaced, as Claude Code does it; our own files have `{env:NAME}` instead."""
    if not variables:
        return text

    def value(found: re.Match[str]) -> str:
        if found[1] not in variables and found[2] is None:
            raise ValueError(f"the variable {found[1]} is not set")
        return variables.get(found[1]) or found[2] or ""

    return _VARIABLE.sub(value, text)


def _seconds(milliseconds: Any) -> float:
    if milliseconds is None:
        return 0.0
    if not isinstance(milliseconds, int | float) or isinstance(milliseconds, bool) or milliseconds <= 0:
        raise ValueError('"timeout" must be a number of milliseconds above 0')
    return milliseconds / 1000


def _patience(host: Host) -> float:
    """`experimental.mcp_timeout`, which is about calls alone."""
    said = host.settings["experimental"] if "experimental" in host.settings else {}  # noqa: SIM401  not a dict
    limit = said.get("mcp_timeout") if isinstance(said, Mapping) else getattr(said, "mcp_timeout", None)
    return _seconds(limit) or 300.0


_COMMANDING = re.compile(r"\\u00(0[0-8bef]|1|7f|[89])|\\[bf]")
"""What commands a terminal, as JSON spells it; servers are listed and named in errors."""
_ALLOWED = re.compile(
    r"HOME|LOGNAME|USER|PATH|SHELL|TERM|LANG(UAGE)?|LC_\w+|TZ|TMPDIR|XDG_\w+|NVM_\w+|NODE_PATH|VIRTUAL_ENV|"
    r"SSL_CERT_\w+|DISPLAY|(?i:no_proxy)"
)
"""What a local server sees of our environment: an allowlist, so that no credential leaks."""


def environment(server: Known, path: str = "") -> dict[str, str]:
    """The variables of a local server: what is harmless of ours, and what its entry gives.

    Args:
        server: whose they are.
        path: PATH as the user has it, where ours is a shorter one.
    """
    kept = {name: value for name, value in os.environ.items() if _ALLOWED.fullmatch(name)}
    return {**kept, **({"PATH": path} if path else {}), **server.environment}
