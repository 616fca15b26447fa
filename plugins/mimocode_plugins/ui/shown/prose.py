"""Blocks of Markdown as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text

from .look import Look, plain
from .markdown import Block, Splitter
from .theme import SYNTAX, Theme

if TYPE_CHECKING:
    from markdown_it.token import Token

CODE = "cyan"
"""The style of code inside a sentence."""
WRAPPED = 60
"""Columns from which on a line is taken to have been broken by its width."""
FAR, NEAR = 8, 3
"""Lines of code that another is coloured with before it is tried with how few."""
_STYLES = {"strong_open": "bold", "em_open": "italic", "s_open": "strike", "link_open": "underline"}


def lines(block: Block, look: Look) -> list[str]:
    """The lines of one block, the empty line above it included when it asks for one."""
    above = [""] if block.gap else []
    match block.kind:
        case "code":
            return above + _code(block, look)
        case "table":
            return above + _table(block, look)
        case "rule":
            return above + look.lines("─" * min(look.width, 40), style="dim")
        case "heading":
            return above + look.lines(inline(block.text), style="bold underline" if block.level == 1 else "bold")
        case "quote":
            return above + look.lines(inline(flowed(block.text)), first="│ ", then="│ ", style="dim")
        case "item":
            mark = "• " if not block.mark[:-1].isdigit() else f"{block.mark} "
            return above + look.lines(inline(flowed(block.text)), first=" " * _inset(block, look) + mark)
        case _:
            return above + look.lines(inline(flowed(block.text)), first=" " * _inset(block, look))


def prose(text: str, look: Look) -> list[str]:
    """The lines of a whole text."""
    splitter = Splitter()
    return [line for block in [*splitter.feed(text), *splitter.finish()] for line in lines(block, look)]


def inline(text: str) -> Text:
    """Emphasis, code and links of one paragraph. An address is always readable beside its words."""
    shown, styles, address = Text(), list[str](), ""
    for token in _parse(plain(text)):
        if token.type in _STYLES:
            styles.append(_STYLES[token.type])
            address = str(token.attrs.get("href", "")) if token.type == "link_open" else address
        elif token.type.endswith("_close"):
            styles.pop()
            if token.type == "link_close" and not shown.plain.endswith(address.removeprefix("mailto:")):
                shown.append(f" ({plain(address)})", "dim")
        elif token.type in ("softbreak", "hardbreak"):
            shown.append("\n")
        elif token.type == "image":
            shown.append(f"[image: {plain(token.content)}] ({plain(str(token.attrs.get('src', '')))})", "dim")
        else:
            shown.append(plain(token.content), " ".join([*styles, CODE] if token.type == "code_inline" else styles))
    return shown


def flowed(text: str) -> str:
    """Text without the line breaks of somebody's fixed width: a break after a long line is one, others are meant."""
    shown = ""
    for line in text.split("\n"):
        last = shown.rpartition("\n")[2]
        shown += line if not shown else f" {line}" if last and cell_len(last) >= WRAPPED else f"\n{line}"
    return shown


def coloured(code: str, language: str, theme: Theme | None = None) -> Text:
    """Code in the colours of its language, as far as that is known: of the theme, or the terminal's own sixteen."""
    from rich.syntax import Syntax

    syntax = Syntax("", language, theme=_scheme(theme or Theme()), background_color="default")
    if not language or syntax.lexer is None:
        return Text(code)
    text = syntax.highlight(code)
    return text if text.plain.rstrip("\n") == code.rstrip("\n") else Text(code)


@cache
def _scheme(theme: Theme) -> Any:
    if not any(role in theme.colours for role in SYNTAX.values()):
        return "ansi_dark" if theme.dark else "ansi_light"
    from pygments import token  # type: ignore[import-untyped]
    from rich.style import Style
    from rich.syntax import ANSISyntaxTheme

    kinds = {
        "keyword": token.Keyword, "function": token.Name.Function, "string": token.String, "number": token.Number,
        "comment": token.Comment, "type": token.Name.Class, "operator": token.Operator, "name": token.Name,
    }  # fmt: skip
    found = {kind: theme.colours[role] for kind, role in SYNTAX.items() if role in theme.colours}
    return ANSISyntaxTheme({kinds[kind]: Style(color=colour) for kind, colour in found.items()})


def _code(block: Block, look: Look) -> list[str]:
    before, new = plain(block.before + "\n") if block.before else "", plain(block.text)
    count = before.count("\n")
    shown = _lines_of(before + new, block, look)
    if block.fence is not None and count >= FAR and count % NEAR == 0 and look.depth != "none":
        alone = _lines_of("".join(before.splitlines(keepends=True)[-NEAR:]) + new, block, look)
        if shown[count - NEAR :] == alone and any(line.spans for line in alone[:NEAR]):
            block.fence.plain_from = block.number - NEAR
    own = shown[count : count + 1 + new.count("\n")]
    first = " " * min(block.indent + 2, max(2, look.width // 4))
    return [line for piece in own for line in look.lines(piece, first=first, hard=True)]


def _lines_of(code: str, block: Block, look: Look) -> list[Text]:
    text = coloured(code, block.language, look.theme) if look.depth != "none" else Text(code)
    return list(text.split("\n", allow_blank=True))


def _table(block: Block, look: Look) -> list[str]:
    from io import StringIO

    from rich import box
    from rich.console import Console
    from rich.table import Table

    head, rules, *rows = [_cells(line) for line in block.text.split("\n")]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title, rule in zip(head, rules + [""] * len(head), strict=False):
        centre, right = rule.startswith(":") and rule.endswith(":"), rule.endswith(":")
        table.add_column(inline(title), justify="center" if centre else "right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(inline(cell) for cell in (row + [""] * len(head))[: len(head)]))
    console = Console(file=StringIO(), width=look.width, force_terminal=True, legacy_windows=False)
    rendered = console.render_lines(table, console.options.update(width=look.width), pad=False)
    return [look.paint(_text(segments)) for segments in rendered]


def _text(segments: Iterable[Any]) -> Text:
    return Text.assemble(*((segment.text, segment.style or "") for segment in segments))


def _cells(line: str) -> list[str]:
    inside = line.strip().removeprefix("|").removesuffix("|").replace("\\|", "\0")
    return [cell.strip().replace("\0", "|") for cell in inside.split("|")]


def _inset(block: Block, look: Look) -> int:
    return min(block.indent, look.width // 3)


def _parse(text: str) -> list[Token]:
    found = _parser().parseInline(text)
    return (found[0].children or []) if found else []


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("strikethrough")


def width(text: str) -> int:
    """Columns that a text takes."""
    return cell_len(text)
