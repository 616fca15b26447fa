"""Questions about code, and answers short enough to read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mimocode.errors import ToolFailed

from ..place import Place, show
from .fleet import Fleet
from .station import START, Station, path_of

MOST = 100
"""Answers that are told."""
METHODS = {
    "goToDefinition": ("textDocument/definition", "definitionProvider"),
    "findReferences": ("textDocument/references", "referencesProvider"),
    "hover": ("textDocument/hover", "hoverProvider"),
    "documentSymbol": ("textDocument/documentSymbol", "documentSymbolProvider"),
    "workspaceSymbol": ("workspace/symbol", "workspaceSymbolProvider"),
    "goToImplementation": ("textDocument/implementation", "implementationProvider"),
    "prepareCallHierarchy": ("textDocument/prepareCallHierarchy", "callHierarchyProvider"),
    "incomingCalls": ("callHierarchy/incomingCalls", "callHierarchyProvider"),
    "outgoingCalls": ("callHierarchy/outgoingCalls", "callHierarchyProvider"),
}
_KINDS = (
    "file", "module", "namespace", "package", "class", "method", "property", "field", "constructor", "enum",
    "interface", "function", "variable", "constant", "string", "number", "boolean", "array", "object", "key", "null",
    "member", "struct", "event", "operator", "type-parameter",
)  # fmt: skip


async def ask(fleet: Fleet, place: Place, operation: str, file: Path, line: int, character: int, query: str) -> str:
    """The answer to a question about a place in a file, as JSON.

    Raises:
        ToolFailed: there is no such file, no server for it, or it does not answer.
    """
    if not os.path.isfile(file):  # noqa: ASYNC240, PTH113 - one look at a local disk
        raise ToolFailed(f"There is no file {show(file)}.")
    stations = [station for station in fleet.of(file) if await station.awake(START)]
    if not stations:
        raise ToolFailed(_why(fleet, file))
    versions = [(station, station.show(file)) for station in stations]
    for station, version in versions:
        if version is not None:
            await station.diagnosed(file, version)
    if operation == "diagnostics":
        found = [finding for station in stations for finding in station.diagnoses.get(str(file), ())]
        return _json([{k: v for k, v in asdict(finding).items() if v != ""} for finding in found])
    method, capability = METHODS[operation]
    able = [station for station in stations if station.offers.get(capability) not in (None, False)]
    if not able:
        names = ", ".join(station.known.id for station in stations)
        raise ToolFailed(f"{names} cannot do {operation}.")
    position = _position(file, line, character)
    answers = []
    for station in able:
        answers += _told(await _asked(station, operation, method, file, position, query), place)
    return _json(answers)


async def _asked(station: Station, operation: str, method: str, file: Path, position: Any, query: str) -> list[Any]:
    if operation == "workspaceSymbol":
        return _list(await station.ask(method, {"query": query}))
    params: dict[str, Any] = {"textDocument": {"uri": file.as_uri()}}
    if operation != "documentSymbol":
        params["position"] = position
    if operation == "findReferences":
        params["context"] = {"includeDeclaration": True}
    if operation not in ("incomingCalls", "outgoingCalls"):
        return _list(await station.ask(method, params))
    calls = []
    for item in _list(await station.ask(METHODS["prepareCallHierarchy"][0], params))[:5]:
        calls += _list(await station.ask(method, {"item": item}))
    return calls


def _why(fleet: Fleet, file: Path) -> str:
    stations = fleet.of(file)
    if not stations:
        known = "`mimo lsp status` lists those there are"
        return f"There is no language server for {show(file.name)} in this project; {known}."
    states = "; ".join(f"{station.known.id}: {station.state}" for station in stations)
    return f"The language server does not run. {states}"


def _position(file: Path, line: int, character: int) -> dict[str, int]:
    """A place counted from 1 in characters as the protocol counts it: from 0, in UTF-16 units."""
    lines = file.read_text("utf-8", "replace").splitlines()
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    return {"line": max(line - 1, 0), "character": len(text[: max(character - 1, 0)].encode("utf-16-le")) // 2}


def _list(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else [] if answer is None else [answer]


def _told(found: list[Any], place: Place) -> list[Any]:
    return [told for each in found if isinstance(each, dict) for told in _one(each, place)]


def _one(each: dict[str, Any], place: Place) -> Iterator[dict[str, Any]]:
    """A location, a symbol, a call or a hover in a flat form."""
    call = each.get("from") or each.get("to")
    if isinstance(call, dict):
        yield from _one(call, place)
    elif "contents" in each:
        yield {"hover": _words(each["contents"])[:4000]}
    elif "name" in each:
        location = each.get("location")
        kind = each.get("kind")
        named = {"name": each["name"]}
        if isinstance(kind, int) and 0 < kind <= len(_KINDS):
            named["kind"] = _KINDS[kind - 1]
        if each.get("containerName"):
            named["in"] = each["containerName"]
        yield {**named, **_where(location if isinstance(location, dict) else each, place)}
        for child in _list(each.get("children")):
            if isinstance(child, dict):
                for told in _one(child, place):
                    yield {**told, "in": told.get("in") or each["name"]}
    else:
        yield _where(each, place)


def _where(each: dict[str, Any], place: Place) -> dict[str, Any]:
    uri = each.get("uri") or each.get("targetUri")
    where = each.get("selectionRange") or each.get("targetSelectionRange") or each.get("range") or {}
    start = where.get("start") or {}
    told: dict[str, Any] = {"file": place.short(Path(path))} if (path := path_of(uri)) else {"uri": uri} if uri else {}
    if "line" in start:
        told |= {"line": start["line"] + 1, "character": start.get("character", 0) + 1}
    return told


def _words(contents: Any) -> str:
    if isinstance(contents, list):
        return "\n".join(map(_words, contents))
    return str(contents.get("value", "")) if isinstance(contents, dict) else str(contents)


def _json(answers: list[Any]) -> str:
    lines = [json.dumps(answer, ensure_ascii=False) for answer in answers[:MOST]]
    if len(answers) > MOST:
        lines.append(json.dumps({"more": len(answers) - MOST}))
    return "[" + ",\n".join(lines) + "]"
