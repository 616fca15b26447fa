"""What the user wants of the terminal: keys, files of wishes, vi, notifications."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.host import Host
from mimocode_plugins.ui.terminal.keymap import ACTIONS, bound, parsed, written
from mimocode_plugins.ui.terminal.notifying import notification, program
from mimocode_plugins.ui.terminal.notifying import run as notify
from mimocode_plugins.ui.terminal.slash import OURS
from mimocode_plugins.ui.terminal.status import branch_of
from mimocode_plugins.ui.terminal.tuning import Tuning, relaxed, tuned
from support.cli import Cli
from support.tty import Tty, terminal


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` in a home and a project of its own."""
    return Cli(tmp_path)


def idle(tty: Tty) -> None:
    """Wait until the prompt is empty and nothing runs."""
    tty.wait(lambda tty: "Say what to do" in "".join(tty.lines[-2:]) and "esc interrupts" not in tty.text)


@pytest.mark.parametrize(
    ("keys", "sequences"),
    [
        ("ctrl+p", [("c-p",)]),
        ("<leader>n,f4", [("c-x", "n"), ("f4",)]),
        ("alt+return", [("escape", "enter")]),
        ("shift+tab", [("s-tab",)]),
        ("none", []),
    ],
)
def test_keys_are_read_as_people_write_them(keys: str, sequences: list[tuple[str, ...]]) -> None:
    assert list(parsed(keys)) == sequences


def test_a_wish_that_cannot_be_granted_is_named_and_the_usual_key_stays() -> None:
    found, wrong = bound({"leader": "ctrl+g", "session_new": "super+n", "fly": "f3", "tool_details": "none"})
    assert wrong == [
        "keybinds: there is no action 'fly'",
        "keybinds: session_new: 'super' is no key that a terminal tells apart",
    ]
    assert (found["session_new"], found["tool_details"]) == ([("c-g", "n")], [])
    assert [written(keys) for keys in found["model_list"]] == ["Ctrl-G M", "F2"]


def test_every_action_has_a_command_that_exists_and_no_two_share_a_key() -> None:
    names = {name for one in OURS for name in (one.name, *one.aliases)} | {"share", "compact"}
    assert {action.does for action in ACTIONS if not action.does.startswith("/")} == {"agent-back", "commands", "paste"}
    assert {action.does[1:] for action in ACTIONS if action.does.startswith("/")} <= names
    keys = [keys for sequences in bound({})[0].values() for keys in sequences]
    assert len(keys) == len(set(keys))


def test_keys_of_actions_that_the_original_has_are_no_mistake() -> None:
    theirs = "session_interrupt messages_page_up input_newline variant_cycle sidebar_toggle history_next plugin_manager"
    assert bound(dict.fromkeys(theirs.split(), "f9")) == bound({})


def test_the_nearer_file_wins_and_old_settings_count_below_all(tmp_path: Path) -> None:
    root, home = tmp_path / "project", tmp_path / "home"
    inner = root / "src/deep"
    inner.mkdir(parents=True)
    (root / ".git").mkdir()
    (root / ".git/HEAD").write_text("ref: refs/heads/main\n")

    def put(path: Path, **wishes: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(wishes))

    def seen(trusted: bool = True) -> dict[str, object]:
        environ = {
            "HOME": str(home),
            "MIMOCODE_TUI_CONFIG": str(tmp_path / "own.json"),
            "MIMOCODE_CONFIG_DIR": str(tmp_path / "dir"),
        }
        plugins = [
            "mimocode_plugins.store.workspace",
            "mimocode_plugins.context.environment",
            "mimocode_plugins.ui.config",
        ]
        host = Host(plugins, directory=inner, external=False, environ=environ, complain=print, trusted=trusted)
        tuning = tuned(host)
        assert tuning.wrong == []
        return {**tuning.values, **tuning.keybinds}

    put(
        home / ".config/mimocode/mimocode.json",
        theme="old",
        tui={"diff_style": "stacked"},
        keybinds={"help_show": "f3"},
    )
    assert seen() == {"theme": "old", "diff_style": "stacked", "help_show": "f3"}
    order = [
        home / ".config/mimocode/tui.json", home / ".config/mimocode/tui.jsonc", tmp_path / "own.json",
        root / "tui.json", root / "src/tui.json", inner / "tui.jsonc",
        root / ".mimocode/tui.json", inner / ".mimocode/tui.json", tmp_path / "dir/tui.json",
    ]  # fmt: skip
    for path in order:
        put(path, theme=str(path), keybinds={"help_show": "f4"})
        assert seen()["theme"] == str(path)
    assert seen()["help_show"] == "f4"
    order[-1].unlink()
    assert seen(trusted=False)["theme"] == str(tmp_path / "own.json")


