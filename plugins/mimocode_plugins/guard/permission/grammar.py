"""Walk the syntax tree of a shell text and collect the simple commands in it.

The grammar is tree-sitter-bash, imported when the first command must be judged. Only node types listed here count as
understood, and only where the text between them is what the shell, too, takes for space: the grammar is more
forgiving than bash, and a guard may rely on nothing that it reads differently (demands.md 4.3, case 13).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from .arity import words_of
from .words import Command, Unclear, Word, join, literal, plain, quoted

if TYPE_CHECKING:
    from tree_sitter import Node

KEYWORDS = words_of("if then else elif fi for while until do done case esac select function coproc in { } ! [[ ]]")
LONGEST = 100_000
"""Characters; what is longer is nobody's to review."""
_GAP = re.compile(r"(?:[ \t]|\\\n)*")
_JOINING = re.compile(r"(?:[ \t\n]|\\\n)*")
_STATEMENTS = words_of("""
program list pipeline subshell compound_statement negated_command if_statement elif_clause else_clause
while_statement do_group command_substitution process_substitution
""")
_SIGNS = words_of(""" ; & && || | |& ( ) { } ! if then elif else fi while until do done in for case esac $( ` <( >( """)
_WORDS = words_of("word number string raw_string concatenation simple_expansion expansion command_substitution")
_EXPANSION = words_of("${ } variable_name special_variable_name :- - :+ + # ## % %% word string raw_string regex")
_TESTS = words_of("-f -d -e -n -z -r -w -x -s -L -h = == != ! && ||")


def read(text: str) -> list[Command]:
    """Every simple command of a text, those of substitutions before the one they stand in.

    Raises:
        Unclear: something in it is beyond this reader.
    """
    from tree_sitter import Language, Parser
    from tree_sitter_bash import language

    if len(text) > LONGEST or any(not (c.isprintable() or c in "\t\n") for c in text):
        raise Unclear
    root = Parser(Language(language())).parse(text.encode()).root_node
    if root.has_error:
        raise Unclear
    return list(_Walk(text.encode()).statement(root, scoped=False))


