"""The reader of commands says what would run, or that it does not know."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimocode_plugins.guard.permission.arity import telling
from mimocode_plugins.guard.permission.shell import commands


def texts(text: str) -> list[str] | None:
    found = commands(text)
    return None if found is None else [command.text for command in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("git status", ["git status"]),
        ("git   status\t-s", ["git status -s"]),
        ("a && b || c; d | e & f\ng |& h", list("abcdefgh")),
        ("echo 'a && b' \"c; d\" e\\;f", ["echo 'a && b' \"c; d\" e\\;f"]),
        ("ls 2>&1 >/dev/null", ["ls"]),
        ("ls &> out.txt", ["ls"]),
        ("# rm -rf /\nls", ["ls"]),
        ("ls # && rm x", ["ls"]),
        ("echo a#b", ["echo a#b"]),
        ("X=1 Y='a b' make test", ["X=1 Y='a b' make test"]),
        ("echo $(git log; date)", ["git log", "date", "echo $(git log; date)"]),
        ('echo "now: $(date)" "$HOME" $? ${X}', ["date", 'echo "now: $(date)" "$HOME" $? ${X}']),
        ("echo `date`", ["date", "echo `date`"]),
        ("(cd x; make) && ls", ["cd x", "make", "ls"]),
        ("cat <<'EOF' > f\nrm -rf $X `y`\nEOF\nls", ["cat", "ls"]),
        ("git commit -m \"$(cat <<'EOF'\nFix it; rm x\nEOF\n)\"", None),
        ("cat <<EOF\nplain\nEOF", ["cat"]),
        ("grep -r foo <<< 'bar'", ["grep -r foo"]),
        ("make \\\n  test", ["make test"]),
        ("find . -name '*.py' -exec grep x {} \\;", ["find . -name '*.py' -exec grep x {} \\;", "grep x {}"]),
        ("sudo -u root ls", ["sudo -u root ls", "root ls", "ls"]),
        ("timeout 10 grep rm x", ["timeout 10 grep rm x", "grep rm x"]),
        ("env X=1 nohup rm x", ["env X=1 nohup rm x", "nohup rm x", "rm x"]),
        ("bash -c 'git push; ls'", ["bash -c 'git push; ls'", "git push", "ls"]),
        ("git stash show stash@{1}", ["git stash show stash@{1}"]),
        ("if true; then rm x; else ls; fi", ["true", "rm x", "ls"]),
        ("for f in *; do rm $f; done", ["rm $f"]),
        ("for f in $(ls); do cat $f > out; done", ["ls", "cat $f"]),
        ("while :; do sleep 1; done < in", [":", "sleep 1", ""]),
        ("case $1 in a|b) ls;; *) rm x;; esac", ["ls", "rm x"]),
        ("{ ls; rm x; } > out", ["ls", "rm x", ""]),
        ("! ls", ["ls"]),
        ("[ -f x ] && rm x", ["rm x"]),
        ("cat <(ls) > >(tee x)", ["ls", "tee x", "cat <(ls)"]),
        ("cat <<EOF | grep x > f\n$(rm x)\nEOF\nls", ["rm x", "cat", "grep x", "ls"]),
        ("echo ${X:-$(rm x)}", ["rm x", "echo ${X:-$(rm x)}"]),
        ("export A=$(rm x) B && ls", ["rm x", "export A=$(rm x) B", "ls"]),
        ("echo >f a b", ["echo a b"]),
        ("echo 2>&1 a", ["echo a"]),
        ("watch 'rm x; ls'", ["watch 'rm x; ls'", "rm x", "ls"]),
        ("ssh -p 22 host 'cd /x && rm y'", ["ssh -p 22 host 'cd /x && rm y'", "cd /x", "rm y"]),
        ("flock f rm x", ["flock f rm x", "f rm x", "rm x", "x"]),
        ("bash -o pipefail -c 'rm x'", ["bash -o pipefail -c 'rm x'", "rm x"]),
        ("ssh h -- rm x", ["ssh h -- rm x", "rm x"]),
        ("su -c 'rm x'", ["su -c 'rm x'", "rm x"]),
        ("find . -execdir rm {} +", ["find . -execdir rm {} +", "rm {}"]),
        ("> out.txt", [""]),
        ("", []),
    ],
)
def test_what_is_understood(text: str, expected: list[str] | None) -> None:
    if "$(cat" in text:  # the outer text keeps the body, the inner command is found
        assert texts(text) == ["cat", text]
    else:
        assert texts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "f() { rm x; }",
        "echo $((x))",
        "[[ $x -eq 1 ]]",
        "for ((;;)); do ls; done",
        "select x in a; do rm x; done",
        "x[$(rm y)]=1",
        "echo ${!X}",
        "echo ${X:-`rm x`}",
        'echo "${X:-`rm x`}"',
        "echo ${X:-<(rm x)}",
        "echo ${X@P}",
        "echo ${X/a/$(rm x)}",
        "env -S 'rm x'",
        "ssh -o ProxyCommand='rm x' host",
        "ssh host 'eval x'",
        "bash <(curl x)",
        "source <(curl x)",
        "coproc rm x",
        "cat <<EOF\n`rm x`\nEOF",
        ":(){ :|:& };:",
        "[[ a =~ b ]]",
        "eval 'rm x'",
        "trap 'rm x' EXIT",
        "tee >(sh)",
        "cat <<EOF\nno end",
        "$CMD x",
        "$(echo rm) x",
        "r? x",
        "{rm,-rf,/}",
        "echo {a,b}",
        "echo {1..9}",
        "echo $((1 + 1))",
        "echo $'\\x41'",
        "x=(a b)",
        "echo 'open",
        'echo "open',
        "echo $(open",
        "ls )",
        "ls \\",
        "echo a\rrm b",
        "echo a\u00a0b",
        "ls;;",
        "curl http://x | sh",
        "bash -s",
        "sh <<'EOF'\nrm x\nEOF",
        'bash -c "$X"',
        "sudo $X",
        "git -c core.pager='rm x' log",
        "git --config-env=a=b log",
        "ls ~root",
        "echo @(a|b)",
        "x\\\ny=1 rm z",
        'echo "$\\\n(rm z)"',
        "ls 2>&-c",
        "(" * 5000,
    ],
)
def test_what_is_not_understood(text: str) -> None:
    assert commands(text) is None


def test_spellings_and_redirections_are_seen() -> None:
    (command,) = commands("X=1 /bin/r\\m 'a b' > out 2>> err < in") or []
    assert command.name == "rm"
    assert command.spellings == ("/bin/rm a b", "rm a b")
    assert [w.value for w in command.writes] == ["out", "err"]
    assert [w.value for w in command.reads] == ["in"]


PIECES = st.sampled_from(
    [
        "a",
        "b ",
        " ",
        "'",
        '"',
        "\\",
        "$(",
        ")",
        "`",
        ";",
        "&&",
        "|",
        "\n",
        "#",
        ">",
        "<",
        "$X",
        "{",
        ",",
        "}",
        "<<",
        "(",
        "*",
        "=",
        "~",
    ]
)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_any_text_has_an_answer_and_what_bash_refuses_is_never_more_than_read(text: str) -> None:
    found = commands(text)
    assert found is None or all(c.words or c.assignments or c.writes or c.reads or c.fed for c in found)


SAFE = st.sampled_from(
    [
        "a",
        "<(echo r)",
        "${s:-$(echo t)}",
        "2>&1",
        "'b c'",
        '"d;e"',
        "f\\ g",
        "'h&&i'",
        "#j",
        "k#l",
        '"$(m)"',
        "$(echo n)",
        "`echo o`",
        "p=q",
    ]
)
JOINT = st.sampled_from(
    [
        " ",
        "\t",
        " ; echo ",
        " && echo ",
        " || echo ",
        "\necho ",
        " | cat; echo ",
        " \\\n ",
        "; { echo u; }; echo ",
        "; if true; then echo v; fi; echo ",
        " <<E\nw $(echo x)\nE\necho ",
    ]
)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SAFE, JOINT), min_size=1, max_size=5))
def test_bash_runs_no_command_that_was_not_read(parts: list[tuple[str, str]]) -> None:
    """With tracing on, every program that bash starts is one that the reader named."""
    text = "echo " + "".join(word + joint for word, joint in parts) + "end"
    found = commands(text)
    if found is None:
        return
    script = "PS4='+ '; m() { :; }; set -x\n" + text
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20)
    ran = {shlex.split(line.lstrip("+ "))[0].lower() for line in done.stderr.splitlines() if line.startswith("+")}
    assert ran - {":", "p=q"} <= {command.name for command in found}


WORD = st.sampled_from(
    [
        "git",
        "push",
        "npm",
        "run",
        "x",
        "docker",
        "compose",
        "-m",
        "--all",
        "'a b'",
        "*.py",
        "a?b",
        "X=1",
        '"$H"',
        "/bin/ls",
        "[z]",
    ]
)


@given(st.lists(WORD, min_size=1, max_size=6))
def test_there_are_never_more_telling_words_than_words(words: list[str]) -> None:
    assert 1 <= telling(words) <= len(words)


@pytest.mark.parametrize(
    ("command", "size"),
    [("ls -la x", 1), ("git push origin main", 2), ("npm run build", 3), ("npm install x", 2), ("aws s3 cp a", 3)],
)
def test_telling_words(command: str, size: int) -> None:
    assert telling(command.split()) == size


def test_home_is_written_out() -> None:
    (command,) = commands("ls ~/x '~/y'") or []
    assert command.argv == ("ls", f"{Path.home()}/x", "~/y")
