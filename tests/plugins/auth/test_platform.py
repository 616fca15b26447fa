"""The MiMo platform hands its key to this machine alone."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode_plugins.auth.platform.login import Keys
from mimocode_plugins.auth.ways import Gone
from support.cli import Cli
from support.front import Front
from support.identity import Platform, give_browser, sealed
from support.logging_in import READY
from support.model_server import ModelServer
from support.tty import terminal

KEY = "sk-mimo-canary-1234567890"
MODELS = ["mimo-v2.6-pro", "mimo-v2.6-flash", "mimo-v2.5-pro", "mimo-v2.5", "mimo-v2-flash"]


def test_from_the_login_in_the_browser_to_a_model_that_works(cli: Cli) -> None:
    give_browser(cli)
    with ModelServer([READY], key=KEY, models=MODELS) as server:
        platform = Platform(sk=KEY, uid="4711", url=f"{server.url}/v1")
        with Front(platform.routes()) as front:
            with terminal(cli, "setup", "mimo", columns=120, rows=40, MIMO_PLATFORM_URL=front.url) as tty:
                tty.wait("Logged in as 4711")
                tty.wait("Begin with")
                assert tty.end() == 0
                assert "tool calls: yes" in tty.text
                assert KEY not in tty.text
        [query] = platform.asked
        assert query["kn"] == "mimocode"
        name = (cli.home / ".local/share/mimocode/mimo-key-name").read_text().strip()
        assert re.fullmatch(r"mimo-code-cli-key-[0-9a-f]{8}", name)
        assert query["key_name"] == name
    record = json.loads((cli.home / ".local/share/mimocode/auth.json").read_text())["xiaomi"]
    assert record == {"type": "api", "key": KEY, "metadata": {"uid": "4711", "base_url": f"{server.url}/v1"}}
    assert cli("auth", "whoami").out == "xiaomi  4711\n"
    assert KEY not in (cli.home / ".config/mimocode/mimocode.jsonc").read_text()


@pytest.mark.parametrize("why", ["no browser", "ssh"])
def test_where_no_browser_comes_back_a_code_is_pasted(cli: Cli, why: str) -> None:
    if why == "ssh":
        give_browser(cli)
        cli.env["SSH_CONNECTION"] = "10.0.0.1 50000 10.0.0.2 22"
    else:
        cli.env |= {"BROWSER": "/nonexistent-browser", "DISPLAY": "", "WAYLAND_DISPLAY": "", "PATH": "/nonexistent"}
    with ModelServer([READY], key=KEY, models=MODELS) as server:
        platform = Platform(sk=KEY, url=f"{server.url}/v1")
        with terminal(cli, "setup", "mimo", columns=1000, rows=40, MIMO_PLATFORM_URL="http://127.0.0.1:9") as tty:
            tty.wait("The code")
            url = re.search(r"http://127.0.0.1:9/authorize\S+", tty.text)
            assert url
            query = dict(parse_qsl(urlsplit(url[0]).query))
            assert query["redirect_uri"] == "http://127.0.0.1:9/authorize/code/callback"
            tty.send("nonsense\r")
            tty.wait("That is not the code of this login")
            tty.send(platform.code(query["pk"]) + "\r")
            tty.wait("Begin with")
            assert tty.end() == 0


def test_a_login_of_the_original_is_used_at_the_address_it_is_for(cli: Cli) -> None:
    with ModelServer([{"text": "Hello."}, {"text": "Hello."}], key=KEY, models=MODELS) as server:
        auth = cli.home / ".local/share/mimocode/auth.json"
        auth.parent.mkdir(parents=True)
        metadata = {"uid": "1", "base_url": f"{server.url}/v1"}
        auth.write_text(json.dumps({"xiaomi": {"type": "api", "key": KEY, "metadata": metadata}}))
        assert cli("run", "-m", "xiaomi/mimo-v2.5-pro", "Hi").out == "Hello.\n"
        with ModelServer([{"text": "Mine."}], models=MODELS) as own:
            cli.settings(provider={"xiaomi": {"options": {"baseURL": f"{own.url}/v1"}}})
            assert cli("run", "-m", "xiaomi/mimo-v2.5-pro", "Hi").out == "Mine.\n", "what the user writes wins"
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("grant", "why"),
    [
        ({"uid": "1"}, "the platform sent no key"),
        ({"sk": KEY, "url": "http://plain.example/v1"}, "an address that is not encrypted"),
        ({"sk": KEY, "url": "http://localhost.evil.example/v1"}, "an address that is not encrypted"),
    ],
)
def test_a_grant_that_is_not_good_enough(cli: Cli, grant: dict[str, str], why: str) -> None:
    give_browser(cli)
    with Front(Platform(**grant).routes()) as front:
        with terminal(cli, "setup", "mimo", columns=120, rows=40, MIMO_PLATFORM_URL=front.url) as tty:
            tty.wait(why)
            assert tty.end() == 130


@given(st.binary(max_size=80))
def test_what_was_not_meant_for_us_is_refused(noise: bytes) -> None:
    keys, others = Keys(), Keys()
    for said in (noise.hex(), noise.decode("latin-1"), sealed(others.public, {"sk": "k"}), sealed(keys.public, [1])):
        with pytest.raises(Gone):
            keys.opened(said)
    assert keys.opened(sealed(keys.public, {"sk": "k"})) == {"sk": "k"}
