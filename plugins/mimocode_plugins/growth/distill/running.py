"""`/distill`, `mimo distill`, and a word by itself when there is something to propose."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError, UsageError

from .. import keeping
from ..asking import Asker, apart, asker, held, small, usual
from ..idling import is_due
from ..ports import Past
from . import hookspecs
from .forms import FORMS, Context, asked
from .mining import workflows
from .proposing import Proposal, place, proposals, there
from .settings import Distill
from .steps import Step, steps
from .trying import Trial, Tried, summary, workshop
from .wording import ask, fitting

if TYPE_CHECKING:
    from pathlib import Path

    from mimocode.host import Host
    from mimocode.session import Session

PLUGIN = "distill"
PLAINLY = "only in words that need no model"
"""What is said of proposals that a model could not word, before why."""


def wishes(host: Host) -> Distill:
    """The settings."""
    said = host.settings["distill"]
    return said if isinstance(said, Distill) else Distill(**said)


async def past_of(host: Host) -> Past:
    """The project's past.

    Raises:
        UsageError: nobody does.
    """
    if (past := await host.hooks.first(hookspecs.open_past, host=host)) is None:
        raise UsageError("no plugin knows the past of this project")
    return past


async def found(host: Host, form: str = "") -> tuple[list[Proposal], int]:
    """What could be written and is not there yet, and how many sessions were looked through."""
    past, store = await past_of(host), await host.store()
    infos = {info.id: info for info in held(await past.sessions())}

    def context(id: str, places: tuple[Step, ...]) -> Context:
        return Context(asked(store.read(id), places[0].seq), delegated=bool(infos[id].parent))

    def work() -> list[Proposal]:
        done = workflows({id: steps(store.read(id)) for id in infos})
        contexts = {id: context(id, row) for each in done for id, row in each.places.items()}
        return [each for each in proposals(done, past.redact, form, contexts) if not there(host.root, each)]

    return await asyncio.to_thread(work), len(infos)


async def put_into_words(host: Host, proposed: list[Proposal], asker: Asker | None) -> tuple[list[Proposal], list[str]]:
    """Proposals in the words that a model found for them now or before, and why some have those that need no model.

    Good words are kept, so that nobody is asked twice about the same steps and `keep` writes what was shown.
    """
    place, redact = _place(host), (await past_of(host)).redact
    known: dict[str, Any] = dict(keeping.load(place).get("words", {}))
    taken = {*await host.agents(), *await host.commands(), *(each.name for each in proposed)}
    good, _ = fitting(proposed, known, redact, taken)
    why = list[str]()
    if asker and (rest := [each for each in proposed if each.key not in good]):
        taken |= {each.name for each in good.values()}
        answers = await ask(asker, rest, taken)
        more, why = fitting(rest, answers, redact, taken)
        if more:
            keeping.save(place, keeping.load(place) | {"words": known | {key: answers[key] for key in more}})
        good |= more
        why += [asker.trouble] * bool(asker.trouble)
    return [good.get(each.key, each) for each in proposed], why


def told(proposal: Proposal, trial: Trial) -> str:
    """A proposal with its evidence, what is wrong with it and what came of trying it."""
    lines = [
        f"{proposal.form} {proposal.name}: {proposal.evidence}",
        f"  {'an' if proposal.form == 'agent' else 'a'} {proposal.form}, because {proposal.why}",
    ]
    if proposal.words:
        lines += [f"  {proposal.description}", *(f"  | {line}" for line in proposal.body.splitlines())]
    rows = trial.steps or [Tried(step, "left out") for step in proposal.steps]
    for number, tried in enumerate(rows, 1):
        came = {"works": "works", "failed": f"failed, {tried.why}", "left out": f"not tried, {tried.why}"}
        lines.append(f"  {number}. {tried.step}  [{came[tried.outcome]}]")
    lines += [f"  ! {each}" for each in trial.wrong]
    if not trial.wrong:
        lines.append(f"  it loads; {summary(trial)}")
    return "\n".join(lines)


def write(root: Path, proposal: Proposal, trial: Trial) -> Path:
    """Write the file.

    Raises:
        UsageError: something is wrong with it, or there is a file of that name.
    """
    path = place(root, proposal)
    if trial.wrong:
        raise UsageError(f"{proposal.name} is not written: {'; '.join(trial.wrong)}")
    if path.exists():
        raise UsageError(f"{path} is there already")
    keeping.write(path, proposal.text())
    return path


async def slash(arguments: str, session: Session) -> None:
    """`/distill`: what could be written; `/distill keep NAME`: write it, in this project."""
    host = session.host
    proposed, count = await found(host)
    word, _, name = arguments.strip().partition(" ")
    if word and word != "keep":
        raise UsageError(f"there is no /distill {word}: say /distill, or /distill keep NAME")
    model = "" if word else session.model_ref or await usual(host)
    someone = asker(session, PLUGIN, wishes(host), model) if not word else None
    proposed, why = await put_into_words(host, proposed, someone)
    if word:
        proposed = [each for each in proposed if name.strip() in (each.name, each.counted)] or _nothing(name, proposed)
    lines = []
    async with workshop(host, (await past_of(host)).redact) as bench:
        for each in proposed:
            trial = await bench.tried(each)
            lines.append(f"wrote {write(host.root, each, trial)}\n{summary(trial)}" if word else told(each, trial))
    if not word:
        lines = [keeping.looked_through(count), *lines] + ["/distill keep NAME writes one"] * bool(proposed)
        lines += [f"{PLAINLY}: {each}" for each in why]
        lines += [] if proposed else ["nothing was done often enough to write it down"]
    await session.notice(PLUGIN, "\n".join(lines))


def _nothing(name: str, proposed: list[Proposal]) -> list[Proposal]:
    names = ", ".join(each.name for each in proposed) or "nothing"
    raise UsageError(f"there is no {name.strip()!r} to keep; there is {names}")


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mimo distill`."""
    parser.add_argument("--dry-run", action="store_true", help="only show what could be written")
    parser.add_argument(
        "--form", choices=FORMS, default="", help="what to write; default: what the evidence speaks for"
    )
    parser.add_argument("--no-model", action="store_true", help="ask no model for names and descriptions")
    parser.add_argument("-y", "--yes", action="store_true", help="write all of them without asking")


