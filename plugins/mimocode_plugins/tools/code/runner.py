"""Runs one program, as a process of its own that can compute and talk to its parent, and nothing else.

Started as a file, without our packages. It imports what programs may use and then lets the kernel refuse every system
call that is not needed for computing: nothing can be opened, sent, started or signalled from here on, whatever the
program does, native code included. Numbers are those of `asm/unistd.h` and `linux/filter.h`, `linux/seccomp.h`.
"""

from __future__ import annotations

# ruff: noqa: F401 - programs import these, and after `confined` nothing can be loaded any more
import array
import base64
import binascii
import bisect
import calendar
import collections.abc
import contextlib
import copy
import csv
import ctypes
import dataclasses
import datetime
import decimal
import difflib
import enum
import fnmatch
import fractions
import functools
import hashlib
import heapq
import html
import io
import itertools
import json
import linecache
import math
import operator
import os
import pathlib
import pprint
import random
import re
import resource
import statistics
import string
import struct
import sys
import textwrap
import time
import traceback
import types
import typing
import unicodedata
import urllib.parse
import zlib
from typing import Any

_NAME = "<program>"
_ALLOW, _ERRNO, _EPERM = 0x7FFF0000, 0x00050000, 1
CALLS = {
    "x86_64": (0xC000003E, "0 1 3 5 8 9 10 11 12 13 14 15 24 25 28 35 39 60 96 131 186 201 202 219 228 229 230 231 "
               "318"),
    "aarch64": (0xC00000B7, "63 64 57 80 62 222 226 215 214 134 135 139 124 216 233 101 172 93 169 132 178 98 128 113 "
                "114 115 94 278"),
}  # fmt: skip
"""Number of the architecture, and what stays allowed: read write close fstat lseek mmap mprotect munmap brk
rt_sigaction rt_sigprocmask rt_sigreturn sched_yield mremap madvise nanosleep getpid exit gettimeofday sigaltstack
gettid time (x86_64 only) futex restart_syscall clock_gettime clock_getres clock_nanosleep exit_group getrandom."""


class ToolError(Exception):
    """A call that failed or was not allowed."""


class Parent:
    """The other end of the pipes. Programs talk to nobody else."""

    def __init__(self) -> None:
        self._in, self._out = os.fdopen(0, "rb", closefd=False), os.fdopen(1, "wb", buffering=0, closefd=False)
        self._count = 0

    def tell(self, **message: Any) -> None:
        """Say something."""
        self._out.write(json.dumps(message).encode() + b"\n")

    def hear(self) -> Any:
        """What is answered next; without a parent there is nothing left to do."""
        line = self._in.readline()
        if not line:
            os._exit(3)
        return json.loads(line)

    def ask(self, calls: list[tuple[str, dict[str, Any]]]) -> list[Any]:
        """Make calls at once; their results in order, of those that failed a ToolError."""
        try:
            plain = [(str(name), json.loads(json.dumps(dict(arguments)))) for name, arguments in calls]
        except (TypeError, ValueError) as error:
            raise TypeError(f"a call is a name and plain data: {error}") from None
        numbers = range(self._count, self._count + len(plain))
        self._count += len(plain)
        for number, (name, arguments) in zip(numbers, plain, strict=True):
            self.tell(do="call", id=number, name=name, arguments=arguments)
        found: dict[int, Any] = {}
        while len(found) < len(plain):
            answer = self.hear()
            found[answer["id"]] = ToolError(answer["error"]) if "error" in answer else answer["text"]
        return [found[number] for number in numbers]


class Printed(io.TextIOBase):
    """What is printed goes to the parent, in pieces of some size."""

    def __init__(self, parent: Parent) -> None:
        self._parent, self._kept = parent, io.StringIO()

    def writable(self) -> bool:
        """It is for writing."""
        return True

    def write(self, text: str) -> int:
        """Keep it until there is enough."""
        self._kept.write(text)
        if self._kept.tell() > 8_192:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Pass on what is there."""
        if text := self._kept.getvalue():
            self._kept = io.StringIO()
            self._parent.tell(do="print", text=text)


class Tools:
    """Every tool as a function of its arguments."""

    def __init__(self, parent: Parent, names: list[str]) -> None:
        for name in names:
            setattr(self, name, functools.partial(self._call, parent, name))

    @staticmethod
    def _call(parent: Parent, name: str, /, **arguments: Any) -> str:
        result = parent.ask([(name, arguments)])[0]
        if isinstance(result, ToolError):
            raise result
        return str(result)


def confined(memory: int) -> None:
    """From here on this process can only compute.

    Args:
        memory: megabytes that it may use.

    Raises:
        OSError: this machine cannot make sure of that.
    """
    size = memory * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux" or os.uname().machine not in CALLS or sys.maxsize < 2**32:
        raise OSError("it can only be held on 64-bit Linux")
    libc = ctypes.CDLL(None, use_errno=True)
    code = b"".join(struct.pack("=HBBI", *each) for each in program(os.uname().machine))
    buffer = ctypes.create_string_buffer(code, len(code))

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    filled = Filter(len(code) // 8, ctypes.addressof(buffer))
    for words in ((38, 1, 0, 0, 0), (22, 2, ctypes.byref(filled), 0, 0)):  # no new privileges; the filter
        if libc.prctl(*words) < 0:
            raise OSError(ctypes.get_errno(), f"the kernel gives no seccomp: {os.strerror(ctypes.get_errno())}")


def program(machine: str) -> list[tuple[int, int, int, int]]:
    """The filter: instructions of classic BPF (operation, jump if true, jump if false, value)."""
    number, calls = CALLS[machine]
    allowed = [int(call) for call in calls.split()]
    refuse, allow = (6, 0, 0, _ERRNO | _EPERM), (6, 0, 0, _ALLOW)
    code = [(0x20, 0, 0, 4), (0x15, 1, 0, number), refuse, (0x20, 0, 0, 0)]
    for call in allowed:  # calls of the second table of x86_64 have other numbers, and so are refused, too
        code += [(0x15, 0, 1, call), allow]
    return [*code, refuse]


def main() -> None:
    """Read the order, give up everything, run it, say how it ended."""
    parent = Parent()
    order = parent.hear()
    source = order["code"]
    printed = Printed(parent)
    linecache.cache[_NAME] = (len(source), None, [f"{line}\n" for line in source.split("\n")], _NAME)
    traceback.format_exception(ValueError("loads what it needs"))
    try:
        confined(order["memory"])
    except (OSError, ValueError) as error:
        parent.tell(do="unfit", error=str(error))
        return
    sys.stdout = sys.stderr = printed
    names = {"tools": Tools(parent, order["tools"]), "parallel": parent.ask, "ToolError": ToolError}
    why = ""
    try:
        exec(compile(source, _NAME, "exec"), {"__name__": "__main__", **names})
    except SystemExit as end:
        why = "" if end.code in (None, 0) else f"The program ended with exit code {end.code}."
    except BaseException as failure:
        lines = traceback.format_exception(failure)
        why = "".join(line for line in lines if f'File "{__file__}"' not in line).strip()
    printed.flush()
    parent.tell(do="end", error=why)


if __name__ == "__main__":
    main()
    os._exit(0)
