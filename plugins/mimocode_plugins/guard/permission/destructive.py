"""Which commands destroy what nobody can bring back.

They are asked in every mode, because no rule that was written for something else should cover them (surface.md 6.3
"Deletes", runtime.md 1.15). The only way out is a deletion whose every target lies inside a temporary directory.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .arity import words_of
from .carried import carried, texts_destroy
from .shell import Command, Word

DELETERS = words_of("rm rmdir unlink shred del erase rd remove-item ri rimraf")
WRECKERS = words_of("mkfs mke2fs wipefs blkdiscard fdisk sfdisk parted")
_GIT_VALUE = words_of("-C --git-dir --work-tree --namespace --super-prefix")
_RAW = re.compile(
    r"(?<![\w.-])(rm|rmdir|unlink|shred|del|erase|rd|remove-item|ri|mkfs\S*|wipefs|blkdiscard)(?![\w.-])"
    r"|-delete\b|rmtree|\bdd\b.{0,400}\bof=|>\s*/dev/(sd|nvme|hd|vd|disk)|--hard\b|--force\b|\bpush\b.{0,400}\s-f\b"
    r"|\bclean\b.{0,400}\s-\w*f|\bbranch\b.{0,400}\s-D\b|\bstash\s+(drop|clear)|\btag\b.{0,400}\s-d\b|\bworktree\s+remove"
    r"|\(\)\s*\{[^}]{0,400}\|[^}]{0,400}&",
    re.IGNORECASE | re.DOTALL,
)


def smells(text: str) -> bool:
    """Whether a text that was not understood mentions anything that destroys."""
    return _RAW.search(text) is not None


def destroys(command: Command, directory: Path | None = None) -> bool:
    """Whether a simple command, or one that it runs, destroys something, wherever its targets lie.

    Args:
        command: what is looked at.
        directory: where it runs, if that is known: `git checkout NAME` is about a file when there is one.
    """
    if _itself(command, directory) or texts_destroy(command):
        return True
    return any(_itself(Command(tuple(Word(w, w) for w in words)), directory) for words in carried(command))


def _itself(command: Command, directory: Path | None) -> bool:
    name, argv = command.name, command.argv
    if name in DELETERS or name in WRECKERS or name.startswith("mkfs."):
        return "--help" not in argv and "--version" not in argv
    if any(_device(word.value) for word in command.writes):
        return True
    options = argv[1:]
    if name == "git":
        return _git(options, directory)
    if name == "dd":
        return any(word.startswith("of=") and _device(word[3:]) for word in options)
    if name == "find":
        return "-delete" in options
    if name == "rsync":
        return any(word.startswith(("--del", "--remove-source-files")) for word in options)
    if name in ("chmod", "chown", "chgrp"):
        places = {"/", str(Path.home())}
        return _has(options, "R", "--recursive") and any(word.rstrip("/") or "/" in places for word in options)
    if name == "mv":
        return bool(options) and options[-1] == "/dev/null"
    return False


def _device(path: str) -> bool:
    harmless = re.fullmatch(r"/dev/(null|zero|full|tty|stdin|stdout|stderr|fd/\d+|shm/.+|pts/\d+)", path)
    return path.startswith("/dev/") and harmless is None


def _has(words: Sequence[str], letter: str, *names: str) -> bool:
    """Whether an option is given, alone or among bundled letters."""
    return any(
        word in names or (word.startswith("-") and not word.startswith("--") and letter in word[1:]) for word in words
    )


def _git(words: Sequence[str], directory: Path | None) -> bool:
    """Whether these arguments of git throw commits, branches, stashes or uncommitted work away."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        del rest[: 2 if rest[0] in _GIT_VALUE else 1]
    if not rest:
        return False
    verb, args = rest[0], rest[1:]
    force = _has(args, "f", "--force")
    sub = args[0] if args else ""
    return {
        "reset": any(word.startswith("--ha") or word == "--merge" for word in args),
        "clean": force and not _has(args, "n", "--dry-run"),
        "branch": _has(args, "D") or (force and _has(args, "d", "--delete")),
        "tag": _has(args, "d", "--delete"),
        "worktree": sub == "remove",
        "push": force
        or _has(args, "d")
        or any(w.startswith(("--force", "--mirror", "--delete", "--prune", "+", ":")) for w in args),
        "stash": sub in ("drop", "clear"),
        "checkout": force or "--" in args or "." in args or _over_files(args, directory),
        "checkout-index": force,
        "read-tree": "--reset" in args or "-u" in args,
        "gc": "--prune=now" in args or "--prune=all" in args,
        "prune": not _has(args, "n", "--dry-run"),
        "switch": force or "--discard-changes" in args,
        "restore": not ("--staged" in args or "-S" in args) or "--worktree" in args or _has(args, "W"),
        "reflog": sub in ("expire", "delete"),
        "update-ref": _has(args, "d"),
        "filter-branch": True,
        "rm": force,
    }.get(verb, False)


def _over_files(words: Sequence[str], directory: Path | None) -> bool:
    """Whether `git checkout` puts files back over what was changed in them, because it is given names of files."""
    if _has(words, "b", "--orphan") or _has(words, "B"):
        return False
    named = [word for word in words if not word.startswith("-")]
    return len(named) > 1 or any((directory / word).exists() for word in named if directory is not None)


def harmless(command: Command, directory: Path | None, protected: Sequence[Path]) -> bool:
    """Whether a deletion only touches what lies strictly inside a temporary directory and outside `protected`.

    Args:
        command: a command that `destroys`.
        directory: where relative targets begin; None when the text changes directory.
        protected: real paths of the project and of our own data.
    """
    if command.name not in DELETERS or command.inner:
        return False
    words = command.words[1:]
    end = next((at for at, word in enumerate(words) if word.value == "--"), len(words))
    targets = [*(word for word in words[:end] if not word.value.startswith("-")), *words[end + 1 :]]
    return bool(targets) and all(_temporary(word, directory, protected) for word in targets)


def _temporary(word: Word, directory: Path | None, protected: Sequence[Path]) -> bool:
    if word.dynamic or (directory is None and not word.value.startswith("/")):
        return False
    path = (directory or Path("/")) / word.value
    if word.glob:
        # A pattern in the last place stays in its directory; one before could walk through a link.
        path = path.parent
        if re.search(r"[*?\[]", str(path)):
            return False
    real = path.resolve()
    temporary = {Path(root).resolve() for root in (tempfile.gettempdir(), "/tmp", "/var/tmp")}
    if real in temporary or not any(root in real.parents for root in temporary):
        return False
    return not any(real == p or p in real.parents or real in p.parents for p in protected)
