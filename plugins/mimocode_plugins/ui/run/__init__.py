"""`mimo run "message"`: one message, the work it takes, the answer; for scripts, CI and quick questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    import argparse

    from mimocode.events import Fact
    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.ports import Prompt
    from mimocode.session import Session


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo run`."""
    commands.add("run", "Send one message, let the agent work, print its answer", _run, _arguments)


@hookimpl
async def shape_prompt(prompt: Prompt, session: Session) -> Prompt | None:
    """Pass `--variant` to the provider."""
    if not (variant := session.host.options.get("variant")):
        return None
    from dataclasses import replace

    return replace(prompt, options={**prompt.options, "variant": variant})


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """Answer approvals, also those of children, while nobody is there to ask."""
    from mimocode.events import ApprovalAsked

    from ..approvals import UNATTENDED

    if isinstance(fact, ApprovalAsked) and (unattended := session.host.stash.get(UNATTENDED)):
        await unattended.answer(fact, session)


def _arguments(parser: argparse.ArgumentParser) -> None:
    from .arguments import declare

    declare(parser)


async def _run(args: argparse.Namespace, host: Host) -> int:
    from .command import run

    return await run(args, host)
