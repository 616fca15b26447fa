"""Takes secrets out of text before it is remembered. Each rule is a family of tokens with a form of its own."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A family of secrets; group "secret" of the pattern, or all of it, is what is taken out."""

    name: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...]
    """Lower-case pieces, one of which is in every text that holds such a secret: a hundred times quicker to look for,
    and most of what is printed holds none."""
    guess: bool = False
    """The form alone says little: the value must also look random."""


def _rule(name: str, hints: str, pattern: str, *, guess: bool = False) -> Rule:
    return Rule(name, re.compile(pattern), tuple(hints.split()), guess)


RULES = (
    _rule(
        "private key",
        "private",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?"
        r"(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    ),
    _rule("AWS access key", "akia asia abia acca", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    _rule("AWS secret key", "aws", r"(?i)aws.{0,20}?(?:secret|key).{0,20}?[\"'=:\s](?P<secret>[A-Za-z0-9/+]{40})\b"),
    _rule(
        "GitHub token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{50,255})\b",
    ),
    _rule(
        "GitLab token",
        "glpat- gldt- glrt- glcbt- glptt- glsoat- glft- glimt- glagent-",
        r"\bgl(?:pat|dt|rt|cbt|ptt|soat|ft|imt|agent)-[A-Za-z0-9_.-]{20,}",
    ),
    _rule("Slack token", "xox xapp-", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}"),
    _rule("Slack webhook", "hooks.slack.com", r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}"),
    _rule("Discord webhook", "/api/webhooks/", r"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d+/[\w-]{30,}"),
    _rule("Anthropic key", "sk-ant-", r"\bsk-ant-[A-Za-z0-9_-]{20,}"),
    _rule("API key", "sk- rk- pk-", r"\b(?:sk|rk|pk)-(?:proj-|svcacct-|admin-|or-v1-|live-|test-)?[A-Za-z0-9_-]{20,}"),
    _rule(
        "Stripe key", "k_live_ k_test_ whsec_", r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}|\bwhsec_[A-Za-z0-9]{24,}"
    ),
    _rule(
        "Google key",
        "aiza gocspx- ya29.",
        r"\bAIza[A-Za-z0-9_-]{35}|\bGOCSPX-[A-Za-z0-9_-]{20,}|\bya29\.[A-Za-z0-9_-]{20,}",
    ),
    _rule("npm token", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    _rule("PyPI token", "pypi-", r"\bpypi-[A-Za-z0-9_-]{50,}"),
    _rule("Hugging Face token", "hf_", r"\bhf_[A-Za-z0-9]{30,}\b"),
    _rule("SendGrid key", "sg.", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}"),
    _rule("Twilio key", "sk", r"\bSK[0-9a-f]{32}\b"),
    _rule("DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", r"\bdo[opr]_v1_[0-9a-f]{64}\b"),
    _rule("Shopify token", "shpat_ shpca_ shppa_ shpss_", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    _rule("Telegram token", ":aa", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"),
    _rule("Vault token", "hvs. hvb. hvr.", r"\bhv[sbr]\.[A-Za-z0-9_-]{24,}"),
    _rule("Databricks token", "dapi", r"\bdapi[0-9a-f]{32}\b"),
    _rule("Atlassian token", "atatt3", r"\bATATT3[A-Za-z0-9_=-]{60,}"),
    _rule("Azure key", "accountkey=", r"(?i)AccountKey=(?P<secret>[A-Za-z0-9+/=]{40,})"),
    _rule("age key", "age-secret-key-1", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    _rule("JSON web token", "eyj", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    _rule("password in an address", "://", r"\b[a-z][a-z0-9+.-]{0,30}://[^\s:/@]*:(?P<secret>[^\s/@$<{]{3,})@"),
    _rule("token", "bearer basic", r"(?i)\b(?:bearer|basic)\s+(?P<secret>[A-Za-z0-9._~+/=-]{20,})"),
    _rule(
        "secret",
        "passw secret token api access auth credential",
        r"(?i)(?:passw(?:or)?d|passwd|secret|token|api[_-]?key|access[_-]?key|auth[_-]?key|credential)s?\b"
        r"[\"']?\s*(?:=|:|:=|=>|\bis\b)\s*[\"'`]?(?P<secret>[^\s\"'`,;<>(){}\[\]$]{8,})",
        guess=True,
    ),
)


def redact(text: str) -> tuple[str, list[str]]:
    """The text with a mark in place of every secret, and the names of the rules that found one."""
    found: list[str] = []
    low = text.lower()
    for rule in RULES:
        if not any(hint in low for hint in rule.hints):
            continue
        text = rule.pattern.sub(lambda hit, rule=rule: _mark(hit, rule, found), text)  # type: ignore[misc]
    return text, found


def _mark(hit: re.Match[str], rule: Rule, found: list[str]) -> str:
    named = "secret" in rule.pattern.groupindex
    secret = hit["secret"] if named else hit[0]
    if rule.guess and not _random(secret):
        return hit[0]
    found.append(rule.name)
    mark = f"[redacted {rule.name}]"
    if not named:
        return mark
    start, end = hit.span("secret")
    return hit[0][: start - hit.start()] + mark + hit[0][end - hit.start() :]


def _random(value: str) -> bool:
    """Whether a value looks made by a machine or chosen as a password, and not like a word, a path or a name."""
    if "redacted" in value or re.fullmatch(r"[A-Za-z_]+(?:[._-][A-Za-z_]+)*", value) or value.startswith(("/", "./")):
        return False
    kinds = sum(bool(re.search(form, value)) for form in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w]"))
    counts = Counter(value).values()
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
    return kinds >= 2 and entropy >= 2.5
