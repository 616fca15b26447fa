"""mimo audit: what a session did, who allowed it, and that the log says so unedited."""

from __future__ import annotations

from pathlib import Path

from support.cli import Cli


def acted(cli: Cli) -> None:
    def step(name: str, **arguments: object) -> dict[str, object]:
        return {"calls": [{"name": name, "arguments": arguments}]}

    steps = [
        step("bash", command="echo one && false"),
        step("write", file_path="a.txt", content="x"),
        step("bash", command="echo x > b.txt"),
        step("bash", command="pip install --dry-run --no-index nothing"),
        step("bash", command="curl http://127.0.0.2:1/"),
        step("bash", command="rm -rf a.txt"),
        step("read", file_path="a.txt"),
        {"text": "Done."},
    ]
    cli.settings(permission={"bash": {"pip *": "deny"}}, sandbox={"enabled": False})
    assert cli("run", "-m", cli.scenario(steps), "Go").code == 0


def test_every_act_has_its_decision_rule_and_result(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    acted(cli)
    done = cli("audit", "last", "--json")
    told = [(a["kinds"], a["what"], a["decision"], a["result"].partition(":")[0]) for a in done.lines]
    assert told == [
        (["command"], ["echo one && false"], "allowed", "exit code 1"),
        (["file"], ["a.txt"], "allowed", "done"),
        (["command", "file"], ["echo x > b.txt"], "allowed", "exit code 0"),
        (["command", "install", "network"], ["pip install --dry-run --no-index nothing"], "denied", "did not run"),
        (["command", "network"], ["curl http://127.0.0.2:1/"], "asked, refused", "did not run"),
        (["command", "file"], ["rm -rf a.txt"], "asked, refused", "did not run"),
    ]
    assert [bool(a["started"]) for a in done.lines] == [True, True, True, False, False, False]
    assert 'rule bash "pip *" deny' in done.lines[3]["rule"]
    assert done.lines[2]["touched"]["edit"] == ["b.txt"]
    assert "log intact" in done.err


def test_people_read_one_act_after_the_other(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    acted(cli)
    done = cli("audit")
    assert done.out.splitlines()[1:5] == [
        "  what      echo one && false",
        "  decision  allowed",
        '  rule      bash "echo one" is allowed: rule * "*" allow (default)',
        "  result    exit code 1",
    ]
    assert done.out.count("result") == 6


def test_a_session_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    done = Cli(tmp_path)("audit", "ses_nothing")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_what_was_taken_back_and_put_back_happened_once(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    acted(cli)
    before = cli("audit", "--json").lines
    assert cli("undo", "--yes").code == 0
    assert cli("redo", "--yes").code == 0
    assert cli("audit", "--json").lines == before
