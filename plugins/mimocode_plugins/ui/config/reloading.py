"""Settings that the user changes while a session runs count from the next message on.

Only the user's own files and variables are followed. When a file of the project has changed, nothing is read again:
what it brings is the user's to look at first, and the agent may have written it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode import hookspecs as on
from mimocode.errors import SettingsError
from mimocode.ports import StashKey

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

Marks = dict[str, tuple[int, int, int]]
_seen: StashKey[Marks] = StashKey("ui.config.seen")
_first: StashKey[Marks] = StashKey("ui.config.first")
PROJECT = "project settings"
"""The name of the sources that come with the project."""


def remember(host: Host) -> None:
    """From here on a change is one."""
    if consulted := getattr(host.settings, "consulted", None):
        host.stash.setdefault(_first, host.stash.setdefault(_seen, marks(consulted)))


async def refresh(session: Session) -> None:
    """Read the settings again if the user's files have changed; say what is different, or what is wrong."""
    host = session.host
    settings: Any = host.settings
    sources = getattr(settings, "consulted", None)
    if not sources or session.parent is not None:
        return
    now = marks(sources)
    before = host.stash.setdefault(_seen, now)
    if now == before:
        return
    host.stash[_seen] = now
    first = host.stash.setdefault(_first, before)
    # compared with the start, not with the last look: what the project brought since stays out for good
    if any(now.get(file) != first.get(file) for name, file, _ in sources if name == PROJECT):
        await session.notice(
            "config", "this project's settings have changed; they count from the next start", "warning"
        )
        return
    try:
        fresh = _read(host)
    except SettingsError as error:
        await session.notice("config", f"{error}; the settings of before still count", "warning")
        return
    different = sorted(key for key in {*fresh.data, *settings.data} if fresh.data.get(key) != settings.data.get(key))
    if different:
        host.settings = fresh
        session.model = None  # opened again for the next request: its address may be another one
        await session.notice("config", f"your settings were read again: {', '.join(different)} changed")


def marks(sources: Any) -> Marks:
    """What tells that a file is another one: its number, size and time."""
    found: Marks = {}
    for _, file, _ in sources:
        try:
            stat = Path(file).stat() if file else None
        except OSError:
            stat = None
        if stat is not None:
            found[file] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return found


def _read(host: Host) -> Any:
    """All settings, every value looked at.

    Raises:
        SettingsError: one of them makes no sense.
    """
    claims = [(plugin, claim) for plugin, offer in host.hooks.collect_now(on.register_settings) for claim in offer]
    fresh: Any = host.workspace.read(claims, host.trusted, host.plugins.partial)
    for name in fresh.data:
        _ = fresh[name]
    return fresh
