"""Secrets are taken out before anything is remembered; ordinary text stays as it is."""

from __future__ import annotations

import time

import pytest

from mimocode.events import Entry, MessageAdded
from mimocode.messages import user
from mimocode_plugins.memory import items
from mimocode_plugins.memory.checkpoint.facts import gather
from mimocode_plugins.memory.files.guard import PATCHED
from mimocode_plugins.memory.redact import redact

A = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3gH5"
"""36 characters that look random. Tokens are put together here so that no scanner takes this file for a leak."""

SECRETS = {
    "AWS access key": "AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub token": "ghp_" + A,
    "GitLab token": "glpat-" + A[:20],
    "Slack token": "xoxb-" + "123456789012-" + A[:12],
    "Slack webhook": "https://hooks.slack.com/services/" + "T0000/B0000/" + A[:24],
    "Discord webhook": "https://discord.com/api/webhooks/" + "1234567/" + A,
    "Anthropic key": "sk-ant-" + "api03-" + A,
    "API key": "sk-proj-" + A,
    "Stripe key": "sk_live_" + A[:24],
    "Google key": "AIza" + A[:35],
    "npm token": "npm_" + A,
    "PyPI token": "pypi-" + A + A,
    "Hugging Face token": "hf_" + A,
    "SendGrid key": "SG." + A[:22] + "." + A,
    "Twilio key": "SK" + "0123456789abcdef" * 2,
    "DigitalOcean token": "dop_v1_" + "0123456789abcdef" * 4,
    "Shopify token": "shpat_" + "0123456789abcdef" * 2,
    "Telegram token": "123456789:AA" + A[:33],
    "Vault token": "hvs." + A,
    "Databricks token": "dapi" + "0123456789abcdef" * 2,
    "Atlassian token": "ATATT3" + A + A,
    "age key": "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE"[:58],
    "JSON web token": "eyJ" + A[:20] + ".eyJ" + A[:20] + "." + A[:20],
}
WITHIN = {
    "AWS secret key": ("aws_secret_access_key = {}", (A + A)[:40]),
    "Azure key": ("AccountKey={}", (A + A)[:64] + "=="),
    "password in an address": ("postgres://ada:{}@db.example.org/x", "hunter2!"),
    "token": ("Authorization: Bearer {}", A),
    "secret": ('db_password: "{}"', "c0rrect-h0rse"),
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_known_family_of_tokens(name: str) -> None:
    assert redact(f"use {SECRETS[name]} here") == (f"use [redacted {name}] here", [name])


@pytest.mark.parametrize("name", WITHIN)
def test_a_secret_that_its_surroundings_give_away(name: str) -> None:
    around, secret = WITHIN[name]
    assert redact(around.format(secret)) == (around.format(f"[redacted {name}]"), [name])


LONG = ["a-", "0-", "a_b-c.", "a.", "x", "0", " ", "\n", "-----BEGIN A ", "a://", "secret ", "<!--"]


@pytest.mark.parametrize("piece", LONG)
def test_no_text_takes_long_to_look_through(piece: str) -> None:
    """Patterns that begin anew at every sign took half a minute for 24,000 of them."""
    text = piece * (24_000 // len(piece))
    began = time.process_time()
    redact(text)
    gather([Entry("s", 1, 0.0, MessageAdded(user(text)))], {})
    items.parse(text, b"k" * 32)
    items.readable(f"- {text}")
    PATCHED.findall(text)
    assert time.process_time() - began < 5


def test_a_private_key_is_taken_out_whole_even_if_its_end_is_missing() -> None:
    key = "-----BEGIN " + "OPENSSH PRIVATE KEY-----\nb3Blbn\nAAAA\n"
    assert redact(f"a\n{key}-----END OPENSSH PRIVATE KEY-----\nz")[0] == "a\n[redacted private key]\nz"
    assert redact(f"a\n{key}")[0] == "a\n[redacted private key]"


@pytest.mark.parametrize(
    "text",
    [
        "The token: parse_row_count is the name of the first token.",
        "password = os.environ['DB_PASSWORD']",
        "secret: see the vault, path /run/secrets/db",
        "commit 6ee3727f2b1c9a0d4e5f60718293a4b5c6d7e8f9 fixed it",
        "api_key: required-by-the-client",
        "https://example.org/a:b@c and 0f8fad5b-d9cb-469f-a165-70867728950e",
        "task-sk-learn and a risk-based-assessment-of-things",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == (text, [])


def test_what_is_redacted_is_not_redacted_again() -> None:
    once = redact("token = " + SECRETS["GitHub token"])[0]
    assert redact(once) == (once, [])