def test_files_of_wishes_may_have_comments_and_mistakes_are_named() -> None:
    tuning = Tuning()
    tuning.take(
        relaxed('{"diff_style": "stacked", // beside\n "tui": {"keymap": "vi",}, "mouse": true, "color": 1}'), "f"
    )
    tuning.take({"diff_style": "diagonal"}, "g")
    assert (tuning["diff_style"], tuning["keymap"], tuning["notify"]) == ("stacked", "vi", "auto")
    assert tuning.wrong == ["f: nobody knows 'color'", "g: diff_style must be one of auto, stacked"]


@given(st.text(st.sampled_from('ab/*,"\\\n }]'), max_size=30))
def test_strings_with_signs_of_comments_stay_what_they_are(text: str) -> None:
    assert relaxed(json.dumps({"a": [text]}) + " // the end") == {"a": [text]}


def test_what_was_chosen_is_kept(tmp_path: Path) -> None:
    store = tmp_path / "state/kv.json"
    Tuning(store=store).choose("theme", "nord")
    Tuning(store=store).choose("keymap", "vi")
    assert relaxed(store.read_text()) == {"theme": "nord", "keymap": "vi"}


@pytest.mark.parametrize(
    ("wish", "environ", "sequence"),
    [
        ("auto", {}, "\x07"),
        ("auto", {"TERM_PROGRAM": "iTerm.app"}, "\x1b]9;all, [2Jdone\x07\x07"),
        ("osc777", {}, "\x1b]777;notify;mimo;all, [2Jdone\x07\x07"),
        ("osc9", {"TMUX": "x"}, "\x1bPtmux;\x1b\x1b]9;all, [2Jdone\x07\x1b\\\x07"),
        ("off", {"TERM_PROGRAM": "iTerm.app"}, ""),
    ],
)
def test_notifications_go_the_way_the_terminal_understands(wish: str, environ: dict[str, str], sequence: str) -> None:
    assert notification("all; \x1b[2Jdone", wish, environ).replace("\u241b", "") == sequence


def test_the_desktop_is_told_by_a_program_where_the_terminal_only_rings(tmp_path: Path) -> None:
    (tmp_path / "notify-send").write_text('#!/bin/sh\nprintf "%s|" "$@" >"$(dirname "$0")/told"\n')
    (tmp_path / "notify-send").chmod(0o755)
    here = {"DISPLAY": ":0", "PATH": str(tmp_path)}
    command = program("-x <b>done</b>", "auto", here, "linux")
    assert command[1:] == ("--app-name=mimo", "--", "mimo", "-x &lt;b&gt;done&lt;/b&gt;")
    asyncio.run(notify(command))
    assert (tmp_path / "told").read_text() == "--app-name=mimo|--|mimo|-x &lt;b&gt;done&lt;/b&gt;|"
    asyncio.run(notify([str(tmp_path / "gone")]))
    for wish, environ in (
        ("auto", {**here, "TERM_PROGRAM": "ghostty"}),
        ("auto", {**here, "SSH_CONNECTION": "x"}),
        ("auto", {"PATH": str(tmp_path)}),
        ("bell", here),
        ("off", here),
        ("desktop", {"DISPLAY": ":0", "PATH": "/nowhere"}),
    ):
        assert program("done", wish, environ, "linux") == ()
    mac = program('say "hi"', "desktop", {}, "darwin")
    assert (mac[0], mac[-1]) == ("osascript", 'say "hi"')


def test_the_branch_is_read_from_a_clone_and_from_a_work_tree(tmp_path: Path) -> None:
    (tmp_path / "main/.git/worktrees/two").mkdir(parents=True)
    (tmp_path / "main/sub").mkdir()
    (tmp_path / "main/.git/HEAD").write_text("ref: refs/heads/feature/x\n")
    (tmp_path / "main/.git/worktrees/two/HEAD").write_text("0123456789abcdef\n")
    (tmp_path / "two").mkdir()
    (tmp_path / "two/.git").write_text("gitdir: ../main/.git/worktrees/two\n")
    assert (branch_of(tmp_path / "main/sub"), branch_of(tmp_path / "two")) == ("feature/x", "01234567")


