"""The line to a model: exact bytes, broken connections, time-outs."""

import asyncio
import gc
import socket
import ssl
import subprocess
from contextlib import aclosing

import pytest

from mimocode.errors import ModelError, ModelFault
from mimocode_plugins.providers.wire.faults import Asked
from mimocode_plugins.providers.wire.http import Line, Timeouts, decoded, drained
from mimocode_plugins.providers.wire.sse import Event
from support.raw import events, http, raw


def line(url: str, **timeouts: float) -> Line:
    return Line(Asked("acme", "big-1", url, "set ACME_API_KEY"), {"authorization": "Bearer k"}, Timeouts(**timeouts))


async def read(the_line: Line) -> list[Event]:
    try:
        return [event async for event in the_line.stream(b"{}")]
    finally:
        await the_line.close()


async def failure(the_line: Line) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await read(the_line)
    return caught.value


async def test_events_come_as_they_were_sent():
    async with raw([http(), b'data: {"a"', b':"\xc3', b'\xa4"}\n', b"\ndata: [DONE]\r\n\r\n"]) as server:
        assert await read(line(server.url)) == [Event("", '{"a":"ä"}'.encode()), Event("", b"[DONE]")]
    assert b"authorization: Bearer k" in server.requests[0].replace(b"Authorization", b"authorization")
    assert server.requests[0].endswith(b"{}")


async def test_the_connection_is_used_again():
    body = b"data: 1\n\n"
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(body)}\r\n"
    async with raw([f"{head}connection: keep-alive\r\n\r\n".encode(), body]) as server:
        the_line = line(server.url)
        for _ in range(3):
            stream = the_line.stream(b"{}")
            assert await anext(stream) == Event("", b"1")
            await drained(stream)
        await the_line.close()
        assert (server.connections, len(server.requests)) == (1, 3)


async def test_a_stream_that_is_cut_in_the_middle():
    head = http("200 OK", "text/event-stream", "transfer-encoding: chunked")
    async with raw([head, b"9\r\ndata: 1\n\n\r\n20\r\nda"]) as server:
        error = await failure(line(server.url))
    assert (error.fault, str(error)) == (
        ModelFault.NETWORK,
        "the stream was cut: acme ended it before the answer was complete",
    )


async def test_a_server_that_hangs_up_before_it_answers():
    async with raw([b""]) as server:
        assert (await failure(line(server.url))).fault is ModelFault.NETWORK


async def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = await failure(line(f"http://127.0.0.1:{port}/v1"))
    assert error.fault is ModelFault.NETWORK
    assert str(error).startswith(f"cannot reach acme at http://127.0.0.1:{port}/v1: ")


async def test_a_proxy_is_not_asked_for_a_server_on_this_machine(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with raw([http(), events("1")]) as server:
        assert await read(line(server.url)) == [Event("", b"1")]


async def test_a_proxy_that_is_down_is_named(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    error = await failure(line("http://api.acme.test/v1"))
    assert error.fault is ModelFault.NETWORK


async def test_a_name_that_does_not_exist():
    error = await failure(line("http://no-such-host.invalid/v1"))
    assert (error.fault, str(error)) == (
        ModelFault.NETWORK,
        "cannot reach acme at http://no-such-host.invalid/v1: the name of the host is not known",
    )


async def test_an_address_that_is_none():
    error = await failure(line("api.acme.test/v1"))
    assert error.fault is ModelFault.NOT_FOUND
    assert "check baseURL" in str(error)


async def test_a_certificate_that_nobody_signed(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run(command, check=True, capture_output=True)  # noqa: ASYNC221
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        error = await failure(line(f"https://localhost:{server.sockets[0].getsockname()[1]}/v1"))
    assert error.fault is ModelFault.NETWORK
    assert "TLS failed" in str(error)


async def test_silence_before_the_answer():
    async with raw([b""], hang=True) as server:
        error = await failure(line(server.url, first=0.05))
    assert (error.fault, str(error)) == (ModelFault.NETWORK, f"acme at {server.url} sent nothing for 0.05 s")


async def test_silence_in_the_answer():
    async with raw([http(), events("1")], hang=True) as server:
        error = await failure(line(server.url, between=0.05))
    assert (error.fault, str(error)) == (ModelFault.NETWORK, f"acme at {server.url} sent nothing for 0.05 s")


async def test_a_web_page_instead_of_a_stream():
    async with raw([http("200 OK", "text/html"), b"<html><title>Sign in</title></html>"]) as server:
        error = await failure(line(server.url))
    assert (error.fault, str(error)) == (
        ModelFault.NONSENSE,
        f"{server.url} answered with a web page instead of an event stream; is baseURL right?",
    )


async def test_json_instead_of_a_stream():
    async with raw([http("200 OK", "application/json"), b'{"ok": true}']) as server:
        error = await failure(line(server.url))
    assert (error.fault, str(error)) == (
        ModelFault.NONSENSE,
        f"{server.url} answered with application/json instead of an event stream; is baseURL right?",
    )


async def test_an_error_object_with_status_200():
    body = b'{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}'
    async with raw([http("200 OK", "application/json"), body]) as server:
        assert (await failure(line(server.url))).fault is ModelFault.RATE


async def test_a_redirect_is_not_followed():
    async with raw([http("307 Temporary Redirect", "text/plain", "location: http://evil.test/?k=1")]) as server:
        error = await failure(line(server.url))
    assert (error.fault, str(error)) == (
        ModelFault.NONSENSE,
        f"{server.url} redirects to http://evil.test/; is baseURL right?",
    )
    assert server.connections == 1


async def test_an_event_without_end_is_refused():
    piece = b"x" * (1 << 20)
    async with raw([http(), b"data: ", *[piece] * 17]) as server:
        error = await failure(line(server.url))
    assert error.fault is ModelFault.NONSENSE


@pytest.mark.parametrize("key", ["k\r\nx: y", "“quoted”"])
async def test_a_key_that_no_header_can_carry_is_not_shown(key: str):
    async with raw([http()]) as server:
        the_line = Line(Asked("acme", "m", server.url, "set K", (key,)), {"authorization": f"Bearer {key}"})
        error = await failure(the_line)
    assert error.fault is ModelFault.CREDENTIAL
    assert key not in str(error)


async def test_closing_the_stream_ends_the_request():
    async with raw([http(), events("1")], hang=True) as server:
        the_line = line(server.url)
        async with aclosing(the_line.stream(b"{}")) as stream:
            await anext(stream)
        await asyncio.wait_for(server.gone.wait(), 60)
        await the_line.close()


async def test_cancelling_the_task_ends_the_request():
    async with raw([http(), events("1")], hang=True) as server:
        the_line, came = line(server.url), asyncio.Event()

        async def work() -> None:
            async for _ in the_line.stream(b"{}"):
                came.set()

        task = asyncio.create_task(work())
        await came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 60)
        await the_line.close()
    gc.collect()


def test_events_that_are_no_objects_are_nonsense():
    asked = Asked("acme", "m", "http://x/v1")
    assert decoded(Event("", b'{"a": "\xff"}'), asked) == {"a": "�"}
    for data in (b"[1]", b"{", b"hello"):
        with pytest.raises(ModelError) as caught:
            decoded(Event("", data), asked)
        assert caught.value.fault is ModelFault.NONSENSE
