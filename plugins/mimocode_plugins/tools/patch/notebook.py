"""Change one cell of a Jupyter notebook; every byte outside of that cell stays. Format: nbformat 4."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path
from typing import Any, Literal

from mimocode.errors import ToolFailed

from ..place import Place, show
from ..text.coding import coding_of
from ..text.editing import Change, load
from ..text.ledger import Ledger
from ..text.members import Member, members
from ..text.saving import save

Mode = Literal["replace", "insert", "delete"]
Kind = Literal["code", "markdown", "raw"]


def edit(
    place: Place, path: str, cell_id: str, source: str | None, kind: Kind | None, mode: Mode, ledger: Ledger
) -> tuple[Change, str]:
    """Replace, insert (after `cell_id`, or first) or delete a cell, and say in a sentence what was done.

    Raises:
        ToolFailed: no notebook, no such cell, or it was not read before; the file is unchanged.
    """
    named = place.find(path)
    file = place.target(named)
    with ledger.alone(file):
        data = load(file)
        ledger.require(file, data)
        coding = coding_of(data)
        text = coding.decode(data)
        start, end, cells = _cells(text, named)
        after, said = _changed(text, (start, end), cells, cell_id, source, kind, mode)
        json.loads(after)  # never leave a broken notebook behind
        new = coding.encode(after)
        save(file, new)
        ledger.saw(file, new)
    return Change(named, text, after, places=1), said


def _changed(
    text: str,
    around: tuple[int, int],
    cells: list[Member],
    cell_id: str,
    source: str | None,
    kind: Kind | None,
    mode: Mode,
) -> tuple[str, str]:
    at = _find(cells, cell_id) if cell_id or mode != "insert" else -1
    if mode == "delete":
        return _without(text, around, cells, at), f"Deleted cell #{at}."
    if source is None:
        raise ToolFailed(f"new_source is missing: {mode} needs the text of the cell.")
    if mode == "insert":
        if kind is None:
            raise ToolFailed("cell_type is missing: insert needs code, markdown or raw.")
        cell = _new(text, cells, source, kind)
        return _with(text, around, cells, at, cell), f"Inserted a {kind} cell as #{at + 1}."
    old = cells[at]
    value = _filled(old.value, source, kind)
    return text[: old.at] + _rendered(text, cells, around, value) + text[old.end :], f"Replaced cell #{at}."


def _find(cells: list[Member], cell_id: str) -> int:
    for number, cell in enumerate(cells):
        if cell_id and cell.value.get("id") == cell_id:
            return number
    number = int(cell_id[1:]) if re.fullmatch(r"#\d{1,9}", cell_id) else -1
    if 0 <= number < len(cells):
        return number
    ids = ", ".join(str(cell.value.get("id", f"#{n}")) for n, cell in enumerate(cells[:20])) or "none"
    raise ToolFailed(f"There is no cell {cell_id!r}: give an id or #index, counted from #0. Cells: {ids}.")


def _filled(cell: dict[str, Any], source: str, kind: Kind | None) -> dict[str, Any]:
    """The cell with a new source; its outputs belonged to the old one."""
    kind = kind or cell.get("cell_type", "code")
    value = {**cell, "cell_type": kind, "source": source if isinstance(cell.get("source"), str) else _lines(source)}
    if kind == "code":
        return {**value, "execution_count": None, "outputs": []}
    return {key: item for key, item in value.items() if key not in ("execution_count", "outputs")}


def _new(text: str, cells: list[Member], source: str, kind: Kind) -> dict[str, Any]:
    book = json.loads(text)
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": _lines(source)}
    if (book.get("nbformat"), book.get("nbformat_minor", 0)) >= (4, 5) or any("id" in cell.value for cell in cells):
        cell["id"] = secrets.token_hex(4)
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return dict(sorted(cell.items()))  # as nbformat writes it


def _lines(source: str) -> list[str]:
    *whole, last = source.split("\n")
    return [line + "\n" for line in whole] + [last] * bool(last)


# -- where things stand in the text ---------------------------------------------


def _cells(text: str, named: Path) -> tuple[int, int, list[Member]]:
    """The span inside the brackets of "cells", and the cells."""
    try:
        found = [member for member in members(text) if member.key == "cells"][-1]
        if isinstance(found.value, list) and all(isinstance(cell, dict) for cell in found.value):
            cells = list(members(text, found.at))
            return found.at + 1, found.end - 1, cells
    except (ValueError, RecursionError, IndexError):
        pass
    raise ToolFailed(f"{show(named)} is not a Jupyter notebook of format 4.")


def _rendered(text: str, cells: list[Member], around: tuple[int, int], value: dict[str, Any]) -> str:
    """A cell as JSON, indented like its neighbours."""
    plain = text.isascii() and re.search(r"\\u[0-9a-f]{4}", text) is not None
    margin = _margin(text, cells, around)
    if "\n" not in margin:
        return json.dumps(value, ensure_ascii=plain)
    outer = margin.rpartition("\n")[2]
    unit = outer[: max(1, len(outer) // 2)] or " "  # a cell is two levels deep
    made = json.dumps(value, ensure_ascii=plain, indent=unit)
    return made.replace("\n", f"{margin.rpartition(chr(10))[0]}\n{outer}")


def _margin(text: str, cells: list[Member], around: tuple[int, int]) -> str:
    """The space in front of a cell."""
    if cells:
        return text[around[0] : cells[0].at]
    found = re.search(r"\{(\s*)\"", text)
    first = found[1] if found else ""
    return first + first.rpartition("\n")[2] if "\n" in first else ""


def _with(text: str, around: tuple[int, int], cells: list[Member], at: int, value: dict[str, Any]) -> str:
    margin, made = _margin(text, cells, around), _rendered(text, cells, around, value)
    if not cells:
        closing = margin[: max(margin.rfind("\n") + 1, len(margin) - (len(margin) - 1) // 2)] if margin else ""
        return text[: around[0]] + margin + made + closing + text[around[1] :]
    if at < 0:
        first = cells[0].at
        return text[:first] + made + "," + (margin or " ") + text[first:]
    end = cells[at].end
    return text[:end] + "," + (margin or " ") + made + text[end:]


def _without(text: str, around: tuple[int, int], cells: list[Member], at: int) -> str:
    if len(cells) == 1:
        return text[: around[0]] + text[around[1] :]
    if at + 1 < len(cells):
        return text[: cells[at].at] + text[cells[at + 1].at :]
    return text[: cells[at - 1].end] + text[cells[at].end :]
