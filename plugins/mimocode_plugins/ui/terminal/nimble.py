"""Keys are answered first: what else the process does gives way, and is done when nobody looks."""

from __future__ import annotations

import gc
import sys
import threading

TURN = 0.0005
"""Seconds that another thread may compute while this one has something to do. Python's own 5 ms, for each time that a
frame waits for the terminal or the log, is what makes typing sticky while a library is loaded beside it.
"""
SAMPLE = "*a*\n\n|a|\n|-|\n|b|\n\n```python\na = 1\n```\n"


def nimble() -> None:
    """Let other threads give way sooner. What is loaded by now stays: the collector need not look at it again."""
    sys.setswitchinterval(TURN)
    gc.freeze()


def load_ahead() -> None:
    """Load, while the model is waited for, what its answer is drawn with."""

    def load() -> None:
        from ..shown.look import Look
        from ..shown.prose import prose

        prose(SAMPLE, Look(depth="standard"))

    threading.Thread(target=load, name="load drawing", daemon=True).start()
