"""The scripted model plays scenario files: what it says, how it goes on after a restart, what is wrong with a file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mimocode_plugins.providers.scripted as plugin
from mimocode.errors import MimoError, ModelError, ModelFault
from mimocode.events import CallDelta, ReasoningDelta, Say, TextDelta
from mimocode.host import Host
from mimocode.messages import Message, Reasoning, Text, ToolCall, Usage, assistant, user
from mimocode.ports import Answer, Prompt
from mimocode.testing import talk
from mimocode_plugins.providers.scripted.model import ScriptedModel, place
from mimocode_plugins.providers.scripted.scenario import Scenario, Step, load, shipped
from support.workshop import Workshop

YAML = r"""
title: Fix the bug
window: 5000
steps:
  - reasoning: Look first.
    text: I run  the tests.
    calls:
      - {name: bash, arguments: {command: "pytest ${HOME}", tries: 2}}
      - {name: bash, malformed: '{"comm'}
    usage: {input: 1800, output: 60, cache_read: 900}
  - cases:
      - when: 'File "(?P<file>[^"]+)", line (\d+)'
        text: It is in ${file}, line ${2}.
        calls: [{name: read, id: fixed-id, arguments: {paths: ["${file}"], note: "${prompt}"}}]
      - when: passed
        text: Nothing to do.
  - text: Done.
    finish: length
