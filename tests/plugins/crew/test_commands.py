"""What begins like a slash command is one only if somebody registered it."""

import asyncio

import pytest

from mimocode import Command, Say, hookimpl
from mimocode.errors import Overrun
from mimocode.events import TurnEnded
from mimocode.testing import play, talk
from mimocode_plugins.crew import commands
from mimocode_plugins.crew.commands import calling


class Greetings:
    """Two commands: one puts words in, one is all that happens."""

    @hookimpl
    async def register_commands(self) -> list[Command]:
        async def greet(arguments: str, session: object) -> str:
            return f"Greet [{arguments}]."

        async def quiet(arguments: str, session: object) -> None:
            return None

        return [Command("greet", "Greet", greet), Command("quiet", "Say nothing", quiet)]


async def heard(text: str) -> list[str]:
    """The conversation after the user said this."""
    async with play("ok", plugins=[Greetings(), commands]) as session:
        await session.submit(Say(text))
        await session.settled()
        return talk(session)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("/greet Ada Lovelace", "Greet [Ada Lovelace]."),
        ("/greet", "Greet []."),
        ("/greet\nAda\n Lovelace\n", "Greet [Ada\n Lovelace]."),
        ("/unknown Ada", "/unknown Ada"),
        ("/greetings Ada", "/greetings Ada"),
        ("/ greet Ada", "/ greet Ada"),
        ("/usr/bin/greet is broken", "/usr/bin/greet is broken"),
        ("say /greet Ada", "say /greet Ada"),
        ("/", "/"),
    ],
)
async def test_what_the_agent_is_told(said: str, told: str) -> None:
    assert await heard(said) == [f"user: {told}", "assistant: ok"]


async def test_a_command_that_was_all_starts_no_turn() -> None:
    assert await heard("/quiet") == []


class Odd:
    """Commands as beginners write them."""

    @hookimpl
    async def register_commands(self) -> list[Command]:
        async def crash(arguments: str, session: object) -> str:
            raise RuntimeError("no greeting\ntoday")

        async def block(arguments: str, session: object) -> None:
            raise Overrun("other", "blocked everything")

        def plain(arguments: str, session: object) -> str:
            return f"Plain {arguments}."

        async def number(arguments: str, session: object) -> int:
            return 42

        async def never(arguments: str, session: object) -> None:
            await asyncio.sleep(3600)

        made = {"crash": crash, "block": block, "plain": plain, "number": number, "never": never}
        return [Command(name, "Odd", run) for name, run in made.items()]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ("/crash now", "/crash broke: RuntimeError: no greeting today"),
        ("/block", "/block was stopped: plugin other: blocked everything"),
        ("/number", "/number broke: TypeError: it gave int in the place of text"),
        ("/never", "/never took longer than 0.01 s and was stopped"),
    ],
)
async def test_a_command_that_breaks_is_named_and_costs_no_other(
    said: str, ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "PATIENCE", 0.01)
    async with play("ok", plugins=[Odd(), commands]) as session:
        store = await session.host.store()
        for text in (said, "/plain tea"):
            await session.submit(Say(text))
            await session.settled()
        ended = [entry.event for entry in store.read(session.id) if isinstance(entry.event, TurnEnded)]
        assert (ended[0].reason, ended[0].detail) == ("failed", ends)
        assert talk(session)[-2:] == ["user: Plain tea.", "assistant: ok"]
        assert session.host.plugins.broken == {}
