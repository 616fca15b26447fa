"""Which files a simple command reads and changes, as far as its arguments tell, and whether it can only read.

An argument of `tee`, `cp`, `sed -i` and the like is an edit of that path just as a redirection is, so that rules
about files hold for commands, too (surface.md 6.3, 7; demands.md 4.3, cases 7 to 11).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from .arity import words_of
from .words import Command, Word

_CHANGED = words_of("tee rm rmdir unlink shred truncate touch mkdir mkfifo mknod chmod chown chgrp chattr setfacl")
_MODE_FIRST = words_of("chmod chown chgrp chattr mknod")
_COPIED = words_of("cp mv ln install rsync scp")
_READ = words_of("""
cat head tail less more wc sort uniq diff cmp comm file stat od xxd hexdump strings nl tac rev cut base64 base32
md5sum sha1sum sha256sum sha512sum cksum bat zcat bzcat xzcat column paste join fold fmt pr look ls tree du
grep egrep fgrep rg ag sed awk gawk mawk jq yq source . open xdg-open tar zip gzip bzip2 xz openssl gpg
""")
_TEXT_FIRST = words_of("grep egrep fgrep rg ag sed awk gawk mawk jq yq perl ruby")
"""Their first argument is a pattern or a program, unless an option gave it."""
_GIVEN = re.compile(r"-[a-zA-Z]*[ef]|--(regexp|expression|file|pattern)(=.*)?")
_VALUES = {name: words_of(options) for name, options in {
    "truncate": "-s --size -r --reference", "touch": "-d --date -t -r --reference", "mkdir": "-m --mode",
    "install": "-m --mode -o --owner -g --group -S --suffix -t", "cp": "-S --suffix -t", "mv": "-S --suffix -t",
    "ln": "-S --suffix -t", "head": "-n -c --lines --bytes", "tail": "-n -c --lines --bytes",
    "grep": "-A -B -C -m -e -f --include --exclude", "rg": "-A -B -C -m -g -t -T -e -f", "sort": "-k -t -o -S -T",
    "cut": "-d -f -c -b", "jq": "--indent", "awk": "-F -v -f", "sed": "-e -f -l", "rsync": "-e -f",
}.items()}  # fmt: skip
"""Options of a command whose value is the next word."""
_IN_PLACE = {"sed": re.compile(r"-[nEersuz]*i.*|--in-place.*"), "perl": re.compile(r"-[a-zA-Z0-9]*i.*")}
_IN_PLACE["ruby"] = _IN_PLACE["perl"]


def effects(command: Command) -> Iterator[tuple[str, Word]]:
    """("edit" or "read", path) for every file that the arguments name."""
    name, words = command.name, command.words[1:]
    paths = list(_operands(name, words))
    if name in _CHANGED:
        yield from (("edit", word) for word in paths[1 if name in _MODE_FIRST else 0 :])
    elif name in _COPIED:
        yield from _copied(name, words, paths)
    elif name == "dd":
        yield from _named(words, ("of=", "edit"), ("if=", "read"))
    elif name == "git":
        yield from _git(command.argv)
    elif name in _IN_PLACE and any(_IN_PLACE[name].fullmatch(word.value) for word in words):
        skip = 0 if any(re.fullmatch(r"-\w*[ef]|--expression.*", w.value) and "i" not in w.value for w in words) else 1
        yield from (("edit", word) for word in paths[skip:])
    elif name in _READ:
        yield from _read(name, words, paths)
    elif name in ("curl", "wget"):
        yield from _after(words, "-o -O --output --output-document -P -K --config", "edit", name)
    if name in ("time", "strace", "ltrace"):
        yield from _after(words, "-o --output", "edit", name)
    if name in ("tar", "unzip", "7z", "bsdtar", "make", "cmake"):
        yield from _after(words, "-C --directory -d --one-top-level", "edit", name)


def _operands(name: str, words: Sequence[Word]) -> Iterator[Word]:
    """What is not an option. `--` ends the options."""
    bare = True
    for at, word in enumerate(words):
        if bare and word.value == "--":
            bare = False
        elif (bare and word.value.startswith("-") and len(word.value) > 1) or (
            at and bare and words[at - 1].value in _VALUES.get(name, ())
        ):
            continue
        else:
            yield word


def _copied(name: str, words: Sequence[Word], paths: list[Word]) -> Iterator[tuple[str, Word]]:
    """Sources are read (and changed, when moved); the last argument is written, or the target directory."""
    folder = next(iter(_named(words, ("--target-directory=", "edit"))), None)
    for at, word in enumerate(words[:-1]):
        if word.value in ("-t", "--target-directory"):
            folder = ("edit", words[at + 1])
    local = [w for w in paths if not (name in ("scp", "rsync") and re.match(r"[\w.@-]+:", w.value))]
    into = folder[1] if folder else local[-1] if len(paths) > 1 and local and local[-1] is paths[-1] else None
    for word in local:
        if word is not into:
            yield "read", word
            if name == "mv":
                yield "edit", word
    if name == "ln" and len(paths) == 1:
        into = Word(".", ".")
    if into is not None:
        yield "edit", into
        for word in local:
            if word is not into and not word.dynamic:
                base = word.value.rstrip("/").rpartition("/")[2]
                yield "edit", replace(into, value=f"{into.value.rstrip('/')}/{base}", glob=into.glob or word.glob)


def _named(words: Iterable[Word], *fronts: tuple[str, str]) -> Iterator[tuple[str, Word]]:
    for word in words:
        for front, key in fronts:
            if word.value.startswith(front):
                yield key, replace(word, value=word.value.removeprefix(front))


def _after(words: Sequence[Word], options: str, key: str, name: str) -> Iterator[tuple[str, Word]]:
    """The value of each of these options, however it is joined to it."""
    for at, word in enumerate(words):
        for option in options.split():
            if name == "wget" and option == "-o" and word.value == "-O":
                continue
            if word.value == option and at + 1 < len(words):
                yield key, words[at + 1]
            elif option.startswith("--") and word.value.startswith(option + "="):
                yield key, replace(word, value=word.value.partition("=")[2])
            elif len(option) == 2 and re.fullmatch(rf"{option}\S+", word.value) and not word.value.startswith("--"):
                yield key, replace(word, value=word.value[2:])


def _read(name: str, words: Sequence[Word], paths: list[Word]) -> Iterator[tuple[str, Word]]:
    given = name not in _TEXT_FIRST or any(_GIVEN.fullmatch(word.value) for word in words)
    for word in paths if given else paths[1:]:
        yield "read", word
    yield from _named(words, ("--file=", "read"), ("--from-file=", "read"))
    if name == "sort":
        yield from _after(words, "-o --output", "edit", name)
    if name in ("uniq", "xxd") and len(paths) > 1:
        yield "edit", paths[1]


def _git(argv: Sequence[str]) -> Iterator[tuple[str, Word]]:
    """`git config` writes files that say what git runs; `--output` and archives write, too."""
    rest = list(argv[1:])
    while rest and rest[0].startswith("-"):
        del rest[: 2 if rest[0] in ("-C", "--git-dir", "--work-tree", "--namespace") else 1]
    if rest[:1] == ["config"] and not _asks(rest[1:]):
        value = [word for word in rest[1:] if not word.startswith("-")]
        if len(value) > 1 or any(word.startswith(("--unset", "--rename", "--remove", "-e", "--edit")) for word in rest):
            value = value[1:] if value[:1] == ["set"] else value
            home = any(word in ("--global", "--system") for word in rest)
            if not home and value and _HARMLESS.fullmatch(value[0]):
                return
            target = "~/.gitconfig" if home else ".git/config"
            yield "edit", Word(target, target)
    for word in rest:
        if word.startswith("--output="):
            yield "edit", Word(word, word.partition("=")[2])


def _asks(words: Sequence[str]) -> bool:
    """Whether `git config` only tells; "get" and "list" are verbs in the first place, and values in any other."""
    return words[:1] in (["get"], ["list"]) or any(re.fullmatch(r"--get\S*|-l|--list", word) for word in words)


def writes_named(command: Command) -> bool:
    """Whether a command changes files whose names it is handed by a variable or by another command."""
    return any(word.dynamic for word in (*command.writes, *(w for key, w in effects(command) if key == "edit")))


def reads_named(command: Command) -> bool:
    """Whether a command prints files whose names it is handed by a variable or by another command."""
    if any(word.dynamic for word in command.reads):
        return True
    if command.name not in _READ and command.name not in _COPIED:
        return False
    named = list(_operands(command.name, command.words[1:]))
    if command.name in _TEXT_FIRST:
        named = named[1:]
    return any(word.dynamic for word in named) or (command.inner and all(word.value == "{}" for word in named))


_HARMLESS = re.compile(r"(user\.(name|email)|color\.\w+|init\.defaultBranch|pull\.rebase|advice\.\w+)", re.IGNORECASE)
"""Keys of git that say nothing about what runs or whom it talks to."""
_LOOKS = words_of("""
ls cat head tail less more wc grep egrep fgrep rg tree stat file du df pwd echo printf true false : test [ date which
type whereis cd pushd popd basename dirname realpath readlink sort uniq cut tr nl tac rev column diff cmp comm od xxd
hexdump strings md5sum sha1sum sha256sum sha512sum cksum printenv id whoami uname ps free uptime nproc jq sleep seq
time timeout nice xargs find git sed export unset base64 fold paste join read exit wait
""")
_GIT_LOOKS = words_of("""
status log diff show blame shortlog describe rev-parse rev-list ls-files ls-tree ls-remote cat-file merge-base
for-each-ref show-ref name-rev grep whatchanged cherry count-objects check-ignore check-attr diff-tree diff-files
diff-index var version help
""")
_GIT_LISTS = {"branch": "-a -r -v -vv --list --all --remotes --show-current --contains --merged --no-merged",
              "tag": "-l --list -n --contains --merged", "stash": "list show", "remote": "-v show get-url",
              "worktree": "list", "config": "--get --get-all --list -l", "reflog": "show"}  # fmt: skip
_NOT = {"find": r"-(exec|execdir|ok|okdir|delete|fprint\w*|fls)", "rg": r"--pre(=.*)?|--hostname-bin.*",
        "sort": r"-o.*|--output.*|--compress-program.*", "tree": r"-o.*", "less": r"-[oO].*|\+.*|--log-file.*",
        "date": r"-s.*|--set.*", "file": r"-C|--compile", "xxd": r"-r.*", "git": r"--output.*|-O.*|--open-files.*|"
        r"--ext-diff|--upload-pack.*|-c|-c.+|--config-env.*|--exec-path=.*|--textconv",
        "time": r"-\w*[oa].*|--output.*|--append"}  # fmt: skip


def only_reads(command: Command) -> bool:
    """Whether a command is known to change nothing but what it shows. Not known means no."""
    name, options = command.name, command.argv[1:]
    if any(not stream(word.value) or word.dynamic for word in command.writes):
        return False
    if any(key == "edit" for key, _ in effects(command)) or risky(command):
        return False
    if not command.words:
        return True
    if name not in _LOOKS or "/" in command.argv[0]:
        return False
    if name in _NOT and any(re.fullmatch(_NOT[name], word) for word in options):
        return False
    if name == "git":
        return _git_looks(options)
    if name == "sed":
        return _sed_looks(options)
    return not (name in ("uniq", "xxd") and len(list(_operands(name, command.words[1:]))) > 1)


def _git_looks(options: Sequence[str]) -> bool:
    rest = list(options)
    while rest and rest[0].startswith("-"):
        del rest[: 2 if rest[0] == "-C" else 1]
    if not rest or rest[0] in _GIT_LOOKS:
        return True
    listing = _GIT_LISTS.get(rest[0], "").split()
    if len(rest) == 1:
        return rest[0] in ("branch", "tag", "remote", "reflog")
    return rest[1] in listing and not any(word in ("-d", "-D", "-m", "-M", "-f", "-c", "-C") for word in rest[2:])


def _sed_looks(options: Sequence[str]) -> bool:
    """`sed -n 1,20p` and plain substitutions; a script that writes or runs something has other letters."""
    scripts = [word for word in options if not word.startswith("-")][:1]
    allowed = r"(\d+|\$)?(,(\d+|\$))?p|s/[^/\n]*/[^/\n]*/[gip]*|/[^/\n]*/p"
    known = all(word in ("-n", "-E", "-r", "-e", "-s", "-u", "-z") for word in options if word.startswith("-"))
    return known and options.count("-e") <= 1 and all(re.fullmatch(allowed, script) for script in scripts)


_RISKY = re.compile(
    r"(LD_\w+|DYLD_\w+|PATH|BASH_ENV|ENV|IFS|PROMPT_COMMAND|SHELLOPTS|BASHOPTS|PS4|HOME|CDPATH|GIT_(?!AUTHOR_|COMMITTER_|"
    r"TERMINAL_PROMPT|PAGER|EDITOR|SEQUENCE_EDITOR|OPTIONAL_LOCKS|MERGE_AUTOEDIT|LFS_SKIP_SMUDGE)\w+|SSH_ASKPASS|LESSOPEN|LESSCLOSE|BROWSER|PERL5OPT|PERL5DB|"
    r"PERL5LIB|RUBYOPT|RUBYLIB|NODE_OPTIONS|PYTHONSTARTUP|PYTHONHOME|PYTHONBREAKPOINT|JAVA_TOOL_OPTIONS|"
    r"_JAVA_OPTIONS|HTTPS?_PROXY|ALL_PROXY|https?_proxy|all_proxy|SSL_CERT_\w+|\w+_BASE_URL)\+?=.*",
    re.DOTALL,
)
_SHOWS = re.compile(r"((GIT_|MAN|SYSTEMD_)?PAGER|(GIT_|GIT_SEQUENCE_)?EDITOR|VISUAL)\+?=(.*)", re.DOTALL)


def risky(command: Command) -> bool:
    """Whether it sets a variable that decides what other programs run or whom they talk to."""
    for word in (*command.assignments, *command.kept):
        shows = _SHOWS.fullmatch(word.value)
        if _RISKY.fullmatch(word.value) or (shows and shows[4] not in ("", "cat", "true", ":", "less")):
            return True
    return command.name == "env" and any(_RISKY.fullmatch(word) for word in command.argv[1:])


def stream(path: str) -> bool:
    """Whether a path is a stream and no file that keeps what is written to it."""
    return re.fullmatch(r"/dev/(null|zero|tty|stdin|stdout|stderr|u?random|fd/\d+)", path) is not None
