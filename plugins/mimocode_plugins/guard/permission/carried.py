"""Destruction that other programs carry out: `uv run rm`, `git bisect run rm`, `awk 'BEGIN{system("rm -rf x")}'`.

A program that may run does what it likes, and no reader of its arguments can prevent that. This finds what is written
out in plain words, so that the simplest ways around a question are none (demands.md 4.3, cases 13 and 17).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from .arity import words_of
from .words import Command

RUNNERS: Mapping[str, str] = {
    **dict.fromkeys(words_of("uv rye conda mamba micromamba poetry pipenv pdm hatch"), "run"),
    **dict.fromkeys(words_of("docker podman nerdctl"), "run exec"),
    **dict.fromkeys(words_of("npm pnpm yarn bun bundle"), "exec x dlx"),
    **dict.fromkeys(words_of("mise asdf direnv kubectl"), "exec"),
    **dict.fromkeys(words_of("nix nix-shell devbox"), "shell develop run --run --command"),
    **dict.fromkeys(words_of("""
        uvx npx bunx pipx fakeroot setpriv prlimit pkexec run0 ssh-agent dbus-run-session xvfb-run firejail bwrap
        proot numactl runcon faketime rlwrap chronic hyperfine tmux screen eatmydata
    """), ""),
}  # fmt: skip
"""Programs that run the program named in their arguments, and after which of their words; "" is after any."""
_LOADER = re.compile(r"ld(-linux.*|-musl.*)?\.so[.\d]*")
_READERS = words_of("""
perl ruby node nodejs bun deno php lua luajit awk gawk mawk vi vim nvim ex emacs tar bsdtar make gmake expect osascript
tmux screen hyperfine
""")
_PYTHON = re.compile(r"(python|pypy)[\d.]*")
_SED = re.compile(r"(^|[;{/\d$])\s*e\s")
_GONE = re.compile(
    r"(?<![\w.-])(rm|rmdir|unlink|shred|rimraf)\s+(-\w|[/~.*$\"'{]|\w+/)|\b(rmtree|removedirs)\b|\brm_rf?\b"
    r"|\b(rm|rmdir|unlink)Sync\b|\bos\.(remove|unlink|rmdir)\b|\.(unlink|rmdir)\(|\bFile\.delete\b|\bmkfs|\bwipefs\b"
    r"|\bgit\s+(reset\s+--hard|clean\s+-\w*f|push\s+.{0,200}--force)",
    re.DOTALL,
)


def texts_destroy(command: Command) -> bool:
    """Whether a text among the arguments, or in a variable that is set, plainly destroys something when it is run."""
    name, argv = command.name, command.argv[1:]
    told = [word.value.partition("=")[2] for word in (*command.assignments, *command.kept)]
    if name in _READERS or _PYTHON.fullmatch(name):
        told += argv
    elif name in ("sed", "gsed"):
        told += [word for word in argv if _SED.search(word)]
    elif name == "git":
        told += [" ".join(argv)] if _runs_a_text(argv) else []
    return any(_GONE.search(text) for text in told)


def carried(command: Command) -> Iterator[Sequence[str]]:
    """The words from each place on where a command may begin that this one runs."""
    name, words = command.name, list(command.argv[1:])
    if name == "git" and _runs_a_text(words):
        verbs: Sequence[str] = ("run", "foreach")
    elif name in RUNNERS:
        verbs = RUNNERS[name].split()
    elif _LOADER.fullmatch(name):
        verbs = ()
    else:
        return
    begin = next((at + 1 for at, word in enumerate(words) if word in verbs), len(words)) if verbs else 0
    for at in range(begin, len(words)):
        yield words[at:]


def _runs_a_text(words: Sequence[str]) -> bool:
    """Whether these arguments of git make it run a command of their own for each commit or submodule."""
    return (
        {"bisect", "run"} <= set(words)
        or {"submodule", "foreach"} <= set(words)
        or ("rebase" in words and any(word.startswith("-x") for word in words))
    )
