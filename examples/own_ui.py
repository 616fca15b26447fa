"""A front end of your own: `mimo terse "message"` prints the answer and a dot for every tool that ran.

Offer it as an entry point (see hello_plugin), or hand it to a host: Host([*DEFAULT, own_ui]).
"""

import asyncio

from mimocode import Say, TextDelta, TurnEnded, hookimpl
from mimocode.events import ApprovalAsked, Approve, CallFinished


@hookimpl
def register_cli(commands):
    commands.add("terse", "Ask, and print little", run, lambda parser: parser.add_argument("message"))


async def run(args, host):
    async with host.open() as session:
        showing = asyncio.create_task(show(session))
        await asyncio.sleep(0)  # it listens from here on
        await session.submit(Say(args.message))
        return await showing


async def show(session):
    async for entry in session.follow():
        match entry.event:
            case TextDelta(text=text):
                print(text, end="", flush=True)
            case CallFinished():
                print(".", end="", flush=True)
            case ApprovalAsked(call=call):
                await session.submit(Approve(call.id, False))
            case TurnEnded(reason=reason, detail=detail):
                print(detail if reason != "done" else "")
                return 0 if reason == "done" else 1
    return 1
