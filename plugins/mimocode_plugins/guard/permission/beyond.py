"""What reaches beyond the command itself without naming a file: what runs later, and what shows a key.

Rules about files cannot see either; a sandbox keeps both from happening, where there is one.
"""

from __future__ import annotations

import re

from .words import Command

_LASTING = {
    "crontab": r"(?!-l$|-u$).*", "at": r"(?!-l$|-q$).*", "batch": r".*",
    "launchctl": r"load|bootstrap|submit|enable|kickstart",
    "systemctl": r"enable|reenable|link|edit|set-environment|import-environment|set-property",
    "loginctl": r"enable-linger", "schtasks": r"(?i)/create|/change", "update-rc.d": r".*", "chsh": r".*",
    "xdg-mime": r"default", "xdg-settings": r"set", "update-alternatives": r"--(install|set|config).*",
}  # fmt: skip
"""What makes something run later, outside of any sandbox and after the session."""
_LOGINS = {
    "git": r"credential(-\w+)? (fill|get)", "gh": r"auth (token|status .*(-t|--show-token))", "glab": r"auth token",
    "gcloud": r"auth (application-default )?print-(access|identity)-token", "az": r"account get-access-token",
    "aws": r"configure (export-credentials|get .*)|sts (get-session-token|assume-role)|ecr get-login-password",
    "secret-tool": r"(lookup|search)", "security": r"(find-(generic|internet)-password|dump-keychain|export)",
    "pass": r"(?!ls$|find |git |generate ).+", "op": r"(read|item get|inject)", "bw": r"(get|list|export)",
    "kubectl": r"config view .*--(raw|flatten)", "vault": r"(kv get|read|token)", "gpg": r".*--export-secret.*",
    "heroku": r"auth:token", "doctl": r"auth", "npm": r"config get .*_auth.*", "ssh-add": r"-L", "keyring": r"get",
}  # fmt: skip


def lasts(command: Command) -> bool:
    """Whether a command arranges that something runs later: with it a program would get out of every sandbox."""
    allowed = _LASTING.get(command.name)
    words = command.argv[1:]
    if allowed is None or {"--help", "--version"} & set(words):
        return False
    if not words:
        return command.name in ("at", "batch", "crontab")
    return any(re.fullmatch(allowed, word) for word in words)


def shows_login(command: Command) -> bool:
    """Whether a command prints a key or a token that a program keeps for the user."""
    pattern = _LOGINS.get(command.name)
    return pattern is not None and re.match(rf"(-C \S+ |-\S+ )*({pattern})", " ".join(command.argv[1:])) is not None
