"""The ways to a model as a menu: choose one, walk it, see whether it leads somewhere, else choose again."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError, UsageError
from mimocode.host import Host
from mimocode.ports import Model

from . import hookspecs
from .asking import Asking, Left
from .trial import Verdict, attempt

if TYPE_CHECKING:
    from collections.abc import Sequence

DEMO = "demo"
LATER = "later"


async def ways(host: Host) -> list[Any]:
    """Every way that some plugin offers, the best first."""
    offers = await host.hooks.collect(hookspecs.ways_in, host=host)
    return sorted((way for offer in offers for way in offer), key=lambda way: (way.rank, way.title))


async def walk(host: Host, name: str = "", ask: Asking | None = None) -> Verdict | None:
    """Ask until a model works, and choose it for sessions to come; None when the user would rather see the demo.

    Args:
        name: a way to take without asking which.

    Raises:
        Left: the user left.
        UsageError: there is no such way.
    """
    ask = ask or Asking()
    offered = await ways(host)
    while True:
        way = _named(name, offered) if name else await _chosen(ask, offered)
        if way is None:
            return None
        try:
            said = await way.run(ask, fresh(host))
            verdict = await settle(said, host, ask)
        except Left:
            if name:
                raise
            ask.say("Back to the menu; the same again leaves it.")
            continue
        except MimoError as error:
            ask.say(f"✗ {error}")
            if name:
                raise Left("nothing was set up") from None
            offered = [each for each in offered if each is not way] + [way]
            continue
        if verdict.works or name:
            return verdict
        ask.say("Choose another way, or the same again.")


async def settle(said: str, host: Host, ask: Asking) -> Verdict:
    """Try the model that a way led to; if it works it becomes the user's."""
    after = fresh(host)
    ref = said if "/" in said else await best(said, after)
    ask.say(f"One request to {ref} …")
    verdict = await attempt(ref, after)
    for line in verdict.lines():
        ask.say(line)
    if verdict.works:
        own = getattr(after.workspace, "own_settings", None)
        before = own.value(["model"]) if own is not None else None
        if (
            own is not None
            and before != ref
            and (before is None or await ask.agree(f"Use it in place of {before}?", True))
        ):
            own.put(["model"], ref)
            ask.say(f"It is the model of new sessions; see {own.path}.")
    return verdict


async def best(provider: str, host: Host) -> str:
    """The model of a provider (or of all) that suits those who chose none.

    Raises:
        ModelError: there is none.
    """
    if not provider:
        return await host.default_model()
    infos = [info for info in await host.models() if info.ref.startswith(f"{provider}/")]
    if not infos:
        raise UsageError(f"no model of {provider} is known")
    return max(infos, key=lambda info: (info.ready, info.rank)).ref


def fresh(host: Host) -> Host:
    """The same workspace with its settings read again."""
    return Host(
        host.plugins, directory=host.directory, environ=host.environ, options=host.options, trusted=host.trusted
    )


async def missing(host: Host) -> str | None:
    """Why there is no model for new sessions: "" when nobody has chosen one yet; None when there is one."""
    try:
        ref = await host.default_model()
    except MimoError as error:
        chosen = host.settings["model"] if "model" in host.settings else ""  # noqa: SIM401  not a dict
        return str(error) if chosen else ""
    try:
        model: Model = await host.model(ref)
    except MimoError as error:
        return str(error)
    if (close := getattr(model, "close", None)) is not None:
        await close()
    return None


async def demo() -> int:
    """Show the scripted demo, in a process of its own: it has its own workspace."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "mimocode.main", "demo")
    return await process.wait()


async def _chosen(ask: Asking, offered: Sequence[Any]) -> Any:
    options = [(way.name, f"{way.title}{f'  ({way.hint})' if way.hint else ''}") for way in offered]
    options += [(DEMO, "See it work first: the scripted demo, without a model"), (LATER, "Later")]
    name = await ask.choose("How do you want to get a model?", options)
    if name == LATER:
        raise Left("`mimo setup` brings this back")
    return None if name == DEMO else next(way for way in offered if way.name == name)


def _named(name: str, offered: Sequence[Any]) -> Any:
    if name == DEMO:
        return None
    for way in offered:
        if way.name == name:
            return way
    names = ", ".join([*(way.name for way in offered), DEMO])
    raise UsageError(f"there is no way {name!r}; there is {names}")
