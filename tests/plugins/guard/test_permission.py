"""Permission: the strictest rule about anything that a call touches."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mimocode.errors import ToolFailed
from mimocode.events import ApprovalAsked, ApprovalGiven, Noted, Say
from mimocode.hookspecs import hookimpl
from mimocode.host import Host
from mimocode.messages import ToolCall
from mimocode.ports import Agent, Places, Ruling, Setting, Verdict, Workspace
from mimocode.session import Session
from mimocode.testing import play, talk
from mimocode_plugins.guard import permission
from mimocode_plugins.guard.permission.ruling import judge, rule
from mimocode_plugins.guard.policy import offered
from mimocode_plugins.guard.rules import accepted, last_match
from mimocode_plugins.store import workspace

from .conftest import SPECS, Answers, Hands


@asynccontextmanager
async def working(project: Path, agent: dict[str, Any] | None = None, **options: Any) -> AsyncIterator[Session]:
    """A session whose settings hold `permission` (and `tools`), if the test gives them."""
    wanted = {key: options.pop(key) for key in ("permission", "tools") if key in options}
    home = Path(os.environ["MIMOCODE_HOME"]) / "config"
    home.mkdir(parents=True, exist_ok=True)
    (home / "mimocode.json").write_text(json.dumps(wanted))
    cast = Agent("build", options=agent or {})
    async with play(plugins=[workspace, permission], directory=project, agent=cast, **options) as session:
        session.toolbox.specs.update(SPECS)
        yield session


def shell(command: str) -> ToolCall:
    return ToolCall("1", "shell", {"command": command})


async def verdicts(session: Session, *texts: str) -> list[str]:
    return [rule(shell(text), session).verdict.name for text in texts]


async def test_by_default_work_in_the_project_is_allowed_and_its_edges_ask(project: Path) -> None:
    (project / "link").symlink_to("/etc")
    calls = {
        "look a.py": ToolCall("1", "look", {"file_path": "a.py"}),
        "change a.py": ToolCall("1", "change", {"file_path": "src/a.py"}),
        "look .env": ToolCall("1", "look", {"file_path": str(project / ".env")}),
        "look .env.example": ToolCall("1", "look", {"file_path": ".env.example"}),
        "look outside": ToolCall("1", "look", {"file_path": "/etc/passwd"}),
        "look through a link": ToolCall("1", "look", {"file_path": "link/passwd"}),
        "look beside": ToolCall("1", "look", {"file_path": f"{project}-evil/x"}),
        "look up": ToolCall("1", "look", {"file_path": "../x"}),
        "camel case": ToolCall("1", "look", {"file_path": "a.py", "filePath": "/etc/passwd"}),
        "strange": ToolCall("1", "strange", {}),
        "learn": ToolCall("1", "learn", {"name": "compose:plan"}),
    }
    async with working(project) as session:
        assert {name: rule(call, session).verdict.name for name, call in calls.items()} == {
            "look a.py": "ALLOW",
            "change a.py": "ALLOW",
            "look .env": "ASK",
            "look .env.example": "ALLOW",
            "look outside": "ASK",
            "look through a link": "ASK",
            "look beside": "ASK",
            "look up": "ASK",
            "camel case": "ASK",
            "strange": "ALLOW",
            "learn": "DENY",
        }


async def test_a_pattern_reaches_as_far_as_a_path_does(project: Path) -> None:
    patterns = ["**/*.py", "src/*", "/etc/*.conf", "~/.ssh/*", "/*", f"{project}/*", f"{project}/../*", "../*"]
    async with working(project) as session:
        rulings = [rule(ToolCall("1", "find", {"pattern": p}), session).verdict.name for p in patterns]
        assert rulings == ["ALLOW", "ALLOW", "ASK", "ASK", "ASK", "ALLOW", "ASK", "ASK"]


async def test_a_name_that_no_file_can_have_is_the_models_mistake_not_ours(project: Path) -> None:
    async with working(project) as session:
        for name in ("a\0b", "a\ud800b"):
            with pytest.raises(ToolFailed, match="cannot be a path on this system"):
                rule(ToolCall("1", "look", {"file_path": name}), session)


async def test_our_own_output_and_memory_are_open(project: Path, home: Path) -> None:
    async with working(project) as session:
        kept = ToolCall("1", "look", {"file_path": str(home / "data/tool-output/tool_1")})
        other = ToolCall("1", "look", {"file_path": str(home / "data/auth.json")})
        assert rule(kept, session).verdict is Verdict.ALLOW
        assert rule(other, session).verdict is Verdict.ASK


async def test_the_reason_names_key_pattern_action_and_origin(project: Path, home: Path) -> None:
    file = f"{home}/config/mimocode.json:1"
    async with working(project, permission={"bash": {"git push *": "ask", "curl *": "deny"}}) as session:
        assert rule(shell("git  push origin"), session) == Ruling(
            Verdict.ASK,
            f'bash "git push origin" needs approval: rule bash "git push *" ask ({file})',
            ("bash: git push *",),
        )
        assert rule(shell("ls && curl x"), session) == Ruling(
            Verdict.DENY, f'bash "curl x" is denied: rule bash "curl *" deny ({file})'
        )


async def test_every_simple_command_counts_however_it_is_written(project: Path) -> None:
    rules = {"bash": {"*": "ask", "git *": "allow", "ls *": "allow", "curl *": "deny"}}
    async with working(project, permission=rules) as session:
        assert await verdicts(session, "git log", "ls -la; git diff | git apply", "git log > out.txt") == ["ALLOW"] * 3
        asked = ["git log && make", "git log; make", "git log | make", "git log & make", "git log\nmake"]
        asked += ["git log $(make)", "git log `make`", "git log <(make)", "PAGER=x git log", "sudo git log"]
        asked += ["git -c core.pager=x log", "git log > /etc/x", "git log > $X", "ls /x; if true; then ls; fi"]
        assert await verdicts(session, *asked) == ["ASK"] * len(asked)
        denied = ["ls; curl x", "c\\url x", "'curl' x", "/usr/bin/curl x", "X=1 curl x", "sudo curl x", "ls $(curl x)"]
        denied += ["xargs -n 1 curl", "find . -exec curl {} \\;", "bash -c 'curl x'", "if curl x; then ls; fi"]
        assert await verdicts(session, *denied) == ["DENY"] * len(denied)


async def test_redirections_are_edits(project: Path) -> None:
    async with working(project, permission={"edit": {"*": "allow", ".mimocode/*": "deny"}}) as session:
        assert await verdicts(session, "echo x > a", "echo x > .mimocode/m.json", "echo x >> /tmp/../etc/x") == [
            "ALLOW",
            "DENY",
            "ASK",
        ]
        assert await verdicts(session, "cat .env", "cat < .env", "cd .. && cat x", "cat x 2>/dev/null") == [
            "ASK",
            "ASK",
            "ASK",
            "ALLOW",
        ]


async def test_the_arguments_of_file_commands_are_edits(project: Path) -> None:
    (project / "src").mkdir()
    (project / "src/secret.py").write_text("x")
    rules = {"edit": {"*": "allow", "docs/*": "deny", "src/secret.py": "deny"}}
    denied = ["cp a docs/b", "mv docs/a b", "tee docs/a", "tee -a x docs/a", "dd if=a of=docs/b", "ln -s a docs/b"]
    denied += [
        "install -m 600 a docs/b",
        "sed -i s/a/b/ docs/x",
        "sed -i.bak -e s/a/b/ docs/x",
        "touch docs/a",
        "cd docs && touch a",
    ]
    denied += [
        "cp a b -t docs",
        "cp --target-directory=docs a",
        "perl -pi -e s/a/b/ docs/x",
        "truncate -s 0 docs/a",
        "sort a -o docs/b",
    ]
    denied += [
        "sed -i s/a/b/ src/*.py",
        "curl -o docs/a http://localhost",
        "sudo cp a docs/b",
        "find . -exec cp a docs/b \\;",
    ]
    allowed = [
        "cp docs/a b",
        "sed -n 1p docs/a",
        "cat docs/a",
        "sed -i s/a/b/ x",
        "git config user.name me",
        "sed s/a/b/ docs/a",
    ]
    asked = [
        "git config core.editor x",
        "cp a ../b",
        "ln -s /etc/x",
        "touch $F",
        "mkdir /x",
        "tar xf a -C /x",
        "rsync a /x/y",
        "ls /x",
    ]
    async with working(project, permission=rules) as session:
        assert dict(zip(denied, await verdicts(session, *denied), strict=True)) == dict.fromkeys(denied, "DENY")
        assert dict(zip(allowed, await verdicts(session, *allowed), strict=True)) == dict.fromkeys(allowed, "ALLOW")
        assert dict(zip(asked, await verdicts(session, *asked), strict=True)) == dict.fromkeys(asked, "ASK")


async def test_variables_that_decide_what_runs_are_asked(project: Path) -> None:
    asked = [
        "LD_PRELOAD=x ls",
        "PATH=. ls",
        "export PATH=.",
        "env BASH_ENV=x ls",
        "GIT_PAGER=./x git log",
        "PATH=.; ls",
    ]
    allowed = [
        "FOO=1 ls",
        "PYTHONPATH=src pytest",
        "PAGER=cat git log",
        "export FOO=1 && make",
        "GIT_EDITOR=true git rebase",
    ]
    async with working(project) as session:
        assert dict(zip(asked, await verdicts(session, *asked), strict=True)) == dict.fromkeys(asked, "ASK")
        assert dict(zip(allowed, await verdicts(session, *allowed), strict=True)) == dict.fromkeys(allowed, "ALLOW")


async def test_what_leaves_the_machine_is_asked_unless_a_rule_speaks_of_it(project: Path) -> None:
    texts = [
        "curl https://x",
        "curl localhost:3000",
        "curl http://127.0.0.1:80/a",
        "scp a b:c",
        "git push",
        "curl -x p localhost",
    ]
    async with working(project) as session:
        assert await verdicts(session, *texts) == ["ASK", "ALLOW", "ALLOW", "ASK", "ALLOW", "ASK"]
    async with working(project, permission={"bash": {"curl *": "allow"}}) as session:
        assert await verdicts(session, *texts) == ["ALLOW", "ALLOW", "ALLOW", "ASK", "ALLOW", "ALLOW"]
    async with working(project, permission={"egress": "deny"}, yolo=True) as session:
        assert await verdicts(session, *texts) == ["DENY", "ALLOW", "ALLOW", "DENY", "ALLOW", "DENY"]


DESTRUCTIVE = [
    "rm x",
    "rm -rf ~",
    "rm -rf $HOME/",
    "rm -rf /",
    "/bin/rm -r x",
    "r\\m x",
    "sudo rm x",
    "ls && rmdir x",
    "ls | xargs rm",
    "find / -delete",
    "find . -exec rm {} +",
    "git reset --hard HEAD~1",
    "git -C x reset --hard",
    "git clean -fdx",
    "git push --force",
    "git push -f origin",
    "git push origin +main",
    "git push origin :main",
    "git branch -D x",
    "git tag -d v1",
    "git stash drop",
    "git stash clear",
    "git worktree remove x",
    "git checkout -- .",
    "git restore x",
    "dd if=/dev/zero of=/dev/sda",
    "mkfs.ext4 /dev/sda1",
    "echo x > /dev/sda",
    ":(){ :|:& };:",
    "eval 'rm x'",
    "echo $(rm x)",
    "for f in *; do rm $f; done",
    "bash -c 'rm -rf x'",
    "chmod -R 777 /",
    "unlink x",
    "shred x",
    "rm -rf /tmp",
    "rm -rf /tmp/*",
    "rm -rf /tmp/$X",
    "rm -rf /tmp/x ~",
    "rm -- /tmp/x/y -z",
    "cd ~ && rm -rf x",
]


async def test_what_destroys_asks_in_every_mode(project: Path) -> None:
    for options in ({}, {"yolo": True}, {"permission": "allow"}, {"permission": {"bash_delete": "allow"}}):
        async with working(project, **options) as session:
            await session.emit(Noted("permission", {"allow": ["bash_delete: *", "bash: *", "*: *"]}))
            rulings = {text: rule(shell(text), session) for text in DESTRUCTIVE}
            assert {t: r.verdict.name for t, r in rulings.items()} == dict.fromkeys(DESTRUCTIVE, "ASK")
            assert {r.offer for r in rulings.values()} == {()}


async def test_deletions_can_be_approved_for_a_run_or_forbidden_altogether(project: Path) -> None:
    async with working(project, auto_delete=True) as session:
        assert await verdicts(session, "rm x", "git reset --hard") == ["ALLOW", "ALLOW"]
    async with working(project, auto_delete=True, permission={"bash_delete": "deny"}) as session:
        assert await verdicts(session, "rm x") == ["DENY"]


HARMLESS = ["git reset --soft HEAD~1", "git clean -n", "git push origin main", "git branch -d x", "git checkout main"]
HARMLESS += [
    "git stash pop",
    "find . -name x",
    "dd if=a of=b",
    "rm --help",
    "echo rm",
    "grep -rf rm x",
    "git restore --staged x",
]


async def test_what_does_not_destroy_does_not_ask(project: Path) -> None:
    async with working(project) as session:
        assert dict(zip(HARMLESS, await verdicts(session, *HARMLESS), strict=True)) == dict.fromkeys(HARMLESS, "ALLOW")


async def test_scratch_files_in_a_temporary_directory_may_go(tmp_path: Path, project: Path) -> None:
    scratch = Path("/tmp/mimocode-guard-scratch")
    async with working(project, permission={"external_directory": "allow"}) as session:
        assert await verdicts(session, f"rm -rf {scratch}/x", f"rm {scratch}/*.log", "rm -rf /tmp/../etc") == [
            "ALLOW",
            "ALLOW",
            "ASK",
        ]
        # the project itself lies under the temporary directory here, and so does what holds it
        assert (
            await verdicts(session, f"rm -rf {project}/x", f"rm -rf {tmp_path}", f"cd {scratch}; rm x") == ["ASK"] * 3
        )


async def test_yolo_answers_questions_but_no_denials(project: Path) -> None:
    rules = {"bash": {"*": "ask", "curl *": "deny"}, "read": {"*.pem": "deny"}}
    async with working(project, yolo=True, permission=rules) as session:
        texts = ["make", "if make; then ls; fi", "cat /etc/passwd", "curl x", "if curl x; then ls; fi", "cat a.pem"]
        assert await verdicts(session, *texts) == ["ALLOW", "ALLOW", "ALLOW", "DENY", "DENY", "DENY"]


async def test_skipping_permissions_lies_under_the_rules(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMOCODE_DANGEROUSLY_SKIP_PERMISSIONS", "true")
    async with working(project, permission={"bash": {"make *": "ask"}}) as session:
        assert await verdicts(session, "cat /etc/passwd", "rm x", "make") == ["ALLOW", "ALLOW", "ASK"]


async def test_what_an_agent_denies_no_broader_setting_allows(project: Path) -> None:
    own = {"permission": {"edit": {"*": "deny", ".mimocode/plans/*.md": "allow"}, "question": "allow"}}
    change = [ToolCall("1", "change", {"file_path": p}) for p in ("a.py", ".mimocode/plans/1.md")]
    async with working(project, own, permission="allow", yolo=True) as session:
        assert [rule(call, session).verdict.name for call in change] == ["DENY", "ALLOW"]
        assert await verdicts(session, "echo x > a.py") == ["DENY"]


async def test_a_denial_in_the_settings_survives_an_agent_that_allows(project: Path) -> None:
    own = {"permission": {"*": "deny", "bash": "allow", "read": "allow"}}
    async with working(project, own, permission={"bash": {"curl *": "deny"}}) as session:
        assert await verdicts(session, "ls", "curl x") == ["ALLOW", "DENY"]
        assert [offered(SPECS[name], session) for name in ("look", "change", "shell", "strange")] == [
            True,
            False,
            True,
            False,
        ]


async def test_tools_switched_off_are_denied_and_hidden(project: Path) -> None:
    async with working(project, tools={"write": False, "strange": False}) as session:
        change = ToolCall("1", "change", {"file_path": "a"})
        assert rule(change, session).verdict is Verdict.DENY
        assert [offered(SPECS[name], session) for name in ("change", "strange", "look")] == [False, False, True]


async def test_a_rule_that_makes_no_sense_allows_nothing(project: Path) -> None:
    hands = Hands()
    own = Agent("build", options={"permission": {"bash": "perhaps"}})
    calls = [ToolCall("1", "shell", {"command": "ls"})]
    async with play(calls, "ok", plugins=[workspace, permission, hands], directory=project, agent=own) as session:
        await session.submit(Say("go"))
        await session.settled()
        assert talk(session)[2] == "tool: Denied: agent build: permission.bash is 'perhaps': say allow, ask or deny"
    assert hands.ran == []


async def test_a_project_can_tighten_and_only_a_trusted_one_can_loosen(project: Path) -> None:
    """Attack case 4: the repository brings settings that approve themselves."""
    wishes = {"external_directory": "allow", "bash_delete": "allow", "bash": {"*": "allow", "make *": "deny"}}
    (project / "mimocode.json").write_text(json.dumps({"permission": wishes, "tools": {"strange": False}}))
    texts = ("curl x", "git log", "make x", "cat /etc/passwd", "rm x")
    for trusted, expected in ((False, "DENY ASK DENY ASK ASK"), (True, "ASK ALLOW DENY ALLOW ASK")):
        async with working(project, permission={"bash": {"*": "ask", "curl *": "deny"}}) as session:
            session.host.trusted = trusted
            assert " ".join(await verdicts(session, *texts)) == expected
            assert not offered(SPECS["strange"], session)
            assert rule(ToolCall("1", "strange", {}), session).reason.endswith(f"({project}/mimocode.json:1)")


async def test_a_workspace_that_shows_no_layers_can_only_tighten_until_it_is_trusted(project: Path) -> None:
    class Flat(dict[str, Any]):
        claims: ClassVar[dict[str, Setting]] = {}
        ignored: ClassVar[list[str]] = []

    class Elsewhere:
        @hookimpl
        def open_workspace(self, host: Host) -> Workspace:
            said = Flat(permission={"bash": {"make *": "deny"}, "external_directory": "allow"}, model="script/lines")
            return Workspace(host.directory, Places(*[host.directory] * 4), lambda *_: said)

    for trusted, expected in ((False, ["DENY", "ASK"]), (True, ["DENY", "ALLOW"])):
        async with play(plugins=[permission, Elsewhere()], directory=project) as session:
            session.host.trusted = trusted
            session.toolbox.specs.update(SPECS)
            assert await verdicts(session, "make", "cat /etc/passwd") == expected


async def test_an_agent_of_the_settings_wins_over_the_rest_of_the_settings(project: Path, home: Path) -> None:
    (home / "config").mkdir(parents=True)
    (project / "mimocode.json").write_text('{"agent": {"build": {"permission": {"bash": "allow"}}}}')

    class Agents:
        @hookimpl
        def register_settings(self) -> list[Setting]:
            return [Setting("agent", dict[str, Any], {}, "Agents.")]

    said = {"permission": {"bash": "ask"}, "agent": {"build": {"permission": {"bash": {"git *": "allow"}}}}}
    (home / "config" / "mimocode.json").write_text(json.dumps(said))
    async with play(plugins=[workspace, permission, Agents()], directory=project, agent=Agent("build")) as session:
        session.toolbox.specs.update(SPECS)
        assert await verdicts(session, "git log", "make") == ["ALLOW", "ASK"]


WORDS = st.sampled_from(
    ["git", "push", "npm", "run", "ls", "a b", "*.py", "a?b", "it's", "-m", "x=1", "[z]", "ü", "\\n"]
)
SIMPLE = st.lists(WORDS, min_size=1, max_size=4).map(
    lambda ws: " ".join("'" + w.replace("'", "'\\''") + "'" for w in ws)
)
JOINED = st.lists(
    st.tuples(SIMPLE, st.sampled_from([" && ", "; ", "\n", "  | ", " > out; ", " <<'E'\nx\nE\n"])),
    min_size=1,
    max_size=4,
).map(lambda parts: "cd x && A=1 " + "".join(a + b for a, b in parts) + "true")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=JOINED | SIMPLE | st.sampled_from(["if true; then ls; fi", "echo $((1))", "for f in *; do cat $f; done"]))
async def test_always_sticks(text: str, project: Path) -> None:
    """The rules offered for a command, once accepted, allow the same command (demands.md C 17)."""
    async with working(project, permission={"bash": "ask", "edit": "ask", "external_directory": "ask"}) as session:
        asked = rule(shell(text), session)
        assert asked.verdict is Verdict.ASK
        assert asked.offer
        given = accepted(asked.offer, "you")
        for each in judge(shell(text), session):
            touch = each.touch
            if each.decision.verdict is Verdict.ASK and not touch.literal:
                assert last_match(given, touch.key, touch.pattern)
        await session.emit(Noted("permission", {"allow": list(asked.offer)}))
        assert rule(shell(text), session).verdict is Verdict.ALLOW


async def test_who_is_asked_because_of_a_name_allows_that_name_only(project: Path) -> None:
    """One `.env` that may be read does not open all keys there are."""
    (project / "sub").mkdir()
    for name in (".env", "sub/.env"):
        (project / name).touch()
    calls = [ToolCall("1", "look", {"file_path": name}) for name in (".env", "sub/.env")]
    async with working(project) as session:
        asked = rule(calls[0], session)
        assert (asked.verdict, asked.offer) == (Verdict.ASK, (f"read: {project}/.env",))
        await session.emit(Noted("permission", {"allow": list(asked.offer)}))
        assert [rule(call, session).verdict.name for call in calls] == ["ALLOW", "ASK"]
    async with working(project, permission={"read": "ask"}) as session:
        assert rule(ToolCall("1", "look", {"file_path": "a.py"}), session).offer == ("read: *",)


@pytest.mark.parametrize("remember", ["", "session", "project", "user"])
async def test_an_approval_lasts_as_long_as_the_user_said(project: Path, home: Path, remember: str) -> None:
    rules = {"bash": {"*": "ask", "curl *": "deny"}}
    async with working(project, permission=rules) as session:
        call = ToolCall("7", "shell", {"command": "git push origin"})
        ruling = rule(call, session)
        await session.emit(ApprovalAsked(call, ruling.reason, ruling.offer))
        await session.emit(ApprovalGiven("7", True, "", remember))
        again = await verdicts(session, "git push --tags", "git pull", "git push; curl x")
        assert again == ["ALLOW" if remember else "ASK", "ASK", "DENY"]
    kept = home / "data" / "approvals.json"
    assert kept.exists() is (remember in ("project", "user"))
    if kept.exists():
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    async with working(project, permission=rules) as later:
        assert await verdicts(later, "git push x") == ["ALLOW" if kept.exists() else "ASK"]
    other = project.parent / "other"
    other.mkdir()
    async with working(other, permission=rules) as elsewhere:
        assert await verdicts(elsewhere, "git push x") == ["ALLOW" if remember == "user" else "ASK"]


async def test_a_refused_call_does_not_run_and_the_turn_goes_on(project: Path) -> None:
    """The story: asked, refused, told, done."""
    hands, user = Hands(), Answers("not my home")
    calls = [ToolCall("1", "shell", {"command": "rm -rf ~"}), ToolCall("2", "shell", {"command": "ls"})]
    plugins = [workspace, permission, hands, user]
    async with play(calls, "I left it alone.", plugins=plugins, directory=project, allow=None) as session:
        await session.submit(Say("clean up"))
        await session.settled()
        assert talk(session)[2:] == ["tool: Denied: not my home", "tool: done", "assistant: I left it alone."]
    assert [asked.reason for asked in user.asked] == [
        'bash_delete "rm -rf ~" needs approval: it destroys what cannot be brought back, which no rule allows'
    ]
    assert hands.ran == ["ls"]


async def test_a_home_that_lies_in_a_temporary_directory_is_no_rubbish(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers and tests have such homes; what is deleted there is gone all the same."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    async with play("ok", plugins=[workspace, permission, Hands()], directory=project) as session:
        await session.toolbox.ready()
        for text in ("rm -rf ~", "rm -rf ~/notes", f"rm -r {tmp_path}"):
            assert rule(shell(text), session).verdict.name == "ASK", text
