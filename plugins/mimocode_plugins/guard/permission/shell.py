"""Take a shell command apart into the simple commands that it would run, or say that it is not understood.

This reader knows a small part of the POSIX shell language and refuses the rest, because a guard may only rely on
what it reads exactly as the shell does: lists, pipes, subshells, `$( )`, quotes, redirections and here-documents
without expansions are read; keywords, functions, `${x:-y}`, `<( )`, brace expansion, `eval` and the like are not.
What is not understood is asked (demands.md 4.3, case 13). Everything else in this family goes through `commands`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from .arity import words_of

KEYWORDS = words_of("if then else elif fi for while until do done case esac select function time coproc in { } ! [[ ]]")
OPAQUE = words_of("eval trap alias bind complete enable hash fc")
"""Builtins that run text or change what later words mean."""
SHELLS = words_of("sh bash dash zsh ksh mksh ash fish rbash")
WRAPPERS = words_of(
    "sudo doas env nohup nice ionice chrt timeout stdbuf setsid time command builtin exec xargs watch strace ltrace "
    "busybox unbuffer flock chroot taskset parallel caffeinate"
)
FLAGS = words_of("-0 -r -t -i -E -H -S -k -v -p --null --no-run-if-empty --preserve-status --foreground")
"""Options of wrappers that take no value."""
FIND_EXEC = words_of("-exec -execdir -ok -okdir")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_REDIRECT = re.compile(r"(\d*)(&>>|&>|>>|>\||>&|<&|<<<|<<-?|<>|>|<)")
_VARIABLE = re.compile(r"\$(\w+|[?#@*!$-]|\{(\w+|[?#@*!$-])\})")
_VALUE = re.compile(r"[\d.]+[smhd]?")


@dataclass(frozen=True)
class Word:
    """One word: as written, as the shell would pass it on, and what can still change about it."""

    raw: str
    value: str
    dynamic: bool = False
    glob: bool = False


@dataclass(frozen=True)
class Command:
    """A simple command. `inner` ones were found in the arguments of another (sudo, xargs, find -exec)."""

    words: tuple[Word, ...]
    assignments: tuple[Word, ...] = ()
    writes: tuple[Word, ...] = ()
    reads: tuple[Word, ...] = ()
    fed: bool = False
    """Its input is written out in the text (a here-document)."""
    scoped: bool = False
    """It runs in a shell of its own: what it changes there does not last."""
    inner: bool = False

    @property
    def text(self) -> str:
        """The command as rules see it: the words as written, one space between them, without redirections."""
        return " ".join(word.raw for word in (*self.assignments, *self.words))

    @property
    def argv(self) -> tuple[str, ...]:
        """The words as the program gets them, as far as that is known."""
        return tuple(word.value for word in self.words)

    @property
    def name(self) -> str:
        """The program without its directory, in lower case."""
        return self.argv[0].rpartition("/")[2].lower() if self.words else ""

    @property
    def spellings(self) -> tuple[str, ...]:
        """Other ways to write the same, so that a rule against `rm *` also sees `/bin/r\\m` and `X=1 rm`."""
        plain = " ".join(self.argv)
        short = " ".join((self.name, *self.argv[1:]))
        return tuple(dict.fromkeys(s for s in (plain, short) if s and s != self.text))


class _Unclear(Exception):
    """This text is beyond the reader."""


def commands(text: str) -> list[Command] | None:
    """Every simple command that `text` would run, in order; None when it is not understood."""
    try:
        reader = _Reader(text)
        reader.read_list("")
        return [found for command in reader.found for found in _unfold(command)]
    except (_Unclear, RecursionError):
        return None


class _Reader:
    """A cursor over the text; what it finds collects in `found`."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0
        self.found: list[Command] = []
        self.bodies: list[tuple[str, bool, bool]] = []
        """Here-documents whose bodies begin after this line: delimiter, tabs stripped, literal."""

    def _peek(self, size: int = 1) -> str:
        return self.text[self.at : self.at + size]

    def _take(self) -> str:
        if not (char := self._peek()):
            raise _Unclear
        self.at += 1
        return char

    def read_list(self, closing: str) -> None:
        """Commands up to `closing`, or up to the end when there is none."""
        while True:
            self._skip_blanks()
            char = self._peek()
            if not char or char == ")":
                if char != closing or self.bodies:
                    raise _Unclear
                self.at += len(closing)
                return
            if char == "#":
                self._skip_comment()
            elif char == "(":
                self.at += 1
                self._read_nested()
            elif char in ";&|\n" and self._peek(2) != "&>":
                self._read_operator()
            else:
                self._read_command()

    def _read_nested(self) -> None:
        if self._peek() == "(":
            raise _Unclear
        self.depth += 1
        self.read_list(")")
        self.depth -= 1

    def _read_operator(self) -> None:
        if self._take() == "\n":
            for body in self.bodies:
                self._skip_body(*body)
            self.bodies.clear()
        elif self.text[self.at - 1 : self.at + 1] == ";;":
            raise _Unclear

    def _skip_blanks(self) -> None:
        while self._peek() in (" ", "\t") or self._peek(2) == "\\\n":
            self.at += 1 if self._peek() != "\\" else 2

    def _skip_comment(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _skip_body(self, delimiter: str, tabs: bool, literal: bool) -> None:
        while self.at < len(self.text):
            end = self.text.find("\n", self.at)
            end = len(self.text) if end < 0 else end
            line, self.at = self.text[self.at : end], min(end + 1, len(self.text))
            if (line.lstrip("\t") if tabs else line) == delimiter:
                return
            if not literal and re.search(r"[$`\\]", line):
                raise _Unclear
        raise _Unclear

    def _read_command(self) -> None:
        words: list[Word] = []
        assignments: list[Word] = []
        streams: dict[str, list[Word]] = {"write": [], "read": [], "fed": []}
        while True:
            self._skip_blanks()
            redirect = _REDIRECT.match(self.text, self.at)
            if redirect:
                self._read_redirect(redirect, streams)
            elif self._peek() in ("", "#", *";&|\n)"):
                break
            elif not words and _ASSIGNMENT.match(self.text, self.at):
                assignments.append(self._read_word())
            else:
                words.append(self._read_word())
        if words and (words[0].dynamic or words[0].glob or not words[0].value or words[0].raw in KEYWORDS):
            raise _Unclear
        reads, writes = tuple(streams["read"]), tuple(streams["write"])
        fed, scoped = bool(streams["fed"]), self.depth > 0
        self.found.append(Command(tuple(words), tuple(assignments), writes, reads, fed, scoped))

    def _read_redirect(self, redirect: re.Match[str], streams: dict[str, list[Word]]) -> None:
        sign = redirect[2]
        self.at = redirect.end()
        self._skip_blanks()
        target = self._read_word()
        if sign.startswith("<<"):
            streams["fed"].append(target)
            if sign != "<<<":
                literal = target.raw != target.value
                self.bodies.append((target.value, sign == "<<-", literal))
        elif sign in (">&", "<&") and target.raw[:1] in "-0123456789":
            if not re.fullmatch(r"\d+|-", target.raw):
                raise _Unclear
        elif sign in ("<", "<&"):
            streams["read"].append(target)
        else:
            streams["write"].append(target)

    def _read_word(self) -> Word:
        begin, value = self.at, ""
        dynamic = glob = brace = False
        while (char := self._peek()) and char not in " \t\n;&|<>)":
            if char == "`" or char == "$":
                piece = self._read_dollar() if char == "$" else self._read_backticks()
                dynamic = dynamic or piece != "$"
            elif char == '"':
                piece, inside = self._read_quoted()
                dynamic = dynamic or inside
            elif char in "'\\":
                piece = self._read_literal()
            else:
                piece = self._read_plain(begin)
                glob = glob or piece in "*?["
                brace = brace or piece == "{"
                if brace and (piece == "," or (piece == "." and self._peek() == ".")):
                    raise _Unclear
            value += piece
        if begin == self.at:
            raise _Unclear
        return Word(self.text[begin : self.at], value, dynamic, glob)

    def _read_plain(self, begin: int) -> str:
        """One ordinary character; `{}` counts as one, a leading `~` becomes the home directory."""
        if self._peek(2) == "{}":
            self.at += 2
            return "{}"
        char = self._take()
        if char == "(" or not (char.isprintable() or char == "\t"):
            raise _Unclear
        if char == "~" and self.at == begin + 1:
            if self._peek() not in ("", "/", *" \t\n;&|<>)"):
                raise _Unclear
            return str(Path.home())
        return char

    def _read_literal(self) -> str:
        if self._take() == "\\":
            if (char := self._take()) == "\n":
                raise _Unclear  # a word over two lines is read anew by the shell: it may become an assignment
            return char
        end = self.text.find("'", self.at)
        if end < 0:
            raise _Unclear
        piece, self.at = self.text[self.at : end], end + 1
        return piece

    def _read_quoted(self) -> tuple[str, bool]:
        """What stands between double quotes, and whether something in it is expanded."""
        self.at += 1
        value, dynamic = "", False
        while (char := self._take()) != '"':
            if char == "\\":
                after = self._take()
                value += after if after in '$`"\\' else "" if after == "\n" else "\\" + after
            elif char in "$`":
                self.at -= 1
                piece = self._read_dollar(quoted=True) if char == "$" else self._read_backticks()
                dynamic = dynamic or piece != "$"
                value += piece
            else:
                value += char
        return value, dynamic

    def _read_dollar(self, *, quoted: bool = False) -> str:
        begin = self.at
        if match := _VARIABLE.match(self.text, self.at):
            self.at = match.end()
        elif self._peek(2) == "$(":
            self.at += 2
            self._read_nested()
        else:
            self.at += 1
            if self._peek() in ("{", "[") or self._peek(2) == "\\\n" or (not quoted and self._peek() in ("'", '"')):
                raise _Unclear
        return self.text[begin : self.at]

    def _read_backticks(self) -> str:
        end = self.text.find("`", self.at + 1)
        inside = self.text[self.at + 1 : end]
        if end < 0 or "\\" in inside:
            raise _Unclear
        nested = _Reader(inside)
        nested.depth = self.depth + 1
        nested.read_list("")
        self.found += nested.found
        piece, self.at = self.text[self.at : end + 1], end + 1
        return piece


def _unfold(command: Command) -> Iterator[Command]:
    """A command and those in its arguments."""
    yield command
    name = command.name
    if name in OPAQUE or (name == "git" and _reconfigures(command.argv)):
        raise _Unclear
    if name in SHELLS:
        yield from _script(command)
    if name in WRAPPERS:
        for start in _starts(command.argv):
            yield from _inner(command, command.words[start:])
    if name == "find":
        for at, word in enumerate(command.argv):
            if word in FIND_EXEC:
                yield from _inner(command, command.words[at + 1 :])


def _inner(command: Command, words: tuple[Word, ...]) -> Iterator[Command]:
    if not words:
        return
    if words[0].dynamic or words[0].glob:
        raise _Unclear
    found = Command(words, scoped=True, inner=True, fed=command.fed)
    for each in _unfold(found):
        yield replace(each, inner=True)


def _starts(argv: tuple[str, ...]) -> Iterator[int]:
    """Where the command that a wrapper runs may begin: after its options and their possible values."""
    for at in range(1, len(argv)):
        if argv[at].startswith("-") or _ASSIGNMENT.match(argv[at]) or _VALUE.fullmatch(argv[at]):
            continue
        yield at
        if not argv[at - 1].startswith("-") or argv[at - 1] in FLAGS:
            return


def _script(command: Command) -> Iterator[Command]:
    """The commands of `sh -c TEXT`. A shell that reads its input is beyond us."""
    argv = command.argv
    for at, word in enumerate(argv[1:], 1):
        if word.startswith("-") and not word.startswith("--") and "c" in word:
            if at + 1 >= len(argv) or command.words[at + 1].dynamic:
                raise _Unclear
            found = commands(argv[at + 1])
            if found is None:
                raise _Unclear
            yield from (replace(each, scoped=True) for each in found)
            return
        if not word.startswith("-"):
            return
    if not {"--version", "--help"} & set(argv):
        raise _Unclear


def _reconfigures(argv: tuple[str, ...]) -> bool:
    """`git -c core.pager=...` and its kin run a program of their choice."""
    for word in argv[1:]:
        if not word.startswith("-"):
            return False
        if word.startswith(("-c", "--config-env", "--exec-path=")):
            return True
    return False
