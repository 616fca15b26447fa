"""Take a shell command apart into the simple commands that it would run, or say that it is not understood.

The text is read by `grammar`; here the commands within the arguments of others are found: wrappers, `find -exec`,
`sh -c`, `ssh host ...`. What is not understood is asked (demands.md 4.3, case 13). Everything else in this family
goes through `commands`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .arity import words_of
from .grammar import read
from .words import Command, Unclear, Word

__all__ = ["Command", "Word", "commands"]

OPAQUE = words_of("eval trap alias bind complete compgen compopt let enable hash fc coproc")
"""Builtins that run text or change what later words mean."""
NAMING = words_of("test [ printf read unset wait getopts mapfile readarray declare typeset local export readonly")
"""Builtins with names of variables among their arguments: bash runs what stands in the brackets of such a name."""
SHELLS = words_of("sh bash dash zsh ksh mksh ash fish rbash")
WRAPPERS = words_of(
    "sudo doas env nohup nice ionice chrt timeout stdbuf setsid time command builtin exec xargs watch strace ltrace "
    "busybox unbuffer flock chroot taskset parallel caffeinate entr unshare nsenter systemd-run script su runuser"
)
FLAGS = words_of("-0 -r -t -i -E -H -S -k -v -p --null --no-run-if-empty --preserve-status --foreground")
"""Options of wrappers that take no value."""
_SEARCHED = words_of("flock chroot su runuser script unshare nsenter systemd-run chrt taskset parallel entr")
"""Wrappers with operands of their own before the command: it may begin at any word."""
_VALUED = re.compile(r"[-+][oO]|--rcfile|--init-file")
"""Options of shells whose value is the next word."""
FIND_EXEC = words_of("-exec -execdir -ok -okdir")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_VALUE = re.compile(r"[\d.]+[smhd]?")
_SHOWN = re.compile(
    r"(color\.\w+|core\.(quotepath|autocrlf|abbrev)|advice\.\w+|user\.(name|email)|log\.\w+|commit\.gpgsign"
    r"|init\.defaultbranch|column\.\w+)=[\w.@ -]*",
    re.IGNORECASE,
)
"""Settings of git for one command that only change what it says and who says it."""
_SSH_VALUES = re.compile(r"-[BbcDEeFIiJLlmOopQRSWw]")


def commands(text: str) -> list[Command] | None:
    """Every simple command that `text` would run, in order; None when it is not understood."""
    try:
        return [found for command in read(text) for found in _unfold(command)]
    except (Unclear, RecursionError, UnicodeError):
        return None


def _unfold(command: Command) -> Iterator[Command]:
    """A command and those in its arguments."""
    yield command
    name = command.name
    if name in OPAQUE or (name == "git" and _reconfigures(command.argv)) or (name in NAMING and _evaluates(command)):
        raise Unclear
    if name in ("source", ".") and _anything(command):
        raise Unclear
    if name in ("sudo", "doas") and any(re.fullmatch(r"-\w*[si]|--shell|--login", word) for word in command.argv):
        raise Unclear  # a shell that reads its input
    if name in SHELLS:
        yield from _script(command)
    if name == "ssh":
        yield from _remote(command)
    if name in WRAPPERS:
        if name == "env" and any(re.match(r"-\w*S|--split", word) for word in command.argv[1:]):
            raise Unclear
        for start in _starts(command.argv):
            yield from _inner(command, command.words[start:])
    if name == "find":
        for at, word in enumerate(command.argv):
            if word in FIND_EXEC:
                rest = command.words[at + 1 :]
                end = next((i for i, each in enumerate(rest) if each.value in (";", "+")), len(rest))
                yield from _inner(command, rest[:end])


def _anything(command: Command) -> bool:
    """Whether nobody can say which text `source` would run: it is a stream, or the name is not known."""
    return any(word.dynamic or re.match(r"-$|/dev/|/proc/", word.value) for word in command.words[1:])


def _evaluates(command: Command) -> bool:
    """Whether a builtin may take a word for an expression, and run what is substituted in it.

    `test -v 'a[$(x)]'`, `printf -v`, `read`, `unset`: the index of an array is arithmetic, in quotes, too; so is what
    is given to a variable that is declared as a number or as another one's name (bash(1), ARITHMETIC EVALUATION).
    """
    name, words = command.name, command.words[1:]
    options = [word.value for word in words if word.value.startswith("-")]
    indexed = any("[" in word.value and re.search(r"[$`]", word.value) for word in words)
    if indexed and name not in ("test", "[", "printf"):
        return True
    if name in ("declare", "typeset", "local"):
        return any(re.match(r"-\w*[in]", option) for option in options)
    if name in ("mapfile", "readarray"):
        return any(re.match(r"-\w*C", option) for option in options)
    if name in ("test", "["):
        named = [word for at, word in enumerate(words) if at and words[at - 1].value in ("-v", "-R")]
    elif name == "printf":
        named = list(words[:2]) if options and words[0].value.startswith("-v") else []
    else:
        named = list(words[-1:]) if name in ("read", "unset") else []
    return any(word.dynamic or "[" in word.value for word in named)


def _inner(command: Command, words: tuple[Word, ...]) -> Iterator[Command]:
    if not words:
        return
    if words[0].dynamic or words[0].glob:
        raise Unclear
    if re.search(r"[\s;&|<>()$`]", words[0].value):  # a text for a shell: watch 'rm x', su -c 'rm x'
        yield from _text(words[0].value)
        return
    found = Command(words, scoped=True, inner=True, fed=command.fed)
    for each in _unfold(found):
        yield replace(each, inner=True)


def _text(text: str) -> Iterator[Command]:
    found = commands(text)
    if found is None:
        raise Unclear
    yield from (replace(each, scoped=True, inner=True) for each in found)


def _starts(argv: tuple[str, ...]) -> Iterator[int]:
    """Where the command that a wrapper runs may begin: after its options and their possible values."""
    for at in range(1, len(argv)):
        if argv[at].startswith("-") or _ASSIGNMENT.match(argv[at]) or _VALUE.fullmatch(argv[at]):
            continue
        yield at
        if argv[0].rpartition("/")[2].lower() in _SEARCHED:
            continue
        if not argv[at - 1].startswith("-") or argv[at - 1] in FLAGS:
            return


def _remote(command: Command) -> Iterator[Command]:
    """What `ssh host command` runs elsewhere. Its options can run something here, so only some are understood."""
    at = 1
    while at < len(command.words) and command.argv[at].startswith("-"):
        if command.argv[at][:2] in ("-o", "-F", "-E", "-S", "-I"):
            raise Unclear
        at += 2 if _SSH_VALUES.fullmatch(command.argv[at]) else 1
    rest = command.words[at + 1 :]
    rest = rest[1:] if rest and rest[0].value == "--" else rest
    if any(word.dynamic for word in rest):
        raise Unclear
    if rest:
        yield from _text(" ".join(word.value for word in rest))


def _script(command: Command) -> Iterator[Command]:
    """The commands of `sh -c TEXT`. A shell that reads its input is beyond us."""
    argv = command.argv
    for at, word in enumerate(argv[1:], 1):
        if word.startswith("-") and not word.startswith("--") and "c" in word:
            if at + 1 >= len(argv) or command.words[at + 1].dynamic:
                raise Unclear
            found = commands(argv[at + 1])
            if found is None:
                raise Unclear
            yield from (replace(each, scoped=True) for each in found)
            return
        if _VALUED.fullmatch(argv[at - 1]):
            continue
        if not word.startswith(("-", "+")):
            if command.words[at].dynamic:
                raise Unclear
            return
    if not {"--version", "--help"} & set(argv):
        raise Unclear


def _reconfigures(argv: tuple[str, ...]) -> bool:
    """`git -c core.pager=...` and its kin run a program of their choice."""
    if any(
        re.match(r"ext::|--(upload-pack|receive-pack|exec|open-files-in-pager|ext-diff|config-env)\b", w) for w in argv
    ):
        return True
    if {"init", "clone"} & set(argv) and any(word.startswith("--template") for word in argv):
        return True  # hooks are copied from there
    if "-u" in argv and {"clone", "fetch", "ls-remote", "pull"} & set(argv):
        return True
    at = 1
    while at < len(argv) and argv[at].startswith("-"):
        if argv[at].startswith("--exec-path="):
            return True
        value = argv[at][2:] or "".join(argv[at + 1 : at + 2])
        if argv[at].startswith("-c") and not _SHOWN.fullmatch(value):
            return True
        at += 2 if argv[at] in ("-c", "-C", "--git-dir", "--work-tree", "--namespace", "--super-prefix") else 1
    return False
