"""Every tool that a model is offered does its work in a real run: the real command line, all plugins, real files."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import mimocode_plugins
from support.cli import Cli

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+M8AAAMBAQDJ/pLvAAAAAElFTkSuQmCC")
NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [{"cell_type": "markdown", "id": "top", "metadata": {}, "source": "# One"}],
}
PATCH = "*** Begin Patch\n*** Add File: added.txt\n+new\n*** Update File: a.txt\n@@\n-uno\n+eins\n*** End Patch"

STORY: list[tuple[str, dict[str, Any], str]] = [
    ("write", {"file_path": "a.txt", "content": "one\ntwo\n"}, r"Wrote file successfully\."),
    ("read", {"file_path": "a.txt"}, r"<type>file</type>\n<content>\n1: one\n2: two\n\n\(End, 2 lines\.\)"),
    ("read", {"file_path": "."}, r"<type>directory</type>\n<content>\n\.git/\na\.txt"),
    ("read", {"file_path": "n.ipynb"}, r"<type>notebook</type>\n<content>\n--- #0 markdown id=top ---\n# One"),
    ("read", {"file_path": "p.png"}, r"<type>image</type>"),
    ("edit", {"file_path": "a.txt", "old_string": "one", "new_string": "uno"}, r"^Replaced 1 place\."),
    ("apply_patch", {"patch_text": PATCH}, r"A added\.txt\nM a\.txt"),
    ("tool_search", {"query": "multiedit notebook_edit"}, r"multiedit"),
    (
        "multiedit",
        {
            "file_path": "a.txt",
            "edits": [{"old_string": "eins", "new_string": "1"}, {"old_string": "1", "new_string": "I"}],
        },
        r"^Replaced 2 places in 2 edits\.",
    ),
    ("notebook_edit", {"notebook_path": "n.ipynb", "cell_id": "top", "new_source": "# Two"}, r"Replaced cell #0\."),
    ("bash", {"command": "cat a.txt", "description": "Show it"}, r"^I\ntwo"),
    ("bash", {"command": "echo begun; sleep 600", "run_in_background": True}, r"^Started as job1 "),
    ("jobs", {"operation": "list"}, r"^job1: running for \d+ s: "),
    ("jobs", {"operation": "kill", "id": "job1"}, r"\(job1: ended by signal 15 "),
    ("exec", {"code": "print(tools.glob(pattern='*.txt').count('.txt'))"}, r"^2$"),
    ("glob", {"pattern": "*.txt"}, r"project/a\.txt"),
    ("grep", {"pattern": "tw."}, r"Found 1 match\n\n\S+/project/a\.txt:\n  Line 2: two"),
    ("view_image", {"path": "p.png"}, r"p\.png: 69 bytes of image/png, 1 x 1 pixels, attached\."),
    ("change_directory", {"path": "sub"}, r"Working in \S+/project/sub now\."),
    ("change_directory", {"path": "~"}, r"Working in \S+/project now\."),
    ("webfetch", {"url": "http://127.0.0.1:9/"}, r"not on the public internet and is not fetched"),
    ("websearch", {"query": "mimo"}, r"^No search service is set up\. The user can set one: [^\0]*webfetch reads it"),
    ("codesearch", {"query": "httpx", "tokensNum": 2000}, r"^codesearch needs a key of Exa"),
    ("plan_exit", {}, r"^Only the agent plan leaves planning, and this is build\."),
    (
        "question",
        {"questions": [{"question": "Which?", "options": [{"label": "a"}]}]},
        r"Nobody is there to answer\. Decide yourself",
    ),
    ("task", {"operation": {"action": "create", "summary": "Write it"}}, r"T1 \[open\] Write it"),
    ("task", {"operation": {"action": "abandon", "id": "T1", "eventSummary": "Not needed"}}, r"T1 \[abandoned\]"),
    ("skill_search", {"query": "greet people"}, r"greet"),
    ("skill", {"name": "greet"}, r"Say hello warmly\."),
    ("memory", {"operation": "note", "text": "The port of the server is 8123."}, r"^Noted\."),
    ("memory", {"operation": "search", "query": "port server"}, r"8123"),
    ("history", {"operation": "search", "query": "everything"}, r"user_text: everything"),
    ("actor", {"action": "models"}, r"scripted"),
    ("workflow", {"action": "list"}, r"deep-research: "),
    ("workflow", {"action": "run", "script": "def run(args):\n    return find_files('sub/*')"}, r"ended: done\.\n\[\]"),
    ("cron", {"operation": "list"}, r"^nothing is scheduled$"),
    ("goal", {"action": "get"}, r"There is no goal\."),
    ("gate", {"task": "T9"}, r"The agent build has no gates\."),
    ("actor", {"action": "status"}, r"^No subagents yet\."),
]
ELSEWHERE = {
    "lsp": "only in trusted folders with a language server: tests/plugins/tools/test_lsp.py and test_lsp_real.py",
    "session": "only for the agent orchestrator, behind its switch: tests/plugins/crew/test_orchestrator.py",
}


def test_every_tool_does_its_work(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    subprocess.run(["git", "init", "-q", str(cli.project)], check=True)
    (cli.project / "n.ipynb").write_text(json.dumps(NOTEBOOK))
    (cli.project / "p.png").write_bytes(PNG)
    (cli.project / "sub").mkdir()
    skill = cli.home / ".config/mimocode/skills/greet/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: greet\ndescription: Greet people in the morning.\n---\nSay hello warmly.\n")
    calls = [{"calls": [{"name": name, "arguments": given}]} for name, given, _ in STORY]
    done = cli("run", "--yolo", "--format", "json", "-m", cli.scenario([*calls, {"text": "Done."}]), "everything")
    assert done.code == 0, done.err
    used = [line["part"] for line in done.lines if line["type"] == "tool_use"]
    assert [part["tool"] for part in used] == [name for name, _, _ in STORY]
    for part, (name, given, wanted) in zip(used, STORY, strict=True):
        said = part["state"].get("output") or part["state"].get("error")
        assert re.search(wanted, said), f"{name} {given} said: {said}"
    assert (cli.project / "a.txt").read_text() == "I\ntwo\n"
    assert (cli.project / "added.txt").read_text() == "new\n"
    assert '"# Two"' in (cli.project / "n.ipynb").read_text()


def test_no_tool_is_left_out() -> None:
    folder = Path(mimocode_plugins.__file__).parent
    offered = {tool["name"] for file in folder.glob("*/*/catalogue.json") for tool in json.loads(file.read_text())}
    told = {name for name, _, _ in STORY} | ELSEWHERE.keys()
    assert offered == told, f"put these into STORY, or say in ELSEWHERE why not: {offered ^ told}"
