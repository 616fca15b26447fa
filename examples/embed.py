"""MiMo Code as a library: ask for something in a folder, watch the work, get the answer.

python examples/embed.py ~/src/project "What does this project do?"
"""

import asyncio
import sys
from pathlib import Path

from mimocode import Approve, Say, TurnEnded
from mimocode.events import ApprovalAsked, CallFinished
from mimocode.host import Host


async def ask(directory: Path, question: str) -> str:
    host = Host(directory=directory, complain=lambda line: print(line, file=sys.stderr))
    async with host.open() as session:
        watching = asyncio.create_task(watch(session))
        await asyncio.sleep(0)  # it listens from here on
        await session.submit(Say(question))
        await watching
        answer = session.last_words()
    host.close()
    return answer


async def watch(session) -> None:
    async for entry in session.follow():
        match entry.event:
            case ApprovalAsked(call=call):
                await session.submit(Approve(call.id, False, "Only look, change nothing."))
            case CallFinished(call_id=call_id, error=error):
                print("tool", call_id, "failed" if error else "ok", file=sys.stderr)
            case TurnEnded():
                return


if __name__ == "__main__":
    print(asyncio.run(ask(Path(sys.argv[1]), sys.argv[2])))
