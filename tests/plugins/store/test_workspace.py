"""Layers of settings: who wins, who is refused, and whom an error names."""

from __future__ import annotations

import json
import os
import plistlib
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mimocode.errors import SettingsError
from mimocode.hookspecs import hookimpl
from mimocode.host import Host
from mimocode.ports import Setting
from mimocode_plugins.providers import configured
from mimocode_plugins.store import workspace
from mimocode_plugins.store.workspace.layers import Reader
from mimocode_plugins.store.workspace.places import places
from mimocode_plugins.store.workspace.settings import LayeredSettings, fits, merge
from mimocode_plugins.store.workspace.sources import Layer, Source, open_layer
from mimocode_plugins.ui.config.telling import Origin, explain, schema, value_at
from mimocode_plugins.ui.effects import WITHOUT


@dataclass
class Limits:
    """A shape with parts."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    steps: int = 5
    names: list[str] = field(default_factory=list)


CLAIMS = (
    ("rules", Setting("permission", str | dict[str, Any], {}, "What is allowed.")),
    ("rules", Setting("instructions", list[str], [], "Files to follow.")),
    ("books", Setting("share", Literal["manual", "auto"], "manual", "When to share.")),
    ("books", Setting("servers", dict[str, Any], {}, "What to run.", needs_trust=True)),
    ("books", Setting("plugin", list[Any], [], "What to load.")),
    ("books", Setting("limits", f"{__name__}:Limits", {}, "Limits.")),
    ("books", Setting("update", bool | Literal["notify"], True, "Updates.")),
    ("books", Setting("logLevel", str, "INFO", "Logs.")),
    ("books", Setting("extra", dict[str, Any], {}, "Anything.")),
)


class Desk:
    """A home, a project in it, and what the user starts with."""

    def __init__(self, base: Path) -> None:
        self.home, self.root, self.managed = base / "home", base / "home/code/project", base / "managed"
        self.directory = self.root / "src"
        self.directory.mkdir(parents=True)
        self.user = self.home / ".config/mimocode"

    def put(self, path: Path, text: str | Mapping[str, Any]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        return path

    def load(
        self,
        claims: Iterable[tuple[str, Setting]] = CLAIMS,
        *,
        trusted: bool = True,
        environ: Mapping[str, str] | None = None,
        **rest: Any,
    ) -> LayeredSettings:
        around = {"HOME": str(self.home), **(environ or {})}
        lenient = rest.pop("lenient", False)
        reader = Reader(places(around), self.directory, self.root, around, managed=self.managed, **rest)
        return reader(tuple(claims), trusted, lenient)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# -- who wins -------------------------------------------------------------------


def test_every_source_counts_and_the_later_one_wins(desk: Desk, tmp_path: Path) -> None:
    order = [
        desk.user / "config.json", desk.user / "mimocode.json", desk.user / "mimocode.jsonc",
        tmp_path / "own.json",
        desk.root / "mimocode.json", desk.root / "mimocode.jsonc", desk.directory / "mimocode.json",
        desk.root / ".mimocode/mimocode.json", desk.directory / ".mimocode/mimocode.jsonc",
        desk.home / ".mimocode/mimocode.json", tmp_path / "folder/mimocode.json",
    ]  # fmt: skip
    for number, path in enumerate(order):
        desk.put(path, {"extra": {f"k{number}": number, "last": number}})
    desk.put(desk.managed / "mimocode.json", {"extra": {"managed": 1, "last": "managed"}})
    above = desk.put(desk.home / "work/mimocode.json", {"extra": {"above the root": 1}})
    environ = {
        "MIMOCODE_CONFIG": str(tmp_path / "own.json"),
        "MIMOCODE_CONFIG_DIR": str(tmp_path / "folder"),
        "MIMOCODE_CONFIG_CONTENT": '{"extra": {"content": 1, "last": "content"}, /* so */}',
        "MIMOCODE__EXTRA__NESTED": "1",
        "MIMOCODE__EXTRA__LAST": "nested",
    }
    settings = desk.load(environ=environ, overrides={"extra": {"line": 1, "last": "line"}})
    everyone = {f"k{number}": number for number in range(len(order))}
    assert settings["extra"] == everyone | {"content": 1, "managed": 1, "nested": 1, "line": 1, "last": "line"}
    files = [origin.where.rsplit(":", 1)[0] for origin in explain(settings, "extra").origins]
    variables = ("MIMOCODE__* variables", "command line")
    assert files == [*map(str, order), "MIMOCODE_CONFIG_CONTENT", str(desk.managed / "mimocode.json"), *variables]
    assert str(above) not in files


def test_who_set_a_value_is_said_right_for_every_source(desk: Desk, tmp_path: Path) -> None:
    """The sources are taken away from the top; each time the one below is named, with its line."""
    company = desk.home / ".local/share/mimocode/wellknown/company.example.json"
    files = [
        company, desk.user / "config.json", desk.user / "mimocode.json", desk.user / "mimocode.jsonc",
        tmp_path / "own.json", desk.root / "mimocode.json", desk.root / "mimocode.jsonc",
        desk.directory / "mimocode.json", desk.directory / "mimocode.jsonc", desk.root / ".mimocode/mimocode.json",
        desk.directory / ".mimocode/mimocode.jsonc", desk.home / ".mimocode/mimocode.json",
        tmp_path / "folder/mimocode.json", "content", desk.managed / "mimocode.jsonc",
        tmp_path / "prefs/ai.mimocode.managed.plist", "nested", "switch", "permission", "line",
    ]  # fmt: skip
    environ = {"MIMOCODE_CONFIG": str(tmp_path / "own.json"), "MIMOCODE_CONFIG_DIR": str(tmp_path / "folder")}
    overrides: dict[str, Any] = {}
    variables = {
        "content": ("MIMOCODE_CONFIG_CONTENT", '{"permission": {"x": "content"}, "share": "manual"}', "MIMOCODE_CONFIG_CONTENT"),
        "nested": ("MIMOCODE__PERMISSION__X", "nested", "MIMOCODE__* variables"),
        "switch": ("MIMOCODE_AUTO_SHARE", "1", "MIMOCODE_* variables"),
        "permission": ("MIMOCODE_PERMISSION", '{"x": "permission"}', "MIMOCODE_PERMISSION"),
    }  # fmt: skip
    for number, source in enumerate(files):
        if source == "line":
            overrides["permission"] = {"x": "line"}
        elif isinstance(source, str):
            environ[variables[source][0]] = variables[source][1]
        elif source.suffix == ".plist":
            source.parent.mkdir(parents=True)
            source.write_bytes(plistlib.dumps({"permission": {"x": str(number)}}))
        else:
            desk.put(source, "{\n" + f'\n  "permission": {{"x": "{number}"}}}}')
    order = list(enumerate(files))
    while order:
        number, source = order.pop()
        settings = desk.load(environ=environ, overrides=dict(overrides), preferences=tmp_path / "prefs")
        key = "share" if source == "switch" else "permission.x"
        told = explain(settings, key)
        last = told.origins[-1]
        assert told.value == value_at(settings.data, tuple(key.split("."))) == last.value
        if source == "line":
            assert (last.layer, last.value) == ("command line", "line")
            overrides.clear()
        elif isinstance(source, str):
            name, _, layer = variables[source]
            assert (last.layer, last.value) == (layer, "auto" if source == "switch" else source)
            del environ[name]
        else:
            assert (last.where, last.value) == (
                f"{source}:3" if source.suffix != ".plist" else str(source),
                str(number),
            )
            source.unlink()
            environ = {name: value for name, value in environ.items() if value != str(source)}
    with pytest.raises(SettingsError, match="nothing sets"):
        explain(desk.load(), "permission.x")


def test_profiles_of_an_administrator_count_above_all_files(desk: Desk, tmp_path: Path) -> None:
    desk.put(desk.user / "mimocode.json", {"share": "auto", "limits": {"steps": 1}})
    desk.put(desk.managed / "mimocode.json", {"limits": {"steps": 2}})
    (tmp_path / "prefs/ada").mkdir(parents=True)
    about = {"PayloadUUID": "x", "PayloadType": "ai.mimocode.managed", "PFC_SegmentedBase": 1}
    everyone = tmp_path / "prefs/ai.mimocode.managed.plist"
    everyone.write_bytes(plistlib.dumps({"limits": {"steps": 3, "names": ["a"]}, **about}))
    hers = tmp_path / "prefs/ada/ai.mimocode.managed.plist"
    hers.write_bytes(plistlib.dumps({"limits": {"steps": 4}}, fmt=plistlib.FMT_BINARY))
    settings = desk.load(preferences=tmp_path / "prefs", environ={"USER": "ada"})
    assert (settings["share"], settings["limits"]) == ("auto", Limits(4, ["a"]))
    assert [origin.where for origin in explain(settings, "limits.steps").origins][-2:] == [str(everyone), str(hers)]
    assert desk.load(preferences=tmp_path / "prefs", environ={"USER": "bob"})["limits"] == Limits(3, ["a"])
    for nonsense in (b"", b"bplist00nonsense", b"<plist><dict>", plistlib.dumps(["a", "list"])):
        hers.write_bytes(nonsense)
        with pytest.raises(SettingsError, match="this is not a property list of settings"):
            desk.load(preferences=tmp_path / "prefs", environ={"USER": "ada"})


def test_nothing_is_set_and_everything_has_its_default(desk: Desk) -> None:
    settings = desk.load()
    assert (settings["share"], settings["limits"], settings.layers, settings.ignored) == ("manual", Limits(), (), [])


def test_the_later_key_comes_last_so_that_the_last_match_is_the_users(desk: Desk) -> None:
    desk.put(desk.user / "mimocode.json", '{"permission": {"ls": {"*": "allow"}, "*": "ask", "rm": "deny"}}')
    desk.put(desk.root / "mimocode.json", '{"permission": {"ls": {"-R": "deny"}, "*": "allow"}}')
    assert list(desk.load()["permission"].items()) == [
        ("rm", "deny"), ("ls", {"*": "allow", "-R": "deny"}), ("*", "allow")
    ]  # fmt: skip


def test_lists_are_replaced_but_two_are_joined(desk: Desk) -> None:
    desk.put(desk.user / "mimocode.json", {"instructions": ["a", "b"], "plugin": ["x==1", "y", ["z", {}]]})
    desk.put(desk.root / "mimocode.json", {"instructions": ["c", "a"], "plugin": [["x==2", {"n": 1}]]})
    desk.put(desk.user / "mimocode.jsonc", {"limits": {"names": ["a"]}})
    desk.put(desk.root / "mimocode.jsonc", {"limits": {"names": ["b"]}})
    settings = desk.load()
    assert settings["instructions"] == ["b", "c", "a"]
    assert settings["plugin"] == ["y", ["z", {}], ["x==2", {"n": 1}]]
    assert settings["limits"] == Limits(names=["b"])


def test_a_project_can_be_left_out(desk: Desk) -> None:
    desk.put(desk.root / "mimocode.json", {"share": "auto"})
    desk.put(desk.directory / ".mimocode/mimocode.json", {"share": "auto"})
    assert desk.load(environ={"MIMOCODE_DISABLE_PROJECT_CONFIG": "true"})["share"] == "manual"


def test_permission_from_the_environment_is_merged_over_all(desk: Desk) -> None:
    desk.put(desk.user / "mimocode.json", {"permission": {"ls": "ask", "rm": "deny"}})
    settings = desk.load(environ={"MIMOCODE_PERMISSION": '{"ls": "allow"}'})
    assert settings["permission"] == {"rm": "deny", "ls": "allow"}
    with pytest.raises(SettingsError, match=r"^MIMOCODE_PERMISSION:1:1: a value is expected here$"):
        desk.load(environ={"MIMOCODE_PERMISSION": "allow"})


def test_single_keys_from_the_environment(desk: Desk) -> None:
    desk.put(desk.user / "mimocode.json", {"extra": {"a": {"b": 1, "c": 2}}})
    environ = {
        "MIMOCODE__EXTRA__A__B": "two",
        "MIMOCODE__extra__maxMode": '{"candidates": 3}',
        "MIMOCODE__LOGLEVEL": "DEBUG",
        "MIMOCODE__UPDATE": "false",
        "MIMOCODE__INSTRUCTIONS": '["x.md"]',
        "MIMOCODE__LIMITS__STEPS": "9",
    }
    settings = desk.load(environ=environ)
    assert settings["extra"] == {"a": {"c": 2, "b": "two"}, "maxMode": {"candidates": 3}}
    assert (settings["logLevel"], settings["update"], settings["instructions"]) == ("DEBUG", False, ["x.md"])
    assert settings["limits"] == Limits(steps=9)
    with pytest.raises(
        SettingsError, match=r'^MIMOCODE__\* variables: "shar" is not a setting; did you mean "share"\?$'
    ):
        desk.load(environ={"MIMOCODE__SHAR": "auto"})


# -- references -----------------------------------------------------------------


def test_references_are_filled_in(desk: Desk) -> None:
    desk.put(desk.user / "note.txt", ' a "quoted"\nline \n')
    desk.put(
        desk.user / "mimocode.jsonc",
        '{ // {file:none}\n"extra": {"a": "{env:A}", "n": "{env:NO}", "f": "{file:note.txt}"}}',
    )
    settings = desk.load(environ={"A": "secret"})
    assert settings["extra"] == {"a": "secret", "n": "", "f": 'a "quoted"\nline'}
    assert settings.layers[0].filled == {"secret": "{env:A}", 'a "quoted"\nline': "{file:note.txt}"}
    assert "secret" not in repr(settings.layers[0].text)


def test_a_missing_file_is_named_with_the_line_that_wants_it(desk: Desk) -> None:
    path = desk.put(desk.user / "mimocode.json", '{\n"share": "{file:~/none}"}')
    with pytest.raises(SettingsError) as caught:
        desk.load()
    assert str(caught.value) == f"{path}:2: {{file:~/none}} cannot be read: No such file or directory"


def test_a_project_without_trust_gets_no_secrets(desk: Desk) -> None:
    text = (
        '{"extra": {"key": "{env:KEY}", "fine": 1, "{env:KEY}": 2, "deep": {"list": ["x", {"y": "{file:/etc/passwd}"}]}},\n'
        ' "limits": {"steps": {env:N}}}'
    )
    path = desk.put(desk.root / "mimocode.json", text)
    settings = desk.load(trusted=False, environ={"KEY": "secret", "N": "3"})
    assert settings.data == {"extra": {"fine": 1, "deep": {}}, "limits": {}}
    why = "is ignored because it uses {env:} or {file:} and this folder is not trusted"
    assert settings.ignored == [
        f'{path}:1: "extra.key" {why}', f'{path}:1: "extra.{{env:KEY}}" {why}', f'{path}:1: "extra.deep.list" {why}',
        f'{path}:2: "limits.steps" {why}',
    ]  # fmt: skip
    trusted = desk.load(environ={"KEY": "secret", "N": "3"})
    assert (trusted["extra"]["key"], trusted["limits"]) == ("secret", Limits(steps=3))


# -- trust ----------------------------------------------------------------------


def test_a_project_without_trust_runs_nothing_and_says_so(desk: Desk) -> None:
    desk.put(desk.user / "mimocode.json", {"servers": {"mine": 1}})
    path = desk.put(
        desk.directory / ".mimocode/mimocode.jsonc", '{\n// go\n"servers": {"theirs": 1}, "share": "auto",}'
    )
    settings = desk.load(trusted=False)
    assert (settings["servers"], settings["share"]) == ({"mine": 1}, "auto")
    assert settings.ignored == [f'{path}:3: "servers" is ignored until you trust this folder']
    assert desk.load(trusted=True)["servers"] == {"mine": 1, "theirs": 1}


def test_a_users_own_folder_is_not_the_projects_even_inside_of_it(desk: Desk) -> None:
    desk.put(desk.home / ".mimocode/mimocode.json", {"servers": {"mine": 1}})
    desk.root = desk.directory = desk.home
    assert desk.load(trusted=False)["servers"] == {"mine": 1}


# -- mistakes -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{\n"shaer": 1}', ':2: "shaer" is not a setting; did you mean "share"?'),
        ('{"zzz": 1}', ':1: "zzz" is not a setting'),
        ('{"share": "auto"\n "limits": {}}', ":2:2: a comma or a closing bracket is expected here"),
        ("[]", ":1: settings are one JSON object in braces"),
    ],
)
def test_a_file_that_makes_no_sense_is_an_error_or_a_notice_when_starting_safely(
    desk: Desk, text: str, complaint: str
) -> None:
    for path in (desk.user / "mimocode.jsonc", desk.root / "mimocode.jsonc"):
        desk.put(path, text)
        with pytest.raises(SettingsError) as caught:
            desk.load()
        assert str(caught.value) == f"{path}{complaint}"
        settings = desk.load(lenient=True)
        assert settings["share"] == "manual"
        assert [sentence.removesuffix(" (left out)") for sentence in settings.ignored] == [f"{path}{complaint}"]
        path.unlink()


def test_files_that_cannot_be_opened(desk: Desk) -> None:
    with pytest.raises(SettingsError, match=r"^MIMOCODE_CONFIG: /none/x\.json does not exist$"):
        desk.load(environ={"MIMOCODE_CONFIG": "/none/x.json"})
    path = desk.put(desk.user / "mimocode.json", "")
    assert desk.load().layers == ()
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"this is not UTF-8 text$"):
        desk.load()
    path.unlink()
    path.mkdir()
    with pytest.raises(SettingsError, match=r"cannot be read: Is a directory$"):
        desk.load()


def test_keys_of_old_files_count_for_the_terminal_with_a_notice(desk: Desk) -> None:
    path = desk.put(desk.user / "mimocode.json", '{"$schema": "x",\n "theme": "dark", "share": "auto"}')
    settings = desk.load()
    assert (dict(settings.data), settings.ignored) == (
        {"share": "auto"},
        [f'{path}:2: "theme" belongs into tui.json; until it is moved it counts as if it stood there'],
    )
    assert settings.legacy == {"theme": "dark"}
    path = desk.put(desk.root / "mimocode.json", '{"theme": "light"}')
    assert (desk.load().legacy, desk.load(trusted=False).legacy) == ({"theme": "light"}, {"theme": "dark"})


@pytest.mark.parametrize(
    ("text", "key", "complaint"),
    [
        ('{\n"share": "never"}', "share", ":2: input should be 'manual' or 'auto', at share"),
        ('{"limits": {\n"steps": "many"}}', "limits",
         ":2: input should be a valid integer, unable to parse string as an integer, at limits.steps"),
        ('{"limits": {\n\n"step": 1}}', "limits", ":3: no such key, at limits.step; did you mean \"steps\"?"),
        ('{"limits": {"names":\n ["a", 5]}}', "limits", ":1: input should be a valid string, at limits.names.1"),
        ('{"update": "nofity"}', "update",
         ":1: input should be a valid boolean, unable to interpret input, or input should be 'notify', at update"),
    ],
)  # fmt: skip
def test_wrong_values_are_named_with_file_line_and_path(desk: Desk, text: str, key: str, complaint: str) -> None:
    path = desk.put(desk.root / "mimocode.json", text)
    settings = desk.load()
    with pytest.raises(SettingsError) as caught:
        settings[key]
    assert (str(caught.value), caught.value.where) == (f"{path}{complaint}", f"{path}:{complaint[1]}")


def test_two_owners_of_one_key_are_named(desk: Desk) -> None:
    thief = ("thief", Setting("share", str, "", "Mine."))
    with pytest.raises(SettingsError) as caught:
        desk.load([*CLAIMS, thief])
    assert str(caught.value) == 'the plugins books and thief both claim the settings key "share"'


def test_a_claim_that_makes_no_sense_costs_only_itself(desk: Desk) -> None:
    said: list[str] = []

    class Thief:
        @hookimpl
        def register_settings(self) -> list[Any]:
            return [Setting("model", int, 5, "Mine."), Setting("mine", int, 7, "Really mine.")]

    class Clumsy:
        @hookimpl
        def register_settings(self) -> list[Any]:
            return ["more"]

    host = Host([workspace, configured, Thief(), Clumsy()], directory=desk.root, external=False, complain=said.append)
    assert (host.settings["model"], host.settings["mine"]) == ("", 7)
    owner = "mimocode_plugins.providers.configured"
    assert said == [
        "plugin Clumsy: register_settings raised TypeError: its answer must be Iterable[Setting], not str",
        f'plugin Thief: the settings key "model" belongs to {owner}; choose another',
    ]


def test_a_key_that_nobody_claims_is_not_there(desk: Desk) -> None:
    settings = desk.load()
    assert ("share" in settings, "none" in settings) == (True, False)
    with pytest.raises(KeyError, match='no plugin claims the settings key "none"'):
        settings["none"]


# -- explanations ---------------------------------------------------------------


def test_a_value_says_who_had_a_say(desk: Desk) -> None:
    user = desk.put(desk.user / "mimocode.jsonc", '{ // mine\n"permission": {\n"ls": "ask",\n"rm": "deny"}}')
    project = desk.put(desk.root / "mimocode.json", '{"permission":\n {"ls": "allow"}, "extra": {"a.b": {"c": 1}}}')
    settings = desk.load()
    told = explain(settings, "permission.ls")
    assert (told.value, told.origins) == (
        "allow",
        (Origin("user settings", f"{user}:3", "ask"), Origin("project settings", f"{project}:2", "allow")),
    )
    assert explain(settings, "extra.a.b.c").value == 1
    assert explain(settings, "limits.steps").origins == (Origin("default", "", 5),)
    assert explain(settings, "share").origins == (Origin("default", "", "manual"),)
    for key, complaint in [
        ("shaer", 'no such setting: "shaer"; did you mean "share"?'),
        ("limits.none", 'nothing sets "limits.none", and it has no default'),
    ]:
        with pytest.raises(SettingsError) as caught:
            explain(settings, key)
        assert str(caught.value) == complaint


def test_what_was_replaced_as_a_whole_has_no_say(desk: Desk) -> None:
    desk.put(desk.user / "mimocode.json", {"permission": {"ls": "ask"}})
    desk.put(desk.root / "mimocode.json", {"permission": "allow"})
    path = desk.put(desk.root / "mimocode.jsonc", {"permission": {"ls": "deny"}})
    assert explain(desk.load(), "permission.ls").origins == (Origin("project settings", f"{path}:1", "deny"),)


def test_the_schema_describes_every_key(desk: Desk) -> None:
    made = schema(desk.load())
    assert set(made["properties"]) == {"$schema", *(claim.name for _, claim in CLAIMS)}
    assert made["properties"]["share"] == {
        "default": "manual", "description": f"When to share. Accepted, without effect: {WITHOUT['share']}.", "enum": ["manual", "auto"], "type": "string"
    }  # fmt: skip
    assert made["properties"]["limits"] == {"$ref": "#/$defs/Limits", "description": "Limits.", "default": {}}
    assert made["$defs"]["Limits"]["properties"]["steps"] == {"default": 5, "title": "Steps", "type": "integer"}
    assert made["additionalProperties"] is False


# -- laws -----------------------------------------------------------------------

# The first letter of a key decides what it holds, as a schema would.
keys = st.sampled_from(["oa", "ob", "oc", "la", "lb", "lc", "a", "b"])


def _held(key: str, inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return inner if key[0] == "o" else st.lists(st.integers(0, 3), max_size=3) if key[0] == "l" else st.integers()


def _objects(deep: int) -> st.SearchStrategy[dict[str, Any]]:
    inner = _objects(deep - 1) if deep else st.just({})
    pairs = keys.flatmap(lambda key: st.tuples(st.just(key), _held(key, inner)))
    return st.lists(pairs, max_size=4).map(dict)


layers = st.lists(_objects(2), min_size=1, max_size=4)


def _leaves(data: Mapping[str, Any], above: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, value in data.items():
        found |= _leaves(value, (*above, key)) if isinstance(value, dict) else {(*above, key): value}
    return found


@given(_objects(2), _objects(2), _objects(2))
def test_merging_does_not_depend_on_where_one_begins(a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]) -> None:
    left, right = merge(merge(a, b), c), merge(a, merge(b, c))
    assert left == right
    assert list(left) == list(right)


@given(_objects(2), _objects(2))
def test_the_higher_layer_wins_every_leaf_and_comes_last(low: dict[str, Any], high: dict[str, Any]) -> None:
    merged = merge(low, high)
    assert _leaves(merged) == _leaves(low) | _leaves(high)
    assert list(merged) == [key for key in low if key not in high] + list(high)


@given(layers)
def test_the_last_origin_of_a_leaf_is_its_value(data: list[dict[str, Any]]) -> None:
    claims = {key: Setting(key, Any, None, "Any.") for each in data for key in each}
    settings = LayeredSettings(
        [("any", claim) for claim in claims.values()],
        [Layer(str(number), data=each) for number, each in enumerate(data)],
    )
    for path, value in _leaves(settings.data).items():
        told = explain(settings, ".".join(path))
        assert told.value == value == told.origins[-1].value


# -- cost -----------------------------------------------------------------------


def test_loading_settings_and_reading_defaults_imports_nothing_heavy(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put(desk.user / "mimocode.jsonc", '{ // so\n "share": "auto", }')
    code = f"""
