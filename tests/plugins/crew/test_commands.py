"""What begins like a slash command is one only if somebody registered it."""

import pytest

from mimocode import Command, Say, hookimpl
from mimocode.testing import play, talk
from mimocode_plugins.crew import commands


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


async def test_a_command_that_breaks_is_reported_and_the_text_goes_through() -> None:
    class Broken:
        @hookimpl
        async def register_commands(self) -> list[Command]:
            async def crash(arguments: str, session: object) -> str:
                raise RuntimeError("no greeting today")

            return [Command("crash", "Break", crash)]

    async with play("ok", plugins=[Broken(), commands]) as session:
        await session.submit(Say("/crash now"))
        await session.settled()
        assert talk(session) == ["user: /crash now", "assistant: ok"]
        assert "no greeting today" in str(session.host.plugins.broken)
