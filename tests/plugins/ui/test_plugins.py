"""`mimo plugins`: everybody is listed, also who failed, with what they cost."""

import json

from support.cli import Cli

COSTLY = '''
"""Adds a hundred words."""
from mimocode import Part, hookimpl

@hookimpl
def contribute():
    return [Part("word " * 100)]

@hookimpl
def register_cli(commands):
    pass
'''


def listed(cli: Cli) -> dict[str, dict[str, object]]:
    """The list as JSON, by name."""
    return {row["name"]: row for row in json.loads(cli("plugins", "--format", "json").out)["plugins"]}


def test_a_strangers_plugin_is_listed_with_its_origin_hooks_and_tokens(cli: Cli) -> None:
    cli.plugin("costly", COSTLY)
    row = listed(cli)["costly"]
    assert row["calls"] and isinstance(row["milliseconds"], float)
    assert {key: row[key] for key in ("origin", "purpose", "hooks", "tokens_per_turn", "error")} == {
        "origin": "costly 1.0",
        "purpose": "Adds a hundred words.",
        "hooks": ["contribute", "register_cli"],
        "tokens_per_turn": {"prompt": 125},
        "error": "",
    }


def test_built_ins_say_what_they_are_for_and_what_their_tools_weigh(cli: Cli) -> None:
    rows = listed(cli)
    assert all(row["purpose"] and row["hooks"] for row in rows.values())
    assert rows["mimocode_plugins.ui.plugins"]["origin"] == "built-in"
    files = rows["mimocode_plugins.tools.files"]["tokens_per_turn"]
    assert isinstance(files, dict) and files["tools files"] > 100


def test_broken_plugins_are_shown_with_their_error(cli: Cli) -> None:
    cli.plugin("bad_import", "1 / 0")
    cli.plugin("bad_hook", COSTLY.replace("return [", "raise ValueError('no words') or ["))
    rows = listed(cli)
    assert "division by zero" in str(rows["bad_import"]["error"])
    assert "no words" in str(rows["bad_hook"]["error"])
    text = cli("plugins").out
    assert "bad_import" in text and "broken: ZeroDivisionError: division by zero" in text


def test_listing_leaves_nothing_behind(cli: Cli) -> None:
    listed(cli)
    assert cli("session", "list", "--format", "json").out.strip() in ("", "[]")