async def run(args: argparse.Namespace, host: Host) -> int:
    """`mimo distill`: proposals to stdout; each is asked about before it is written."""
    proposed, count = await found(host, args.form)
    sys.stderr.write(f"{keeping.looked_through(count)}, {len(proposed)} to propose\n")
    proposed, why = (proposed, []) if args.no_model else await _worded(host, proposed)
    sys.stderr.writelines(f"{PLAINLY}: {each}\n" for each in why)
    failed = 0
    async with workshop(host, (await past_of(host)).redact) as bench:
        for each in proposed:
            trial = await bench.tried(each)
            sys.stdout.write(told(each, trial) + "\n")
            sys.stdout.flush()
            if args.dry_run or not (args.yes or _agreed(each)):
                continue
            try:
                if args.yes and trial.failed is not None:
                    raise UsageError(f"{each.name} is not written: {trial.failed.step!r} failed when it was tried")
                sys.stderr.write(f"wrote {write(host.root, each, trial)}\n")
            except MimoError as error:
                failed = 1
                sys.stderr.write(f"mimo: {error}\n")
    if proposed and not (args.dry_run or args.yes or sys.stdin.isatty()):
        sys.stderr.write("nothing was written: nobody is there to ask; --yes writes them\n")
    return failed


async def _worded(host: Host, proposed: list[Proposal]) -> tuple[list[Proposal], list[str]]:
    """Proposals in the words of the model that is configured, if there is one."""
    model = small(host, wishes(host).model) or await usual(host)
    if not model or not proposed:
        return await put_into_words(host, proposed, None)
    async with apart(host, PLUGIN) as session:
        return await put_into_words(host, proposed, asker(session, PLUGIN, wishes(host), model))


def _agreed(proposal: Proposal) -> bool:
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"Write the {proposal.form} {proposal.name}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


async def due(session: Session) -> bool:
    """Whether nobody looked for so many days."""
    state = keeping.load(_place(session.host))
    oldest = min((info.created for info in await (await past_of(session.host)).sessions()), default=0.0)
    return is_due(float(state.get("ran", 0)), oldest, wishes(session.host).interval_days)


def _place(host: Host) -> Path:
    return keeping.folder(host, PLUGIN, host.root)


async def by_itself(session: Session) -> None:
    """Look, and say what there is; nothing is written."""
    with keeping.alone(_place(session.host)) as mine:
        if not mine or not await due(session):
            return
        host = session.host
        proposed, _ = await found(host)
        someone = asker(session, PLUGIN, wishes(host))
        proposed, _ = await put_into_words(host, proposed, someone if someone.model else None)
        keeping.save(_place(host), keeping.load(_place(host)) | {"ran": time.time()})
        if proposed:
            names = ", ".join(f"{each.form} {each.name} ({len(each.sessions)} times)" for each in proposed)
            say = f"this was done again and again and could be written down: {names}; /distill shows how"
            await session.notice(PLUGIN, say)
