"""Whether a shell command only looks. A whitelist: what is not known to leave everything as it was is not looking.

For agents with `read_only: true` (plan, explore, reviewer): there the shell is for reading, whatever the rules allow.
A program is on the list if no argument makes it write or run something else, or if the arguments that do are refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mimocode.ports import Ruling, Verdict

from ..policy import key_of, policy
from .arity import words_of
from .shell import Command, commands
from .touch import touches, values

if TYPE_CHECKING:
    from mimocode.messages import ToolCall
    from mimocode.session import Session

PLAIN = words_of(
    "ls cat head tail wc pwd echo printf true false test [ stat du df which type uname whoami id basename dirname "
    "realpath readlink cut tr nl tac rev paste comm cmp diff md5sum sha1sum sha256sum sha512sum od hexdump strings "
    "grep egrep fgrep jq seq column fold expand ps printenv nproc free uptime cd pushd popd"
)
REFUSED = {
    "find": r"-(delete|exec|execdir|ok|okdir|fprint|fprint0|fprintf|fls)",
    "rg": r"--(pre|hostname-bin).*",
    "sort": r"-[^-]*[oT].*|--(o|c|t|files0).*",
    "file": r"-[^-]*C.*|--compile",
    "date": r"-[^-]*s.*|--set.*|[^-+].*",
    "tree": r"-[^-]*o.*|--output.*",
    "uniq": r"[^-].*",
}
"""Programs with arguments that make them write or run something; such an argument, as a whole, is refused."""
GIT = words_of(
    "status log show diff blame ls-files ls-tree rev-parse rev-list cat-file describe shortlog grep merge-base "
    "name-rev for-each-ref diff-tree show-ref count-objects whatchanged"
)
GIT_REFUSED = r"--output.*|--ext-diff|--textconv|--filters|-O.*|--open-files-in-pager.*"
GIT_LISTS = {
    ("branch",): r"-[avr]+|--(list|all|remotes|show-current|contains|merged|no-merged|format=.*)",
    ("remote",): r"-v",
    ("tag",): r"-l|--list",
    ("stash", "list"): r"",
    ("worktree", "list"): r"--porcelain",
}
"""Subcommands that list when they are given these and nothing else."""
VERSIONS = ("--version", "-V", "version")
TELLING = words_of("python python3 node npm cargo go rustc java ruby pip uv git make cmake gcc clang docker")
_RANGES = re.compile(r"[\d,$]+p(;[\d,$]+p)*")
HARMLESS_SETTINGS = words_of("LC_ALL LANG TZ NO_COLOR COLUMNS")


def ruling(call: ToolCall, session: Session) -> Ruling | None:
    """What a read-only agent, or one that works for such an agent, may not do; None if nothing speaks against a call.

    Tools that say of themselves that they only read are left alone, and our own that have no path and no command.
    """
    if (holder := restricted(session)) is None or (spec := session.toolbox.specs.get(call.name)) is None:
        return None
    _, said = key_of(spec, call.name)
    agent = holder.agent.name
    for text in values(call.arguments, said.get("command")):
        if why := writes(text):
            return Ruling(Verdict.DENY, f"the agent {agent} only looks, and {why}")
    if "remote_name" in said:
        why = f"nobody can say whether {call.name} changes something, and the agent {agent} only looks"
        return Ruling(Verdict.ASK, why, forced=True)
    if holder is not session and not spec.read_only:
        judged = (policy(holder).decide(touch.key, touch.pattern) for touch in touches(call, session))
        if denied := next((each for each in judged if each.verdict is Verdict.DENY), None):
            return Ruling(Verdict.DENY, f"it works for the agent {agent}: rule {denied.why}")
    return None


def restricted(session: Session) -> Session | None:
    """The session whose agent makes this one read-only: itself, or one that it works for."""
    holder: Session | None = session
    while holder is not None:
        if holder.agent.options.get("read_only"):
            return holder
        holder = holder.parent
    return None


def writes(text: str) -> str:
    """Why a command line is not known to only look; "" if it is."""
    found = commands(text)
    if found is None:
        return "this command line is not understood well enough to know that it does"
    return next((why for command in found if (why := _doubt(command))), "")


def _doubt(command: Command) -> str:
    for word in command.writes:
        if word.dynamic or word.glob or word.value not in ("/dev/null", "/dev/stdout", "/dev/stderr"):
            return f"this writes to {word.raw}"
    if any(word.value.partition("=")[0] not in HARMLESS_SETTINGS for word in command.assignments):
        return f"{command.assignments[0].raw} could change what runs"
    if not command.words:
        return ""
    first, *rest = command.words
    folder, _, name = first.value.rpartition("/")
    if first.dynamic or first.glob or folder not in ("", "/bin", "/usr/bin"):
        return f"{first.raw} could be anything"
    argv = [word.value for word in rest]
    if name in PLAIN or (name == "env" and not argv) or (name in TELLING and argv in [[v] for v in VERSIONS]):
        return ""
    if name not in REFUSED and name not in ("git", "sed"):
        return f"{name} is not among the commands that are known to"
    if any(word.dynamic or (word.glob and word.value[:1] in "*?[-") for word in rest):
        return f"the arguments of {name} are not known"
    if name == "git":
        return _git(argv)
    if name == "sed":
        return "" if argv[:1] == ["-n"] and _RANGES.fullmatch("".join(argv[1:2])) else "sed does more than print lines"
    bad = next((word for word in argv if re.fullmatch(REFUSED[name], word)), "")
    return f"{name} {bad} does more" if bad else ""


def _git(argv: list[str]) -> str:
    while argv[:1] == ["--no-pager"]:
        argv = argv[1:]
    if not argv:
        return ""
    for words, allowed in GIT_LISTS.items():
        if tuple(argv[: len(words)]) == words:
            bad = next((word for word in argv[len(words) :] if not re.fullmatch(allowed, word)), "")
            return f"git {' '.join(words)} {bad} does more than list" if bad else ""
    if argv[0] not in GIT:
        return f"git {argv[0]} is not among the commands that are known to"
    bad = next((word for word in argv[1:] if re.fullmatch(GIT_REFUSED, word)), "")
    return f"git {argv[0]} {bad} does more" if bad else ""
