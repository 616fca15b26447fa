"""A guard in one file: applied database migrations are history, nobody edits them.

Offer it as an entry point (see hello_plugin), or hand it to a host: Host([*DEFAULT, guard]).
"""

from pathlib import PurePath

from mimocode import Ruling, Verdict, hookimpl


@hookimpl
def rule_on_call(call, session):
    touched = session.toolbox.specs[call.name].meta.get("mimocode", {})
    if touched.get("permission") != "edit":
        return None  # no opinion; the other guards decide
    paths = [PurePath(str(call.arguments.get(name, ""))) for name in touched.get("paths", ())]
    if any("migrations" in path.parts for path in paths):
        return Ruling(Verdict.DENY, "migrations are never edited; write a new one")
    return None
