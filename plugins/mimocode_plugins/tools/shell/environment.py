"""The environment of a command: the user's, without secrets, and with nothing that waits for a person."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache

_SECRET = re.compile(
    r"(^|_)(\w*KEY|\w*TOKENS?|\w*SECRETS?|\w*PASSWORD|PASSWD|PASS|(?<=_)PWD|\w*PASSPHRASE|\w*CREDENTIALS?|AUTH|AUTHORIZATION|PAT)(_|$)",
    re.ASCII,
)
_OURS = frozenset({"MIMOCODE_AUTH_CONTENT", "MIMOCODE_CONFIG_CONTENT"})
_KEPT = frozenset({"SSH_AUTH_SOCK"})
"""Not a secret but a door to an agent that keeps them; `git push` over SSH needs it."""

# A pager or prompt would wait for ever. Editors succeed without a change, so that `git commit --amend`,
# `git merge` and `git rebase --continue` take the text that is there.
_CALM = {
    "AGENT": "1",
    "MIMOCODE": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "MANPAGER": "cat",
    "SYSTEMD_PAGER": "cat",
    "GH_PAGER": "cat",
    "EDITOR": "true",
    "VISUAL": "true",
    "GIT_EDITOR": "true",
    "GIT_SEQUENCE_EDITOR": "true",
    "GIT_TERMINAL_PROMPT": "0",
    "SSH_ASKPASS_REQUIRE": "never",
    "DEBIAN_FRONTEND": "noninteractive",
    "PIP_NO_INPUT": "1",
}


@lru_cache(maxsize=2048)
def is_secret(name: str) -> bool:
    """Whether a variable's name says that its value is a credential."""
    return name in _OURS or (name not in _KEPT and _SECRET.search(name.upper()) is not None)


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """What a command gets to see."""
    return {
        **{name: value for name, value in inherited.items() if not is_secret(name)},
        **_CALM,
        "MIMOCODE_PID": str(os.getpid()),
    }
