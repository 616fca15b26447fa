"""What a crowd is worth: `python tests/bench/bench_maxmode.py [runs] [skill]`. Not collected by pytest.

A task takes 20 steps which must all be right; the model is right in 60 % of its answers, and wrong in one of 20 ways.
Prints, by the number of candidates: how many tasks of `runs` (200) are solved, how many steps are right before the
first wrong one, and how often the model is asked for a step, the judge included. The judge only counts votes.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "kernel"), str(ROOT / "plugins"), str(ROOT / "tests")]

from support.noisy import worked  # noqa: E402

STEPS = 20
CROWDS = (1, 3, 5, 7, 9)


async def main(runs: int, skill: float) -> None:
    """Run and print."""
    print(f"{STEPS} steps, a model that is right in {skill:.0%} of its answers, {runs} runs each")
    print("candidates   solved   steps right   calls a step")
    for candidates in CROWDS:
        done = [await worked(seed, skill, STEPS, candidates) for seed in range(runs)]
        solved = sum(run.solved for run in done) / runs
        right = sum(run.right for run in done) / runs
        calls = sum(run.calls for run in done) / runs / STEPS
        name = "single" if candidates == 1 else str(candidates)
        print(f"{name:>10}   {solved:6.1%}   {right:11.1f}   {calls:12.1f}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 200, float(sys.argv[2]) if sys.argv[2:] else 0.6))
