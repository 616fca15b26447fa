"""See, explain and forget rules; questions that nobody answers."""

from __future__ import annotations

import json
from pathlib import Path

from mimocode.events import Noted, Notice, Say
from mimocode.hookspecs import hookimpl
from mimocode.messages import ToolCall
from mimocode.ports import Verdict
from mimocode.testing import play, talk
from mimocode_plugins.guard import permission
from mimocode_plugins.guard.permission.commands import slash
from mimocode_plugins.guard.permission.ruling import rule
from mimocode_plugins.guard.permission.waiting import slash as timeout
from mimocode_plugins.store import workspace
from support.cli import Cli

from .conftest import SPECS, Hands


def test_rules_are_listed_tested_and_forgotten(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    cli.settings(permission={"bash": {"make *": "ask", "curl *": "deny"}})
    data = cli.home / ".local/share/mimocode"
    data.mkdir(parents=True)
    (data / "approvals.json").write_text(json.dumps({str(cli.project): ["bash: make *"], "*": ["bash: npm run *"]}))
    listed = cli("permissions", "list").out
    assert 'bash "curl *" deny' in listed
    assert f"bash: make *  (you approved it in {cli.project})" in listed
    assert "bash: npm run *  (you approved it everywhere)" in listed
    said = [(cli("permissions", "test", text).code, text) for text in ("ls", "make x", "rm x", "curl x; ls")]
    assert said == [(0, "ls"), (0, "make x"), (1, "rm x"), (2, "curl x; ls")]
    assert cli("permissions", "remove", "bash: make *").code == 0
    assert cli("permissions", "test", "make x").out.splitlines()[0] == "asked"
    several = cli("permissions", "test", "git push --force; rm x").out.splitlines()
    assert several[0] == "asked (only a person may allow it)"
    assert all(line.startswith(("bash", "edit")) for line in several[1:]), "one reason, one line"
    assert cli("permissions", "remove", "bash: make *").code == 2
    for agent in ("plan", "explore"):
        tried = ("ls -la src", "git log | head", "touch x", "echo x > y", "make", "$X", "python3 -c 1")
        codes = [cli("permissions", "test", "--agent", agent, text).code for text in tried]
        assert codes == [0, 0, 2, 2, 2, 2, 2], agent


async def test_a_session_forgets_what_it_was_allowed(project: Path) -> None:
    said: list[str] = []

    class Screen:
        @hookimpl
        def on_event(self, event: object) -> None:
            if isinstance(event, Notice):
                said.append(event.text)

    async with play(plugins=[workspace, permission, Screen()], directory=project) as session:
        session.toolbox.specs.update(SPECS)
        outside = ToolCall("1", "shell", {"command": "cat /etc/passwd"})
        await session.emit(Noted("permission", {"allow": ["external_directory: /etc/*"]}))
        assert rule(outside, session).verdict is Verdict.ALLOW
        await slash("", session)
        assert "external_directory: /etc/*  (you approved it in session" in said[-1]
        await slash("forget external_directory: /etc/*", session)
        assert rule(outside, session).verdict is Verdict.ASK
        await slash("test rm x", session)
        assert said[-1].splitlines()[0] == "asked (only a person may allow it)"
        await slash("dance", session)
        assert said[-1].startswith("say: ")
        await timeout("soon", session)
        assert said[-1].startswith("say how many seconds")


async def test_a_question_that_nobody_answers_is_a_no_that_does_not_end_the_turn(project: Path) -> None:
    hands = Hands()
    calls = [ToolCall("1", "shell", {"command": "rm x"})]
    async with play(
        calls, "Then not.", plugins=[workspace, permission, hands], directory=project, allow=None
    ) as session:
        await timeout("0.05", session)
        await session.submit(Say("go"))
        await session.settled()
        assert talk(session)[2].startswith("tool: Denied: Nobody answered within 0.05 seconds.")
        assert talk(session)[3] == "assistant: Then not."
    assert hands.ran == []
