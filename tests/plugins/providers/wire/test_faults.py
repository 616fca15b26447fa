"""What an answer means, whatever the provider calls it."""

import json
from email.utils import formatdate

import pytest

from mimocode.errors import ModelError, ModelFault
from mimocode_plugins.providers.wire.faults import Asked, in_stream, of_status, public, retry_after, scrub

ASKED = Asked(
    "acme", "big-1", "https://user:secret@api.acme.test/v1/chat/completions?token=abc", "set ACME_API_KEY", ("k-12345",)
)


def refused(status: int, body: object = b"", **headers: str) -> ModelError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return of_status(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw, ASKED)


OVERFLOWS = [
    "prompt is too long: 208732 tokens > 200000 maximum",
    "Prompt too long: 5152 tokens exceeds max_seq_len 2048",
    "Input length 131393 exceeds the maximum allowed input length of 131040 tokens.",
    "This model's maximum context length is 262144 tokens. However, you requested 0 output tokens",
    "Input length (265330) exceeds model's maximum context length (262144).",
    "input length and max_tokens exceed context limit: 170636 + 34048 > 200000",
    "Unable to submit request because the input token count is 32825 but model only supports up to 32768",
    "the request exceeds the available context size, try increasing it",
    "Your input exceeds the context window of this model",
    "The number of tokens to keep from the initial prompt is greater than the context length",
    "Invalid request: Your request exceeded model token limit: 262144",
    "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
    "invalid params, context window exceeds limit",
    "Please reduce the length of the messages or completion",
    "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575)",
    "Input is too long for requested model.",
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens",
    "prompt too long; exceeded max context length by 4 tokens",
]


@pytest.mark.parametrize("wording", OVERFLOWS)
def test_every_known_wording_of_too_long(wording: str):
    assert refused(400, {"error": {"message": wording}}).fault is ModelFault.OVERFLOW


CASES = [
    (401, {"error": {"message": "Incorrect API key provided"}}, ModelFault.CREDENTIAL),
    (403, {"error": {"message": "Forbidden"}}, ModelFault.CREDENTIAL),
    (403, {"error": {"message": "insufficient balance"}}, ModelFault.QUOTA),
    (402, {"error": {"message": "Insufficient Balance"}}, ModelFault.QUOTA),
    (404, {"error": {"message": "The model does not exist", "code": "model_not_found"}}, ModelFault.NOT_FOUND),
    (400, {"error": {"message": "Model acme-9 does not exist"}}, ModelFault.NOT_FOUND),
    (400, {"error": {"message": "messages: wrong role"}}, ModelFault.REQUEST),
    (422, {"detail": [{"msg": "field required"}]}, ModelFault.REQUEST),
    (400, {"error": {"code": "context_length_exceeded", "message": "no"}}, ModelFault.OVERFLOW),
    (413, b"Request Entity Too Large", ModelFault.OVERFLOW),
    (400, {"error": {"code": "content_filter", "message": "triggered"}}, ModelFault.FILTERED),
    (400, {"error": {"message": "Your credit balance is too low to access the API"}}, ModelFault.QUOTA),
    (429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, ModelFault.RATE),
    (429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}, ModelFault.QUOTA),
    (429, {"message": "Too many tokens, please wait before trying again."}, ModelFault.RATE),
    (429, {"error": {"message": "Rate limit reached. Add a payment method at billing."}}, ModelFault.RATE),
    (500, {"error": "internal"}, ModelFault.SERVER),
    (502, b"<html><title>502 Bad Gateway</title></html>", ModelFault.SERVER),
    (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, ModelFault.SERVER),
    (500, {"error": {"message": "prompt is too long: 9 tokens > 8 maximum"}}, ModelFault.OVERFLOW),
    (302, b"", ModelFault.NONSENSE),
    (408, b"", ModelFault.SERVER),
]


@pytest.mark.parametrize(("status", "body", "fault"), CASES)
def test_the_fault_of_a_status(status: int, body: object, fault: ModelFault):
    error = refused(status, body)
    assert (error.fault, error.status) == (fault, status)
    assert "\n" not in str(error)


def test_the_sentences():
    assert [str(refused(*case)) for case in [
        (401, {"error": {"message": "Incorrect API key provided: k-12345."}}),
        (404, {"error": {"message": "no such model"}}),
        (404, b"<!DOCTYPE html><title>Not Found</title>"),
        (402, {"error": {"message": "Insufficient Balance"}}),
        (400, {"error": {"message": "bad role"}}),
        (503, b""),
    ]] == [
        "acme refused the key (401): Incorrect API key provided: [key].; set ACME_API_KEY",
        "acme does not know model big-1 at https://api.acme.test/v1/chat/completions (404): no such model; "
        "check the name (`mimo models`) and baseURL",
        'acme does not know model big-1 at https://api.acme.test/v1/chat/completions (404): a web page "Not Found" '
        "instead of JSON, is baseURL right?; check the name (`mimo models`) and baseURL",
        "the account at acme is out of credit or quota (402): Insufficient Balance; "
        "top it up or choose another model",
        "acme refused the request (400): bad role",
        "acme failed or is overloaded (503)",
    ]  # fmt: skip


def test_when_to_come_back():
    date = formatdate(1_000_030, usegmt=True)
    assert [
        retry_after({"retry-after": "7"}),
        retry_after({"retry-after": "1.5"}),
        retry_after({"retry-after-ms": "250", "retry-after": "9"}),
        retry_after({"retry-after": date}, now=1_000_000.0),
        retry_after({"retry-after": date}, now=2_000_000.0),
        retry_after({"retry-after": "soon"}),
        retry_after({}, "Rate limit reached, please try again in 17s."),
        retry_after({}, "try again in 1m20.5s"),
        retry_after({}, "Please retry after 20 seconds"),
        retry_after({}, "try again in 350ms"),
        retry_after({}, "retry up to 3 messages"),
        retry_after({}),
    ] == [7.0, 1.5, 0.25, 30.0, 0.0, None, 17.0, 80.5, 20.0, pytest.approx(0.35), None, None]


def test_the_wait_is_part_of_the_error():
    error = refused(429, {"error": {"message": "slow down"}}, retry_after="12")
    assert error.retry_after == 12.0
    assert str(error) == "acme gets too many requests (429): slow down; it asks to wait 12 s"


STREAMED = [
    ({"error": {"message": "Overloaded", "type": "overloaded_error"}}, ModelFault.SERVER),
    ({"error": {"message": "boom", "code": 502}}, ModelFault.SERVER),
    ({"error": {"message": "slow", "code": "rate_limit_exceeded"}}, ModelFault.RATE),
    ({"error": {"code": "context_length_exceeded", "message": "too much"}}, ModelFault.OVERFLOW),
    ({"type": "error", "code": "insufficient_quota", "message": "pay"}, ModelFault.QUOTA),
    ({"error": {"code": 401, "message": "no auth"}}, ModelFault.CREDENTIAL),
    ({"error": "unexpected end"}, ModelFault.SERVER),
    ({"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": "prompt is too long"}}},
     ModelFault.OVERFLOW),
]  # fmt: skip


@pytest.mark.parametrize(("event", "fault"), STREAMED)
def test_an_error_inside_a_stream(event: dict, fault: ModelFault):
    assert in_stream(event, ASKED).fault is fault


def test_addresses_and_texts_lose_their_secrets():
    assert public("http://me:pw@host:8/v1?key=1#x") == "http://host:8/v1"
    assert scrub("key sk-proj-abcdefgh and token-1234", ("token-1234",)) == "key [key] and [key]"
