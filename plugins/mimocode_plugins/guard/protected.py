"""Files that decide what runs next: our own settings, hooks, shell start-up files, keys.

An agent that may write them can give itself any permission, so a change of one is a person's to allow, whatever the
rules and the mode say (demands.md 4.3, case 7).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path


def _words(text: str) -> frozenset[str]:
    """A set of words, written as one text."""
    return frozenset(text.split())


NAMES = _words("mimocode.json mimocode.jsonc .mcp.json .envrc .gitmodules .ripgreprc")
WITHIN = {
    ".mimocode": _words("plugin plugins hook hooks tui.json .env"),
    ".claude": _words("settings.json settings.local.json hooks plugins"),
    ".vscode": _words("tasks.json launch.json settings.json"),
}
HOME = _words("""
.bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .zshrc .zshenv .zprofile .zlogin .zlogout
.gitconfig .npmrc .pypirc .netrc .ssh .aws .gnupg .kube .docker .mimocode .claude .claude.json .pam_environment
.xprofile .xinitrc .inputrc .cargo/config.toml .config/fish .config/git .config/autostart .config/systemd
.config/mimocode .local/bin .local/share/mimocode bin .vimrc .vim .config/nvim .emacs .emacs.d .config/emacs .tmux.conf
.config/tmux .config/zsh .oh-my-zsh .bashrc.d .config/environment.d .config/pip .pip .cargo/config .pythonrc
.ipython .irbrc .gdbinit .config/gdb .lldbinit .psqlrc .curlrc .wgetrc .condarc .yarnrc .yarnrc.yml .gradle/init.gradle
.gradle/init.d .config/code/user .codex .gemini .cursor .local/share/applications library/launchagents
""")
_IGNORED = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""Characters that some file systems pass over in a name."""


def _folded(part: str) -> str:
    """A name as every file system reads it that passes over case, some characters, or dots and blanks at its end."""
    if part in ("/", ".", ".."):
        return part
    name = _IGNORED.sub("", unicodedata.normalize("NFC", part)).lower()
    name = name.rstrip(". ") or name
    return ".git" if re.fullmatch(r"git~\d", name) else name


def protected(real: Path, own: Sequence[Path], open_to_all: Sequence[Path]) -> bool:
    """Whether a change of this file needs a person.

    Args:
        real: the path after links.
        own: directories of ours (settings, data, state).
        open_to_all: those below them that agents may use.
    """
    folded = Path(*(_folded(part) for part in real.parts))
    parts = folded.parts
    if folded.name in NAMES or ".git" in parts:
        return True
    if any(part in WITHIN and parts[at + 1] in WITHIN[part] for at, part in enumerate(parts[:-1])):
        return True
    if any(real == each or each in real.parents for each in open_to_all):
        return False
    if any(real == each or each in real.parents for each in (*own, Path("/etc/mimocode"))):
        return True
    home = Path(str(Path.home().resolve()).lower())
    inside = folded.relative_to(home).parts if folded.is_relative_to(home) else ()
    return any("/".join(inside[:size]) in HOME for size in (1, 2, 3) if size <= len(inside))
