"""Which hosts and ports a list allows, for texts that come from a program that nobody trusts.

A host that is spelt in a way that two programs may read differently is refused rather than understood: NUL, userinfo,
percent signs, characters beyond ASCII, numbers that are short for an IPv4 address (demands.md 4.3, case 19).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
PORTS = (80, 443)
"""Where a rule that names no port reaches."""
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*", re.ASCII)
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True)
class Target:
    """Where a connection is to go; `host` in its one spelling: lower case, no dot at the end, addresses shortest."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Rule:
    """One entry of the list: a host, or with `below` every name below it; no `port` is 80 and 443."""

    host: str
    port: int = 0
    below: bool = False

    def allows(self, target: Target) -> bool:
        """Whether a target is covered."""
        fits = target.host.endswith("." + self.host) if self.below else target.host == self.host
        return fits and (target.port == self.port if self.port else target.port in PORTS)


def rules(texts: Iterable[str]) -> tuple[Rule, ...]:
    """The list as the settings write it: "pypi.org", "*.npmjs.org", "localhost:8080", "[::1]:8080".

    Raises:
        ValueError: an entry is none of these; the message names it.
    """
    return tuple(map(_rule, texts))


def _rule(text: str) -> Rule:
    said = text.strip().lower()
    below = said.startswith("*.")
    host, port = _split(said.removeprefix("*."))
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            host = ""
    found = canonical(host)
    if not found or port < 0 or (below and address(found) is not None):
        raise ValueError(f'"{text}" is no host: say "example.org", "*.example.org" or "example.org:8443"')
    return Rule(found, port, below)


def target(text: str, default: int = 0) -> Target | None:
    """A "host:port" that a client asks for; None when it is not plainly one."""
    host, port = _split(text)
    found = canonical(host.lower()) if host.isascii() else ""
    port = port or default
    return Target(found, port) if found and 0 < port < 65536 else None


def _split(text: str) -> tuple[str, int]:
    """Host and port, 0 without one and -1 for one that makes no sense; brackets stay with an IPv6 address."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        return text, 0
    return host, int(port) if _PORT.fullmatch(port) and int(port) else -1


def canonical(host: str) -> str:
    """The one spelling of a host; "" for what is none, or could be read in more than one way."""
    if host.startswith("[") and host.endswith("]"):
        try:
            return str(ipaddress.IPv6Address(host[1:-1])) if "%" not in host else ""
        except ValueError:
            return ""
    name = host.removesuffix(".")
    if len(name) > 253 or not _NAME.fullmatch(name):
        return ""
    if _NUMBER.fullmatch(name.rpartition(".")[2]):  # the URL standard: what ends in a number is an IPv4 address
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            return ""
    return name


def address(host: str) -> Address | None:
    """A canonical host as an address, if it is one."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def reachable(found: str, rule: Rule) -> bool:
    """Whether a name that this rule allows may lead to this address: names can be pointed anywhere by their owners.

    Never to this machine or its neighbours on the link, unless the rule says so itself; into private networks only
    for a name that the list spells out.
    """
    at = ipaddress.ip_address(found.partition("%")[0])
    if isinstance(at, ipaddress.IPv6Address):
        at = at.ipv4_mapped or at.sixtofour or at
    if (said := address(rule.host)) is not None:
        return at == said
    if at.is_loopback:
        return rule.host == "localhost" and not rule.below
    if at.is_link_local or at.is_multicast or at.is_unspecified or at.is_reserved:
        return False
    return at.is_global or not rule.below
