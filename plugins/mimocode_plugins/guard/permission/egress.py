"""Which commands carry bytes to other machines.

Whoever obeys a text that was planted in a file or page sends away what it has read; rules about files cannot stop
that. So programs that talk to the network are asked about even where all commands are allowed, unless a rule speaks
about that very program, and except for servers on this machine (demands.md 4.3, cases 19 and 21).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .arity import words_of
from .words import Command

_CLIENTS = words_of("""
curl wget nc ncat netcat socat telnet ftp lftp tftp sftp scp ssh sshfs http https xh aria2c axel dig nslookup host
drill ping ping6 traceroute rclone s3cmd gsutil mail mailx sendmail msmtp swaks websocat mosquitto_pub
getent resolvectl ngrok cloudflared twine croc wormhole
""")
_SENDING = {
    "gh": "gist upload api", "glab": "snippet api", "aws": "s3 s3api", "az": "storage", "gcloud": "storage",
    "npm": "publish", "pnpm": "publish", "yarn": "publish", "bun": "publish", "cargo": "publish", "poetry": "publish",
    "uv": "publish", "hatch": "publish", "flit": "publish", "gem": "push", "docker": "push", "podman": "push",
    "helm": "push", "vercel": "deploy", "netlify": "deploy", "fly": "deploy", "flyctl": "deploy", "firebase": "deploy",
    "python": "twine", "python3": "twine", "kubectl": "cp",
}  # fmt: skip
"""Programs of many uses, and the words among their arguments with which they send something."""
_BENT = re.compile(r"-x.*|--(proxy|preproxy|socks|connect-to|resolve|config|doh-url|next|location).*|-K.*|-\w*L\w*")
_LOCAL = ("localhost", "127.0.0.1", "::1")


def leaves(command: Command) -> bool:
    """Whether a simple command sends something to another machine, as far as its words tell."""
    name, argv = command.name, command.argv
    if name == "git":
        return _elsewhere(command)
    if name == "rsync":
        return any(re.match(r"(?:[\w.-]+@)?[\w.-]+::?\S", word) or "://" in word for word in argv[1:])
    if name == "openssl":
        return "s_client" in argv
    if name in _SENDING:
        return not {*_SENDING[name].split()}.isdisjoint(argv[1:4]) and "--help" not in argv
    if name not in _CLIENTS or (name == "getent" and not {"hosts", "ahosts", "ahostsv4", "ahostsv6"} & set(argv)):
        return False
    return not (name in ("curl", "wget", "http", "xh", "nc") and _stays(command))


def _elsewhere(command: Command) -> bool:
    """Whether git is told to send to an address that is written out, now or whenever its name is used.

    So is an address that is only known when the command runs: what is fetched from can be told a lot by its own name.
    """
    argv = command.argv[1:]
    if "send-email" in argv[:3]:
        return True
    named = [word for word in command.words[1:] if re.search(r"://|^[\w.-]+@[\w.-]+:", word.value)]
    sends = "push" in argv or {"remote", "add"} <= set(argv) or {"remote", "set-url"} <= set(argv)
    return bool(named) and (sends or any(word.dynamic for word in named))


def _stays(command: Command) -> bool:
    if any(word.dynamic for word in command.words) or any(_BENT.fullmatch(word) for word in command.argv[1:]):
        return False
    targets = [word for word in command.argv[1:] if not word.startswith("-")]
    targets = targets[:1] if command.name == "nc" else targets
    hosts = [
        _host(word) for word in targets if "://" in word or re.match(r"(localhost|[\w.-]+\.\w+|[\d.]+)(:|/|$)", word)
    ]
    return bool(hosts) and all(host in _LOCAL for host in hosts)


def _host(address: str) -> str:
    try:
        return urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""
