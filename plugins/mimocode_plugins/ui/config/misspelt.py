"""Names in settings that nothing refuses, because others may be right, and that are nearly a known one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

OPTIONS = {
    each.lower(): each for each in ("apiKey", "baseURL", "timeout", "headerTimeout", "chunkTimeout", "setCacheKey")
}
"""Options of providers as they are spelt (surface.md 5.2)."""
PERMISSIONS = tuple(
    "read edit glob grep list bash task actor external_directory lsp skill question webfetch websearch codesearch "  # noqa: SIM905
    "doom_loop bash_delete bash_write mcp_write egress protected plan_exit mcp_sampling".split()
)
"""Keys of permission rules that are not the names of tools of others (surface.md 7)."""
SERVER = tuple(
    "type command environment url headers oauth timeout sampling enabled disabled args env".split()  # noqa: SIM905
)
"""Keys of an entry of `mcp` (surface.md 9.1)."""

Path = tuple[str, ...]


def misspelt(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Where each such name stands, and what was probably meant."""
    for name, entry in _tables(data.get("provider")):
        for given in entry:
            if (meant := OPTIONS.get(given.replace("_", "").lower())) and given != "timeout":
                yield ("provider", name, given), f"options.{meant}"
        for given in _table(entry.get("options")):
            if (meant := OPTIONS.get(given.replace("_", "").lower(), given)) != given:
                yield ("provider", name, "options", given), meant
    for name, entry in _tables(data.get("mcp")):
        yield from _near(("mcp", name), entry, SERVER)
    yield from _near(("permission",), _table(data.get("permission")), PERMISSIONS)
    for name, entry in _tables(data.get("agent")):
        yield from _near(("agent", name, "permission"), _table(entry.get("permission")), PERMISSIONS)


def _near(place: Path, table: Mapping[str, Any], known: Sequence[str]) -> Iterator[tuple[Path, str]]:
    for given in table:
        if given not in known and (close := get_close_matches(given, known, 1, 0.75)):
            yield (*place, given), close[0]


def _tables(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, entry) for name, entry in _table(value).items() if isinstance(entry, dict))


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
