"""Changes of many places as an MCP server: multiedit, apply_patch, notebook_edit."""

from __future__ import annotations

from typing import Annotated, Any

from anyio import to_thread
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field, model_validator

from ..place import Place, show
from ..server import answer, here, tool
from ..text import editing
from ..text.difference import difference
from ..text.ledger import Ledger
from . import applying, notebook

_EDITS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False)


class Edit(BaseModel):
    """One replacement."""

    old_string: str
    new_string: str
    replace_all: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _either_spelling(cls, given: Any) -> Any:
        """Take camelCase names, as of the arguments themselves."""
        names = {"oldString": "old_string", "newString": "new_string", "replaceAll": "replace_all"}
        return {names.get(key, key): value for key, value in given.items()} if isinstance(given, dict) else given


def build(place: Place, ledger: Ledger | None = None) -> MCPServer:
    """The server of one session; the `ledger` is shared by all its servers that touch files."""
    ledger = ledger or Ledger({})

    async def multiedit(ctx: Context, file_path: str, edits: list[Edit]) -> CallToolResult:
        seen = here(place, ctx)
        wanted = [(edit.old_string, edit.new_string, bool(edit.replace_all)) for edit in edits]
        change = await to_thread.run_sync(editing.edit_often, seen, file_path, wanted, ledger)
        places = f"Replaced {change.places} place{'s' * (change.places > 1)} in {len(edits)} edits."
        if change.note:
            diff = await to_thread.run_sync(difference, change.before, change.after, seen.short(change.path))
            places += f" Not exact: {change.note}. This is what changed; check it:\n{diff.text}"
        return await _shown(seen, places, [applying.Patched("M", change.path, change.before, change.after)])

    async def apply_patch(ctx: Context, patch_text: str) -> CallToolResult:
        seen = here(place, ctx)
        done = await to_thread.run_sync(applying.apply, seen, patch_text, ledger)
        return await _shown(seen, "\n".join(["Applied the patch:", *(_line(seen, change) for change in done)]), done)

    async def notebook_edit(
        ctx: Context,
        notebook_path: str,
        cell_id: Annotated[
            str | None, Field(description="Id or #index from #0; insert goes after it, or first")
        ] = None,
        new_source: str | None = None,
        cell_type: notebook.Kind | None = None,
        edit_mode: notebook.Mode | None = None,
    ) -> CallToolResult:
        seen = here(place, ctx)
        wanted = (cell_id or "", new_source, cell_type, edit_mode or "replace", ledger)
        change, said = await to_thread.run_sync(notebook.edit, seen, notebook_path, *wanted)
        return await _shown(seen, said, [applying.Patched("M", change.path, change.before, change.after)])

    return MCPServer(
        "patch",
        log_level="WARNING",
        tools=[
            tool(__package__, multiedit, _EDITS, permission="edit", paths=["file_path"], deferred=True),
            tool(__package__, apply_patch, _EDITS, permission="edit", patch="patch_text"),
            tool(__package__, notebook_edit, _EDITS, permission="edit", paths=["notebook_path"], deferred=True),
        ],
    )


def _line(place: Place, change: applying.Patched) -> str:
    was = f" (was {place.short(change.old)})" if change.old else ""
    return f"{change.mark} {place.short(change.path)}{was}"


async def _shown(place: Place, text: str, changes: list[applying.Patched]) -> CallToolResult:
    def compare() -> list[tuple[str, int, int]]:
        found = [difference(c.before, c.after, place.short(c.path)) for c in changes]
        return [(each.text, each.additions, each.deletions) for each in found]

    compared = await to_thread.run_sync(compare)
    title = place.short(changes[0].path) + (f" and {len(changes) - 1} more" if len(changes) > 1 else "")
    display = {
        "title": title,
        "diff": "\n".join(diff for diff, _, _ in compared if diff),
        "additions": sum(added for _, added, _ in compared),
        "deletions": sum(removed for _, _, removed in compared),
    }
    if len(changes) > 1 or changes[0].mark != "M":
        display["files"] = [{"mark": c.mark, "path": show(c.path)} for c in changes]
    return answer(text, display)
