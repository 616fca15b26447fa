"""Loading: what cannot be loaded is named, and the others work."""

from pathlib import Path
from typing import Any

import pytest

from mimocode import hookimpl
from mimocode.host import Host

GOOD = "from mimocode import hookimpl\n@hookimpl\ndef contribute(): return []\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("1/0", "plugin bad_{}: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "plugin bad_{}: SystemExit: 3"),
        ("def broken(:", "plugin bad_{}: SyntaxError: invalid syntax (bad_{}.py, line 1)"),
        ("import no_such_module", "plugin bad_{}: ModuleNotFoundError: No module named 'no_such_module'"),
        (
            GOOD.replace("contribute", "contrbute"),
            "plugin bad_{}: there is no hook contrbute; did you mean contribute?",
        ),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_named_and_the_next_one_works(
    folder: Path, text: str, complaint: str
) -> None:
    number = abs(hash(text)) % 10**6
    (folder / f"bad_{number}.py").write_text(text)
    (folder / f"good_{number}.py").write_text(GOOD)
    said: list[str] = []
    host = Host([f"bad_{number}", f"good_{number}"], external=False, complain=said.append)
    assert said == [complaint.format(number, number)]
    assert [n for n, _ in host.plugins.manager.list_name_plugin()] == [f"good_{number}"]


def test_a_wrong_argument_is_refused_in_words() -> None:
    class Typo:
        @hookimpl
        def contribute(self, sesion: Any) -> None: ...

    said: list[str] = []
    Host([Typo()], external=False, complain=said.append)
    assert len(said) == 1 and said[0].startswith("plugin Typo: PluginValidationError: ") and "sesion" in said[0]


def test_what_distributions_offer_is_loaded_and_says_where_it_is_from(folder: Path) -> None:
    (folder / "theirs.py").write_text(GOOD)
    metadata = folder / "acme_plugin-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-plugin\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text("[mimocode]\nacme = theirs\ngone = no_such_module_here\n")
    said: list[str] = []
    host = Host([], complain=said.append)
    assert host.plugins.origins["acme"] == "acme-plugin 1.2"
    assert said == ["plugin gone: ModuleNotFoundError: No module named 'no_such_module_here'"]
    assert Host([], external=False, complain=said.append).plugins.origins == {}
