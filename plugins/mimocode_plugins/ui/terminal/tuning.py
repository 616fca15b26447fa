"""What the user wants of the terminal: tui.json files, and what was chosen while talking (`<state>/kv.json`)."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mimocode.host import Host

CHOICES: dict[str, tuple[Any, ...]] = {
    "diff_style": ("auto", "stacked"),
    "keymap": ("emacs", "vi"),
    "theme_mode": ("auto", "dark", "light"),
    "thinking_mode": ("hide", "show"),
    "notify": ("auto", "off", "bell", "osc9", "osc777", "desktop"),
    "language": ("auto", "en", "zh"),
    "screen_reader": (False, True),
    "details": (False, True),
}
"""Settings that are one of several; the first is how it is when nobody says."""
_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', re.DOTALL)
IGNORED = ("$schema", "plugin", "plugin_enabled", "scroll_speed", "scroll_acceleration", "mouse")
"""Keys of other programs' files that mean nothing here."""


@dataclass
class Tuning:
    """The wishes, the later file over the earlier one, what was chosen while talking over the files."""

    values: dict[str, Any] = field(default_factory=dict)
    keybinds: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    """A sentence for everything that was left out."""
    store: Path | None = None

    def __getitem__(self, name: str) -> Any:
        """A wish, or what is usual."""
        return self.values.get(name, CHOICES[name][0] if name in CHOICES else "")

    def choose(self, name: str, value: Any) -> None:
        """Wish something, now and in time to come; silent when it cannot be kept."""
        self.values[name] = value
        if self.store is None:
            return
        with contextlib.suppress(OSError):
            kept = _kept(self.store) | {name: value}
            self.store.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.store.with_name(f".{self.store.name}.{os.getpid()}")
            fresh.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", "utf-8")
            fresh.replace(self.store)

    def take(self, data: Any, where: str) -> None:
        """Add the wishes of one file; what makes no sense is named and left out."""
        if not isinstance(data, dict):
            self.wrong.append(f"{where}: must hold an object")
            return
        data = {**data, **nested} if isinstance(nested := data.get("tui"), dict) else data
        for name, value in data.items():
            if name == "keybinds" and isinstance(value, dict):
                self.keybinds |= {key: str(keys) for key, keys in value.items()}
            elif (name == "theme" and isinstance(value, str)) or (name in CHOICES and value in CHOICES[name]):
                self.values[name] = value
            elif name in CHOICES:
                self.wrong.append(f"{where}: {name} must be one of {', '.join(map(str, CHOICES[name]))}")
            elif name not in (*IGNORED, "tui"):
                self.wrong.append(f"{where}: nobody knows {name!r}")


def tuned(host: Host) -> Tuning:
    """Read the files (surface.md 3.5), then what was chosen while talking.

    Low to high: what old settings files say, the user's, `MIMOCODE_TUI_CONFIG`, the project's from its root down when
    it is trusted, those in `.mimocode` folders, `MIMOCODE_CONFIG_DIR`.
    """
    store = host.paths.state / "kv.json"
    tuning = Tuning(store=store)
    if old := getattr(host.settings, "legacy", None):
        tuning.take(old, "the settings")
    for path in _files(host):
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeError):
            continue
        try:
            tuning.take(relaxed(text), str(path))
        except ValueError as error:
            tuning.wrong.append(f"{path}: {error}")
    tuning.take({name: value for name, value in _kept(store).items() if name in (*CHOICES, "theme")}, str(store))
    return tuning


def _files(host: Host) -> Iterator[Path]:
    def pair(folder: Path) -> list[Path]:
        return [folder / f"tui.{ending}" for ending in ("json", "jsonc")]

    yield from pair(host.paths.config)
    if named := host.environ.get("MIMOCODE_TUI_CONFIG"):
        yield Path(named).expanduser()
    if host.trusted and host.environ.get("MIMOCODE_DISABLE_PROJECT_CONFIG", "").lower() not in ("1", "true"):
        above = [each for each in (host.directory, *host.directory.parents) if each.is_relative_to(host.root)][::-1]
        for inner in ("", ".mimocode"):
            for folder in above or [host.directory]:
                yield from pair(folder / inner)
    if folder_named := host.environ.get("MIMOCODE_CONFIG_DIR"):
        yield from pair(host.directory / Path(folder_named).expanduser())


def relaxed(text: str) -> Any:
    """JSON with comments and commas before closing brackets.

    Raises:
        ValueError: it is none.
    """
    bare = _COMMENT.sub(lambda found: found[1] or " ", text)
    return json.loads(_COMMA.sub(lambda found: found[1] or "", bare))


def _kept(store: Path) -> dict[str, Any]:
    try:
        found = json.loads(store.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
