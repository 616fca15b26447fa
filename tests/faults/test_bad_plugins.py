"""Plugins that break at import, in every hook, or hang: `mimo run` still answers and names them on stderr."""

import pytest

from support.cli import Cli, Done

EVERY_HOOK = """
from mimocode import hookimpl, hookspecs

def breaking(name):
    def implementation():
        raise RuntimeError(f"broken {name}")
    implementation.__name__ = name
    return hookimpl(implementation)

for name, specification in list(vars(hookspecs).items()):
    if hasattr(specification, "deadline"):
        globals()[name] = breaking(name)
"""

IN_ONE_HOOK = """
import asyncio, time
from mimocode import hookimpl

@hookimpl
{way}def {hook}():
    {act}
"""


def answered(cli: Cli) -> Done:
    """A run that must end well whatever the plugins do."""
    done = cli("run", "-m", cli.scenario([{"text": "Still here."}]), "hi", timeout=40)
    assert (done.code, done.out) == (0, "Still here.\n"), done.err
    assert "Traceback" not in done.err
    return done


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import nothing_like_this", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("from mimocode import hookimpl\n@hookimpl\ndef contribut():\n    pass", "did you mean contribute"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_named(cli: Cli, source: str, why: str) -> None:
    cli.plugin("crooked", source)
    err = answered(cli).err
    assert "crooked" in err and why in err
    assert len([line for line in err.splitlines() if "crooked" in line]) == 1


def test_a_plugin_that_raises_in_every_hook_is_named_and_left_out(cli: Cli) -> None:
    cli.plugin("clumsy", EVERY_HOOK)
    err = answered(cli).err
    for hook in ("register_cli", "register_settings", "contribute", "take_input", "open_model", "before_stop"):
        assert f"broken {hook}" in err
    assert all("clumsy" in line for line in err.splitlines() if "broken" in line)


def test_a_guard_that_breaks_allows_nothing(cli: Cli) -> None:
    cli.plugin("clumsy", IN_ONE_HOOK.format(way="", hook="rule_on_call", act="raise RuntimeError('broken')"))
    steps = [{"calls": [{"name": "bash", "arguments": {"command": "touch made"}}]}, {"text": "${result}"}]
    done = cli("run", "--yolo", "-m", cli.scenario(steps), "hi")
    assert done.code == 0 and not (cli.project / "made").exists()
    assert "Denied" in done.out and "clumsy" in done.out


@pytest.mark.parametrize("hook", ["contribute", "on_event", "register_cli", "before_stop"])
def test_a_plugin_that_blocks_everything_is_stopped(cli: Cli, hook: str) -> None:
    cli.plugin("sleepy", IN_ONE_HOOK.format(way="", hook=hook, act="time.sleep(3600)"))
    done = answered(cli)
    assert "sleepy" in done.err and "blocked" in done.err
    assert done.seconds < 60


def test_a_plugin_that_blocks_at_import_is_stopped(cli: Cli) -> None:
    cli.plugin("sleepy", "import time\ntime.sleep(3600)")
    err = answered(cli).err
    assert "sleepy" in err and "blocked" in err


@pytest.mark.slow
@pytest.mark.parametrize("hook", ["contribute", "register_agents", "on_event"])
def test_a_plugin_that_never_answers_is_left_out(cli: Cli, hook: str) -> None:
    cli.plugin("waiting", IN_ONE_HOOK.format(way="async ", hook=hook, act="await asyncio.sleep(3600)"))
    done = answered(cli)
    assert "waiting" in done.err and "took longer" in done.err
    assert done.seconds < 60


@pytest.mark.parametrize(
    ("hook", "answer"),
    [
        ("contribute", "'Be nice.'"),
        ("contribute", "(1 / 0 for each in 'x')"),
        ("register_agents", "['x']"),
        ("before_stop", "42"),
        ("shape_prompt", "'short'"),
        ("contribute", "exec('raise SystemExit(3)')"),
    ],
)
def test_a_plugin_that_answers_something_else_is_named_and_left_out(cli: Cli, hook: str, answer: str) -> None:
    cli.plugin("clumsy", IN_ONE_HOOK.format(way="", hook=hook, act=f"return {answer}"))
    assert f"plugin clumsy: {hook} raised " in answered(cli).err


@pytest.mark.parametrize("name", ["run", "run now", "session"])
def test_a_command_of_a_name_that_is_taken_costs_no_other(cli: Cli, name: str) -> None:
    cli.plugin(
        "taker",
        f"""
from mimocode import hookimpl
async def run(args, host):
    return 0
@hookimpl
def register_cli(commands):
    commands.add({name!r}, "Mine", run)
""",
    )
    done = cli("session", "list") if name != "session" else cli("models")
    assert done.code == 0 and "conflicting" not in done.err and "Traceback" not in done.err


def test_pure_leaves_all_of_them_out(cli: Cli) -> None:
    cli.plugin("crooked", "1 / 0")
    done = cli("--pure", "run", "-m", cli.scenario([{"text": "ok"}]), "hi")
    assert (done.code, done.out) == (0, "ok\n") and "crooked" not in done.err