class _Walk:
    """What the walk knows: the text as bytes, in which nodes have their places."""

    def __init__(self, source: bytes) -> None:
        self.source = source

    def _text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode()

    def _between(self, begin: int, end: int, allowed: re.Pattern[str]) -> str:
        gap = self.source[begin:end].decode()
        if not allowed.fullmatch(gap):
            raise Unclear
        return gap

    def statement(self, node: Node, *, scoped: bool) -> Iterator[Command]:
        """The commands of one statement, in order."""
        if node.type == "command":
            yield from self._command(node, scoped)
        elif node.type == "redirected_statement":
            yield from self._redirected(node, scoped)
        elif node.type in ("declaration_command", "unset_command"):
            yield from self._declaration(node, scoped)
        elif node.type in ("variable_assignment", "variable_assignments"):
            assigned = [node] if node.type == "variable_assignment" else node.children
            yield from self._simple(list(assigned), scoped)
        elif node.type == "for_statement":
            yield from self._for(node, scoped)
        elif node.type == "case_statement":
            yield from self._case(node, scoped)
        elif node.type == "test_command":
            yield from self._test(node, scoped)
        elif node.type in _STATEMENTS:
            own = node.type in ("subshell", "pipeline", "command_substitution", "process_substitution")
            yield from self._children(node, scoped or own)
        else:
            raise Unclear

    def _children(self, node: Node, scoped: bool) -> Iterator[Command]:
        at = node.start_byte
        background = any(child.type == "&" for child in node.children)
        for child in node.children:
            self._between(at, child.start_byte, _JOINING)
            at = child.end_byte
            if child.type == "file_redirect" and node.type == "command_substitution":
                yield from self._simple([child], scoped)
            elif child.type in _SIGNS or child.type in ("\n", "comment", "heredoc_body", "heredoc_end"):
                continue
            else:
                conditional = node.type not in ("program", "list", "compound_statement", "subshell")
                yield from self.statement(child, scoped=scoped or background or conditional)

    def _for(self, node: Node, scoped: bool) -> Iterator[Command]:
        if node.children[0].type != "for":
            raise Unclear
        words: list[Word] = []
        for child in node.children:
            if child.type == "do_group":
                yield from self._children(child, True)
            elif child.type in _WORDS:
                yield from self._word(child, words)
            elif child.type not in _SIGNS and child.type not in ("variable_name", "\n", "comment"):
                raise Unclear

    def _case(self, node: Node, scoped: bool) -> Iterator[Command]:
        for child in node.children:
            if child.type == "case_item":
                yield from self._case(child, True)
            elif child.type in (*_WORDS, "extglob_pattern"):
                if child.type == "extglob_pattern" and not re.fullmatch(r"[\w.*?/-]+", self._text(child)):
                    raise Unclear
                if child.type != "extglob_pattern":
                    yield from self._word(child, [])
            elif child.type not in _SIGNS and child.type not in ("\n", "comment", ";;"):
                yield from self.statement(child, scoped=True)

    def _test(self, node: Node, scoped: bool) -> Iterator[Command]:
        """A test runs nothing but its substitutions, as long as it compares no numbers: those are evaluated."""
        for child in node.children:
            if child.type in ("binary_expression", "unary_expression", "negation_expression"):
                yield from self._test(child, scoped)
            elif child.type in _WORDS:
                yield from self._word(child, [])
            elif child.type == "test_operator" or not child.is_named:
                if self._text(child) not in (*_TESTS, "[", "]", "[[", "]]"):
                    raise Unclear
            else:
                raise Unclear

    def _command(self, node: Node, scoped: bool) -> Iterator[Command]:
        yield from self._simple(list(node.children), scoped)

    def _redirected(self, node: Node, scoped: bool) -> Iterator[Command]:
        """A statement with redirections after it; they belong to its command, or to all of a group."""
        body = node.child_by_field_name("body")
        redirects = [child for child in node.children if child != body]
        if body is not None and body.type == "command":
            yield from self._simple([*body.children, *redirects], scoped)
            return
        if body is not None:
            yield from self.statement(body, scoped=scoped)
            self._between(body.end_byte, redirects[0].start_byte, _GAP)
        yield from self._simple(redirects, scoped)

    def _declaration(self, node: Node, scoped: bool) -> Iterator[Command]:
        """`export A=b` and its kin: words, as far as a rule is concerned, and assignments that last."""
        name, *rest = node.children
        words = [Word(self._text(name), self._text(name))]
        kept: list[Word] = []
        for before, child in zip(node.children, rest, strict=False):
            if not self._between(before.end_byte, child.start_byte, _GAP).strip("\\\n"):
                raise Unclear
            if child.type == "variable_assignment":
                yield from self._assignment(child, kept)
                words.append(kept[-1])
            elif child.type in ("variable_name", "word"):
                words.append(Word(self._text(child), self._text(child)))
            else:
                raise Unclear
        yield Command(tuple(words), scoped=scoped, kept=tuple(kept))

    def _simple(self, nodes: list[Node], scoped: bool) -> Iterator[Command]:
        """One simple command from its parts: assignments, words, redirections."""
        found = Command((), scoped=scoped)
        pending: list[Node] = []
        for at, node in enumerate(nodes):
            if at and not self._apart(nodes[at - 1], node):
                raise Unclear
            words: list[Word] = []
            if node.type == "variable_assignment":
                yield from self._assignment(node, words)
                found = replace(found, assignments=(*found.assignments, *words))
            elif node.type == "file_redirect":
                found = yield from self._file(node, found)
            elif node.type == "herestring_redirect":
                yield from self._word(node.children[-1], words)
                found = replace(found, fed=True)
            elif node.type == "heredoc_redirect":
                found = yield from self._heredoc(node, found, pending)
            else:
                inner = node.children[0] if node.type == "command_name" else node
                yield from self._word(inner, words)
                found = replace(found, words=(*found.words, *words))
        first = found.words[0] if found.words else None
        if first and (first.dynamic or first.glob or not first.value or first.raw in KEYWORDS):
            raise Unclear
        yield found
        for node in pending:
            yield from self.statement(node, scoped=True)

    def _apart(self, before: Node, after: Node) -> bool:
        gap = self._between(before.end_byte, after.start_byte, _GAP)
        return bool(gap.replace("\\\n", "")) or after.type.endswith("redirect") or before.type.endswith("redirect")

    def _file(self, node: Node, found: Command) -> Generator[Command, None, Command]:
        """A redirection to a file. What follows its target are words of the command: the grammar takes them in."""
        operator = next(child for child in node.children if child.type != "file_descriptor")
        sign, after = operator.type, operator.end_byte
        targets = [child for child in node.children if child.is_named and child.type != "file_descriptor"]
        words: list[Word] = []
        at = None
        for child in targets:
            if (at or sign in (">&-", "<&-")) and not self._between(at or after, child.start_byte, _GAP):
                raise Unclear
            at = child.end_byte
            yield from self._word(child, words)
        if sign in (">&-", "<&-"):
            return replace(found, words=(*found.words, *words))
        if not words:
            raise Unclear
        target, more = words[0], tuple(words[1:])
        found = replace(found, words=(*found.words, *more))
        if sign in (">&", "<&") and re.fullmatch(r"\d+|-", target.raw):
            return found
        if sign in (">&", "<&") and target.raw[:1] in "-0123456789":
            raise Unclear
        if sign in ("<", "<&"):
            return replace(found, reads=(*found.reads, target))
        if sign in (">", ">>", ">|", "&>", "&>>", ">&"):
            return replace(found, writes=(*found.writes, target))
        raise Unclear

    def _heredoc(self, node: Node, found: Command, pending: list[Node]) -> Generator[Command, None, Command]:
        """A here-document. What stands behind its mark on the line is read after this command."""
        parts = {child.type: child for child in node.children}
        if not {"heredoc_start", "heredoc_body", "heredoc_end"} <= parts.keys():
            raise Unclear
        start, body, end = (parts[f"heredoc_{name}"] for name in ("start", "body", "end"))
        mark = re.sub(r"['\"\\]", "", self._text(start))
        lines = self._text(body).split("\n")
        tabs = any(child.type == "<<-" for child in node.children)
        if mark != self._text(end).strip() or mark in [line.lstrip("\t") if tabs else line for line in lines]:
            raise Unclear
        if mark == self._text(start):
            yield from self._expanding(body)
        for child in node.children:
            if child.type == "file_redirect":
                found = yield from self._file(child, found)
            elif child.type in _WORDS:
                words: list[Word] = []
                yield from self._word(child, words)
                found = replace(found, words=(*found.words, *words))
            elif child.is_named and not child.type.startswith("heredoc_") and child.type != "file_descriptor":
                pending.append(child)
        return replace(found, fed=True)

    def _expanding(self, body: Node) -> Iterator[Command]:
        text = self._text(body)
        seen = [child for child in body.children if child.type == "command_substitution"]
        if "`" in text or "\\" in text or "$((" in text or text.count("$(") != len(seen):
            raise Unclear
        for child in body.children:
            if child.type != "heredoc_content":
                yield from self._word(child, [])

    def _assignment(self, node: Node, words: list[Word]) -> Iterator[Command]:
        name, sign, *value = node.children
        if name.type != "variable_name" or sign.type not in ("=", "+=") or len(value) > 1:
            raise Unclear
        if value and value[0].start_byte != sign.end_byte:
            raise Unclear
        read: list[Word] = [Word("", "")]
        if value:
            read.clear()
            yield from self._word(value[0], read)
        front = self._text(name) + self._text(sign)
        words.append(Word(front + read[0].raw, front + read[0].value, read[0].dynamic, read[0].glob))

    def _word(self, node: Node, words: list[Word]) -> Iterator[Command]:
        """Read one word into `words`; yields the commands in its substitutions."""
        raw = self._text(node)
        if node.type in ("word", "number"):
            words.append(plain(raw))
        elif node.type == "raw_string":
            words.append(literal(raw))
        elif node.type == "string":
            inner = [child for child in node.children if child.type not in ('"', "string_content")]
            words.append(quoted(raw, dynamic=bool(inner)))
            for child in inner:
                if child.type == "$":
                    continue
                yield from self._word(child, [])
        elif node.type == "concatenation":
            parts: list[Word] = []
            at = node.start_byte
            for child in node.children:
                if child.start_byte != at:
                    raise Unclear
                at = child.end_byte
                yield from self._word(child, parts)
            words.append(join(raw, parts))
        elif node.type in ("command_substitution", "process_substitution"):
            if raw.startswith("`") and "\\" in raw:
                raise Unclear
            words.append(Word(raw, raw, dynamic=True))
            yield from self._children(node, True)
        else:
            yield from self._variable(node, raw)
            words.append(Word(raw, raw, dynamic=True))

    def _variable(self, node: Node, raw: str) -> Iterator[Command]:
        """`$x` and `${x}`; with a replacement (`${x:-y}`) its words are read, too."""
        if node.type == "simple_expansion":
            return
        if node.type != "expansion" or re.search(r"[`\n]|[<>]\(", raw):
            raise Unclear
        for child in node.children:
            if child.type in ("command_substitution", "string", "concatenation", "expansion", "simple_expansion"):
                yield from self._word(child, [])
            elif (
                child.type == "regex" and re.search(r"[`$]", self._text(child))
            ) or child.type.strip() not in _EXPANSION:
                raise Unclear