import sys
from pathlib import Path
from mimocode_plugins.store.workspace.places import places
from mimocode.ports import Setting
environ = {{"HOME": {str(desk.home)!r}}}
claims = [("a", Setting("share", str, "", "")), ("a", Setting("other", int, 5, ""))]
here = Path({str(desk.root)!r})
from mimocode_plugins.store.workspace.layers import Reader
settings = Reader(places(environ), here, here, environ)(claims, False, False)
assert settings["other"] == 5
print([name for name in ("pydantic", "pydantic_settings", "yaml") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": "kernel:plugins"}
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


FITS: list[tuple[Any, Any]] = [
    (str, "a"),
    (bool, True),
    (int | None, None),
    (list[str], ["a", "b"]),
    (dict[str, int | list[str]], {"a": 1, "b": ["c"]}),
    (Literal["a", 1] | bool, 1),
    (dict[str, Any], {}),
]
DECIDED_ELSEWHERE: list[tuple[Any, Any]] = [
    (str, 1),
    (int, True),
    (int, "1"),
    (float, 1),
    (list[str], ["a", 1]),
    (list[str], ("a",)),
    (dict[str, int], {"a": "b"}),
    (Literal[1], True),
    (set[str], {"a"}),
    (dict[str, Any], {"a": 1}),
]


def test_plain_values_need_no_library() -> None:
    assert [pair for pair in FITS if not fits(*pair)] == []
    assert [pair for pair in DECIDED_ELSEWHERE if fits(*pair)] == []
    for kind, value in FITS:
        assert TypeAdapter(kind).validate_python(value, strict=True) == value


def test_settings_of_a_project_are_a_file_of_bounded_size(tmp_path: Path) -> None:
    for number, make in enumerate(
        (
            lambda path: os.mkfifo(path),
            lambda path: path.symlink_to("/dev/zero"),
            lambda path: path.write_text("{}" + " " * 2_000_000),
        )
    ):
        file = tmp_path / f"{number}.json"
        make(file)
        with pytest.raises(SettingsError, match=r"not a file|more than 1024 KB"):
            open_layer(Source("project settings", file, project=True), tmp_path, {}, False, print)


def test_a_file_of_comments_is_empty_and_a_key_of_before_is_named(tmp_path: Path) -> None:
    said: list[str] = []
    file = tmp_path / "a.json"
    file.write_text("// nothing yet\n/* really */\n")
    assert open_layer(Source("user settings", file), tmp_path, {}, True, said.append) is None
    file.write_text('{"model": "a",\n"model": "b"}')
    layer = open_layer(Source("user settings", file), tmp_path, {}, True, said.append)
    assert layer is not None and layer.data == {"model": "b"}
    assert said == [f'{file}:2: "model" stands there twice; the later one counts']