"""


def host_in(directory: Path) -> Host:
    return Host(
        ["mimocode_plugins.store.workspace", plugin],
        directory=directory,
        external=False,
        environ={"MIMOCODE_HOME": str(directory)},
    )


async def opened(directory: Path, text: str, name: str = "scene.yaml") -> ScriptedModel:
    (directory / name).write_text(text)
    model = await host_in(directory).model(f"scripted/{name}")
    assert isinstance(model, ScriptedModel)
    return model


async def ask(model: ScriptedModel, *messages: Message) -> tuple[list[Any], Answer]:
    *pulses, answer = [event async for event in model.stream(Prompt((), messages, session="s"))]
    assert isinstance(answer, Answer)
    return pulses, answer


def tool(call: ToolCall, text: str) -> Message:
    return Message("tool", (Text(text),), call_id=call.id)


async def test_a_scenario_is_played_word_by_word_and_reacts_to_tools(tmp_path: Path) -> None:
    model = await opened(tmp_path, YAML)
    assert (model.ref, model.window) == ("scripted/scene.yaml", 5000)
    go = user("Fix it")
    pulses, first = await ask(model, go)
    run, broken = first.message.calls
    assert pulses == [
        *(ReasoningDelta(word) for word in ("Look", " first.")),
        *(TextDelta(word) for word in ("I", " run", "  the", " tests.")),
        CallDelta(run.id, "bash"),
        CallDelta(run.id, "bash", '{"command":"pytest ${HOME}","tries":2}'),
        CallDelta(broken.id, "bash"),
        CallDelta(broken.id, "bash", '{"comm'),
    ]
    assert first == Answer(
        Message(
            "assistant",
            (
                Reasoning("Look first."),
                Text("I run  the tests."),
                ToolCall(run.id, "bash", {"command": "pytest ${HOME}", "tries": 2}),
                ToolCall(broken.id, "bash", {}, malformed='{"comm'),
            ),
        ),
        Usage(1800, 60, 900),
        "calls",
    )
    history = [go, first.message, tool(run, 'File "a.py", line 3'), tool(broken, 'File "b.py", line 4')]
    _, second = await ask(model, *history)
    read = ToolCall("fixed-id", "read", {"paths": ["b.py"], "note": "Fix it"})
    assert second.message == assistant("It is in b.py, line 4.", read)
    reminder = user("hurry", origin="plugin")
    _, third = await ask(model, *history, second.message, tool(read, "x"), reminder)
    assert (third.message, third.finish) == (assistant("Done."), "length")
    with pytest.raises(ModelError) as caught:
        await ask(model, *history, second.message, tool(read, "x"), third.message, reminder)
    assert str(caught.value) == "scenario scene.yaml has no step 4 (it has 3)"
    assert caught.value.fault == ModelFault.REQUEST


async def test_the_same_conversation_goes_on_the_same_way_after_a_restart(tmp_path: Path) -> None:
    before, after = await opened(tmp_path, YAML), await opened(tmp_path, YAML)
    assert await ask(before, user("Fix it")) == await ask(after, user("Fix it"))


async def test_ids_are_never_the_same_twice(tmp_path: Path) -> None:
    model = await opened(tmp_path, json.dumps({"steps": [{"calls": [{"name": "a"}, {"name": "b"}]}] * 3}), "s.json")
    messages, seen = [user("go")], []
    for turn in range(2):
        messages += [user("go")] * turn
        for _ in range(3):
            _, answer = await ask(model, *messages)
            seen += [call.id for call in answer.message.calls]
            messages += [answer.message, *(tool(call, "same") for call in answer.message.calls)]
    assert len(set(seen)) == len(seen) == 12


async def test_no_case_fits(tmp_path: Path) -> None:
    model = await opened(tmp_path, YAML)
    call = ToolCall("c", "bash")
    with pytest.raises(ModelError) as caught:
        await ask(model, user("Fix it"), assistant("", call), tool(call, "failed"))
    expected = (
        "scenario scene.yaml, step 2: the last tool result has no "
        r"""'File "(?P<file>[^"]+)", line (\\d+)' or 'passed': 'failed'"""
    )
    assert str(caught.value) == expected


async def test_turns_of_the_user_have_their_own_steps(tmp_path: Path) -> None:
    model = await opened(tmp_path, "turns: [[{text: one}], [{text: two}, {text: three}]]")
    one = [user("a"), assistant("one")]
    assert (await ask(model, user("a")))[1].message == assistant("one")
    assert (await ask(model, *one, user("b")))[1].message == assistant("two")
    with pytest.raises(ModelError, match=r"^scenario scene\.yaml has no step 2 in turn 1 \(it has 1\)$"):
        await ask(model, *one)
    with pytest.raises(ModelError, match=r"^scenario scene\.yaml has no turn 3 \(it has 2\): "):
        await ask(model, *one, user("b"), user("c"))


async def test_a_step_may_fail_always_or_a_few_times_at_once_or_in_the_middle(tmp_path: Path) -> None:
    error = {"fault": "rate", "message": "slow down", "status": 429, "retry_after": 2.5}
    steps = [{"text": "one two three", "error": error | {"after": 2, "times": 2}}, {"error": error}]
    model = await opened(tmp_path, json.dumps({"steps": steps}), "s.json")
    for _ in range(2):
        stream = model.stream(Prompt((), [user("go")]))
        assert [await anext(stream), await anext(stream)] == [TextDelta("one"), TextDelta(" two")]
        with pytest.raises(ModelError) as caught:
            await anext(stream)
        got = caught.value
        assert (str(got), got.fault, got.status, got.retry_after) == ("slow down", ModelFault.RATE, 429, 2.5)
    assert (await ask(model, user("go")))[1].message == assistant("one two three")
    for _ in range(3):
        with pytest.raises(ModelError, match=r"^slow down$"):
            await ask(model, user("go"), assistant("one two three"))


async def test_usage_is_estimated_when_it_is_not_given(tmp_path: Path) -> None:
    model = await opened(tmp_path, "steps: [{text: aaaa}, {text: b, usage: {cache_read: 7}}]")
    _, first = await ask(model, user("x" * 4000))
    _, second = await ask(model, user("x" * 4000), first.message)
    assert 1000 < first.usage.input < second.usage.input < 1100
    assert second.usage.cache_read == 7 and 0 < second.usage.output < 20


async def test_a_whole_session_is_played_with_real_tools(tmp_path: Path) -> None:
    steps = [
        {"text": "I look.", "calls": [{"name": "look", "arguments": {"what": "cup"}}]},
        {"cases": [{"when": "a (?P<thing>.+)", "text": "It is ${result}, a ${thing}."}, {"text": "Nothing."}]},
    ]
    (tmp_path / "s.json").write_text(json.dumps({"steps": steps}))
    host = Host(
        ["mimocode_plugins.store.workspace", plugin, Workshop()],
        directory=tmp_path,
        external=False,
        environ={"MIMOCODE_HOME": str(tmp_path)},
    )
    async with host.open(model="scripted/s.json") as session:
        for words in ("Go", "Again"):
            await session.submit(Say(words))
            await session.settled()
        heard = talk(session)
    turn = ["assistant: I look. look(what='cup')", "tool: a cup", "assistant: It is a cup, a cup."]
    assert heard == ["user: Go", *turn, "user: Again", *turn]


@given(st.lists(st.sampled_from(["user", "reminder", "assistant", "tool"])))
def test_the_place_counts_answers_since_the_user_spoke(kinds: list[str]) -> None:
    made = {"user": user("u"), "reminder": user("r", origin="p"), "assistant": assistant("a"), "tool": Message("tool")}
    turn, answers = place(Prompt((), [made[kind] for kind in kinds]))
    after = "".join(kind[0] for kind in kinds).rpartition("u")[2]
    assert (turn, answers) == (max(kinds.count("user") - 1, 0), after.count("a"))


async def test_the_shipped_scenarios_are_listed_and_can_be_opened(tmp_path: Path) -> None:
    host = host_in(tmp_path)
    infos = await host.models()
    assert [info.ref for info in infos] == sorted(f"scripted/{name}" for name in shipped())
    assert all(info.name and info.ready for info in infos)
    model = await host.model("scripted/hello")
    assert isinstance(model, ScriptedModel)
    assert (await anext(model.stream(Prompt((), [user("hi")])))) == TextDelta("Hello.")


async def test_files_may_be_absolute_and_below(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "s.json").write_text('{"steps": [{"text": "hi"}]}')
    for name in ("deep/s.json", f"{tmp_path}/deep/s.json", "./deep/s.json"):
        model = await host_in(tmp_path).model(f"scripted/{name}")
        assert isinstance(model, ScriptedModel)
        assert (await ask(model, user("go")))[1].message == assistant("hi")


async def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    host = host_in(tmp_path)
    with pytest.raises(ModelError) as caught:
        await host.model("scripted/nope")
    known = ", ".join(shipped())
    assert str(caught.value) == (
        f"no scenario named 'nope' is shipped; there is {known}; "
        "a file is named with its ending or a slash: scripted/./my.yaml"
    )
    with pytest.raises(ModelError) as caught:
        await host.model("scripted/nope.yaml")
    assert str(caught.value) == f"there is no scenario file {tmp_path}/nope.yaml"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("steps: [{txt: hi}]", "not a scenario: Object contains unknown field `txt` - at `$.steps[0]`"),
        ("steps: [{text: 3}]", "not a scenario: Expected `str`, got `int` - at `$.steps[0].text`"),
        ("steps: [{finish: end}]", "not a scenario: Invalid enum value 'end' - at `$.steps[0].finish`"),
        ("title: x", "a scenario has either `steps` or `turns`, and at least one"),
        ("{steps: [{}], turns: [[{}]]}", "a scenario has either `steps` or `turns`, and at least one"),
        ("steps: [{text: a, cases: [{}]}]", "step 1: `cases` stands alone"),
        ("steps: [{}, {cases: [{cases: [{}]}]}]", "step 2: a case has no `cases`"),
        ("turns: [[{when: '('}]]", "turn 1, step 1: `when` is not a regular expression: missing ), unterminated"),
        ("steps: [{pace: -1}]", "step 1: `delay` and `pace` are seconds, not less than 0"),
        ("", "not a scenario: Expected `object`, got `null`"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(MimoError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: {sentence}")


@pytest.mark.parametrize(
    ("name", "text", "where", "sentence"),
    [
        ("s.yaml", "steps:\n  - {text: a\n", ":3", "not YAML: "),
        ("s.json", "{", "", "not a scenario: Input data was truncated"),
    ],
)
def test_what_is_no_yaml_or_json_is_explained(tmp_path: Path, name: str, text: str, where: str, sentence: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(MimoError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}{where}: {sentence}")


def test_the_example_of_the_readme_is_a_scenario(tmp_path: Path) -> None:
    readme = (Path(plugin.__file__).parent / "README.md").read_text()
    path = tmp_path / "readme.yaml"
    path.write_text(readme.split("```yaml\n")[1].split("```")[0])
    scene = load(path)
    assert (scene.title, len(scene.steps), len(scene.steps[1].cases)) == ("Find a bug and fix it", 3, 2)
    for name in (*Step.__struct_fields__, *(f for f in Scenario.__struct_fields__)):
        assert f"`{name}`" in readme or f"{name}:" in readme


def test_importing_the_plugin_is_light() -> None:
    heavy = "{'yaml', 'httpx2', 'pydantic', 'mcp'}"
    paths = [str(Path(__file__).parents[3] / name) for name in ("kernel", "plugins")]
    code = f"import sys; sys.path[:0] = {paths!r}; import mimocode_plugins.providers.scripted; "
    code += f"print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