def test_keys_of_ones_own_a_leader_and_vi(cli: Cli) -> None:
    config = cli.home / ".config/mimocode"
    config.mkdir(parents=True, exist_ok=True)
    (config / "tui.json").write_text('{"keymap": "vi", "keybinds": {"leader": "ctrl+g", "help_show": "f3"}, "x": 1}')
    with terminal(cli, "-m", "scripted/hello", columns=100, rows=60) as tty:
        tty.wait("nobody knows 'x'")
        idle(tty)
        tty.send("\x07s")
        tty.wait("• version")
        tty.send("\x1bOR")
        tty.wait("Ctrl-G S")
        tty.send("first second\x1b")
        tty.wait("❮ first second")
        tty.send("bD")
        tty.wait(lambda tty: any(line == "❮ first" for line in tty.lines))
        tty.send("Athird\r")
        tty.wait("Hello. I am")
        tty.wait(lambda tty: "❯ first third" in tty.lines)


def test_commands_are_listed_by_a_key_and_the_agent_goes_back(cli: Cli) -> None:
    with terminal(cli, "-m", "scripted/hello") as tty:
        idle(tty)
        tty.send("\x1b[Z")
        tty.wait(lambda tty: "Agent: " in tty.text and not tty.lines[-1].startswith("  build"))
        tty.send("\x10")
        tty.wait("/agents {2,}choose the agent")  # in columns


def test_a_question_rings_and_a_short_turn_does_not(cli: Cli) -> None:
    cli.settings(permission={"bash": "ask"})
    steps = [{"calls": [{"name": "bash", "arguments": {"command": "touch made"}}]}, {"text": "The end."}]
    with terminal(cli, "-m", cli.scenario(steps), "--prompt", "go", TERM_PROGRAM="iTerm.app") as tty:
        tty.wait("y once")
        tty.wait(lambda tty: b"\x1b]9;mimo asks whether it may use bash\x07" in tty.raw)
        tty.send("y")
        tty.wait("The end")
        idle(tty)
        assert tty.raw.count(b"\x1b]9;") == 1


def test_a_rule_is_written_by_hand_and_kept_for_the_project(cli: Cli) -> None:
    cli.settings(permission={"bash": "ask"})
    calls = [{"calls": [{"name": "bash", "arguments": {"command": f"touch {name}"}}]} for name in ("one", "two")]
    with terminal(cli, "-m", cli.scenario([*calls, {"text": "The end."}]), "--prompt", "go") as tty:
        tty.wait(r"e edit\s+that rule")
        tty.send("e")
        tty.wait("Enter allows it always by this rule")
        tty.wait("always bash: touch")
        tty.send("\x15\x0bbash: touch *\x0awebfetch: *\r")
        tty.wait(lambda tty: "The end" in tty.text or "y once" in "\n".join(tty.lines[-8:]))
        assert "'webfetch: *' is not remembered" in " ".join(tty.text.split())
    (kept,) = json.loads((cli.home / ".local/share/mimocode/approvals.json").read_text()).values()
    assert kept == ["bash: touch *"]


def test_what_is_allowed_everywhere_is_not_asked_in_another_project(cli: Cli, tmp_path: Path) -> None:
    cli.settings(permission={"bash": "ask"})
    steps = [{"calls": [{"name": "bash", "arguments": {"command": "touch one"}}]}, {"text": "The end."}]
    with terminal(cli, "-m", cli.scenario(steps), "--prompt", "go") as tty:
        tty.wait("u in all of yours")
        tty.send("u")
        tty.wait("The end")
    assert json.loads((cli.home / ".local/share/mimocode/approvals.json").read_text()) == {
        "*": ["bash: touch *", "edit: *"]
    }
    other = Cli(tmp_path)
    other.project = tmp_path / "other"
    other.project.mkdir()
    assert other("run", "-m", other.scenario(steps), "go").code == 0
    assert (other.project / "one").exists()


def test_agents_are_completed_after_a_dollar(cli: Cli) -> None:
    with terminal(cli, "-m", "scripted/hello") as tty:
        idle(tty)
        tty.send("let $expl")
        tty.wait(r"\$explore")
        tty.send("\t")
        tty.wait("❯ let \\$explore")
