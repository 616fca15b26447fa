"""What a command may write, read, and not even see: one plan of the disk for every kind of sandbox.

The disk is read-only. Writable are the project, what the settings name, and a temporary directory of the session's
own. Keys and credentials are out of sight. Inside of what is writable, files that decide what runs next stay
read-only. The deeper path decides, at the same path the stricter access (issue text; DESIGN.md section 9).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from pathlib import Path

from ..protected import NAMES, WITHIN
from .repositories import needed, pointed, seals, stores


class Access(IntEnum):
    """The stricter one is greater."""

    WRITE = 0
    READ = 1
    HIDE = 2


SECRETS = """
.ssh .aws .gnupg .kube .docker .azure .netrc .npmrc .pypirc .git-credentials .pgpass .my.cnf .vault-token .boto .s3cfg
.config/gh .config/glab-cli .config/gcloud .config/hub .config/git/credentials .config/rclone .config/op
.config/containers/auth.json .config/google-chrome .config/chromium .config/BraveSoftware .config/doctl .config/sops
.mozilla .thunderbird .password-store .local/share/keyrings .local/share/kwalletd .terraform.d/credentials.tfrc.json
.cargo/credentials .cargo/credentials.toml .gem/credentials .composer/auth.json .m2/settings.xml
.gradle/gradle.properties .claude/.credentials.json .claude.json .codex/auth.json .gemini/oauth_creds.json
.config/github-copilot .local/share/opencode/auth.json .cache/huggingface/token .huggingface/token .kaggle .oci
.databrickscfg .pulumi/credentials.json .fly/config.yml .netlify .config/netlify .local/share/com.vercel.cli
.config/stripe .config/heroku .config/pypoetry/auth.toml .subversion/auth .mylogin.cnf .smbcredentials
.config/age .config/solana .bitcoin .ethereum .electrum .config/microsoft-edge .config/vivaldi .config/opera .librewolf
.var/app snap/firefox snap/chromium .config/Signal .config/Slack .config/discord .config/remmina .local/share/remmina
.config/filezilla Library/Keychains Library/Cookies .viminfo .lesshst
.sqlite_history .rediscli_history .irb_history .local/share/fish/fish_history .bash_history
.zsh_history .python_history .node_repl_history .psql_history .mysql_history
"""
"""Below the home: keys, tokens, and histories that tend to hold some."""
OPEN = ("tool-output", "memory", "plans", "templates")
"""Of our own data, what a command may read."""


@dataclass(frozen=True)
class Grounds:
    """What a plan is made from; `roots` are writable unless `look_only`. Temporary directories: of all and our own."""

    home: Path
    roots: tuple[Path, ...]
    temp: Path
    temps: tuple[Path, ...] = (Path("/tmp"), Path("/var/tmp"))
    data: Path | None = None
    config: Path | None = None
    state: Path | None = None
    look_only: bool = False
    writable: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    programs: tuple[Path, ...] = ()
    """What has to stay visible although it lies in a temporary directory."""
    beside: Path | None = None
    """The project, when the roots are git worktrees of it for one agent alone: it is only looked at from there."""


@dataclass
class Layout:
    """Paths, links resolved, that differ from a read-only disk. `temp` stands in for every one of `temps`.

    `environ` has variables for commands, which lead to places that are writable.
    """

    temp: Path
    temps: tuple[Path, ...]
    access: dict[Path, Access] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)

    def put(self, path: Path, access: Access) -> None:
        """Give a path an access; what does not exist is left out."""
        real = Path(os.path.realpath(path))
        if real.exists():
            self.access[real] = max(access, self.access.get(real, access))

    @cached_property
    def outermost_first(self) -> list[tuple[Path, Access]]:
        """The order in which later entries may lie inside of earlier ones; the plan is whole when it is asked for."""
        return sorted(self.access.items(), key=lambda item: (len(item[0].parts), item[0]))

    def holds(self, path: Path) -> bool:
        """Whether some entry lies below this path; the plan is whole when it is asked for."""
        return path in self._above

    @cached_property
    def _above(self) -> frozenset[Path]:
        return frozenset(parent for path in self.access for parent in path.parents)


def layout(grounds: Grounds) -> Layout:
    """Make the plan."""
    temps = tuple(dict.fromkeys(Path(os.path.realpath(each)) for each in grounds.temps if each.is_dir()))
    made = Layout(grounds.temp, temps)
    wanted = () if grounds.look_only else grounds.roots
    writable = [real for each in (*wanted, *grounds.writable) for real in without_home(each, grounds.home)]
    for path in writable:
        made.put(path, Access.WRITE)
    for path in (*(grounds.roots if grounds.look_only else ()), *([grounds.beside] if grounds.beside else ())):
        made.put(path, Access.READ)
    for path in _seen(grounds, temps):
        if not any(path == each or each in path.parents for each in made.access):
            made.put(path, Access.READ)
    for root in dict.fromkeys((*wanted, *grounds.writable)):
        _seal(made, Path(os.path.realpath(root)), alone=grounds.beside is not None and root in grounds.roots)
    for path in (*(grounds.home / name for name in SECRETS.split()), *grounds.hidden):
        made.put(path, Access.HIDE)
    for path in _ours(grounds):
        if path not in (*grounds.roots, grounds.beside):
            made.put(path, Access.HIDE)
    for name in OPEN if grounds.data else ():
        made.put(grounds.data / name, Access.READ)  # type: ignore[operator]
    return made


def without_home(root: Path, home: Path) -> Iterator[Path]:
    """A directory to write in; where it is the home, or holds it, what lies there openly instead.

    Otherwise new start-up files of shells could be made: what does not exist yet cannot be covered.
    """
    root, home = Path(os.path.realpath(root)), Path(os.path.realpath(home))
    if root != home and root not in home.parents:
        yield root
        return
    try:
        found = sorted(home.iterdir())
    except OSError:
        return
    yield from (
        each for each in found if not each.name.startswith(".") and each.name != "bin" and not each.is_symlink()
    )


def _seen(grounds: Grounds, temps: Iterable[Path]) -> Iterator[Path]:
    """What would vanish behind the private temporary directory although commands need it."""
    for each in (grounds.home, *grounds.programs):
        real = Path(os.path.realpath(each))
        if any(temp in real.parents for temp in temps):
            yield real


def _seal(made: Layout, root: Path, alone: bool) -> None:
    """Inside of a writable directory: git's hooks and settings, our settings, those of editors and other agents.

    Of the repository of a worktree that somebody has `alone`, only what commits on its own branch need is writable.
    """
    linked = pointed(root / ".git") if alone else None
    if linked is not None:
        made.put(root / ".git", Access.READ)
        made.put(linked.common, Access.READ)
        for path in needed(linked, root.name):
            made.put(path, Access.WRITE)
    for store in stores(root):
        if linked is not None and store == linked.common:
            continue
        made.put(store, Access.WRITE)  # a mount of its own, which cannot be renamed away
        for path in seals(store):
            made.put(path, Access.READ)
    for name in NAMES:
        made.put(root / name, Access.READ)
    for folder, names in WITHIN.items():
        kept = [root / folder / name for name in (*sorted(names), *(NAMES if folder == ".mimocode" else ()))]
        if any(path.exists() for path in kept):
            made.put(root / folder, Access.WRITE)
            for path in kept:
                made.put(path, Access.READ)


def _ours(grounds: Grounds) -> Iterator[Path]:
    """The log, credentials, approvals, settings that may hold keys."""
    yield from (each for each in (grounds.data, grounds.state) if each is not None)
    if grounds.config is not None:
        names = ("mimocode.json", "mimocode.jsonc", "config.json", "auth.json", "tui.json")
        yield from (grounds.config / name for name in names)
