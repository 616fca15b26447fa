"""Runs one workflow script, as a process of its own that has nothing but the pipe to its parent.

It is started as a file, without our packages, and imports all it needs before it gives up the right to open anything:
no files, no sockets, no new processes. The script sees the names below and no others; whatever it wants done it asks
for over the pipe, a JSON value per line. When the pipe closes the process ends.
"""

from __future__ import annotations

import builtins
import json
import os
import resource
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

NAMES = (
    "abs all any bool dict divmod enumerate filter float frozenset int isinstance len list map max min range reversed "
    "round set sorted str sum tuple zip Exception ValueError KeyError TypeError IndexError"
)
SIDE_BY_SIDE = 64
"""Functions of one parallel() that run at once; those who wait for agents cost nothing."""
OPTIONS: dict[str, Any] = {
    "agent": "",
    "model": "",
    "schema": None,
    "isolation": "",
    "merge": False,
    "label": "",
    "phase": "",
    "timeout": 0,
    "retries": 0,
    "context": "",
}
"""What an order may say, and what it says when it says nothing."""
STACK = 512 * 1024


class Fatal(BaseException):
    """The run cannot go on; scripts do not catch it."""


class Parent:
    """The other end of the pipe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Any]] = {}
        self._count = 0

    def tell(self, **message: Any) -> None:
        """Send something that needs no answer."""
        line = json.dumps(message, ensure_ascii=False)
        with self._lock:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    def ask(self, do: str, **message: Any) -> Any:
        """Ask for something and wait for the answer."""
        answer: Future[Any] = Future()
        with self._lock:
            self._count += 1
            number = self._count
            self._waiting[number] = answer
        try:
            self.tell(do=do, id=number, **message)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{do}() got something that is not plain data: {error}") from None
        return answer.result()

    def listen(self) -> None:
        """Pass answers on until the pipe closes, which ends the process."""
        for line in sys.stdin:
            message = json.loads(line)
            answer = self._waiting.pop(message["id"])
            if "fatal" in message:
                answer.set_exception(Fatal(message["fatal"]))
            else:
                answer.set_result(message.get("value"))
        os._exit(3)


class Given:
    """What a script finds, beside plain Python: its public methods."""

    def __init__(self, parent: Parent, stack: list[str]) -> None:
        self._parent, self._stack, self._phase = parent, stack, ""

    def agent(self, prompt: object, **opts: Any) -> Any:
        """Let an agent work; its result, or None when it failed."""
        strange = sorted(opts.keys() - OPTIONS.keys())
        if strange:
            raise TypeError(f"agent() has no option {', '.join(strange)}; there is {', '.join(OPTIONS)}")
        wish = {**OPTIONS, "phase": self._phase, **opts}
        return self._parent.ask("agent", prompt=str(prompt), opts=wish, stack=self._stack)

    def parallel(self, functions: Iterable[Callable[[], Any]]) -> list[Any]:
        """Call all of them at once; their results in order."""
        functions = list(functions)
        if not functions:
            return []
        with ThreadPoolExecutor(min(len(functions), SIDE_BY_SIDE)) as pool:
            return [each.result() for each in [pool.submit(function) for function in functions]]

    def pipeline(self, items: Iterable[Any], *stages: Callable[[Any], Any]) -> list[Any]:
        """Take each item through all stages, the items side by side."""

        def through(item: Any) -> Any:
            for stage in stages:
                item = stage(item)
            return item

        return self.parallel([partial(through, item) for item in items])

    def dag(self, nodes: list[dict[str, Any]], run: Callable[[Any, dict[str, Any]], Any]) -> list[dict[str, Any]]:
        """Call run(node, results) for nodes {"id", "needs"} once what they need is there; results in order."""
        done: dict[str, Any] = {}
        for batch in batches(nodes):
            results = self.parallel([partial(run, node, dict(done)) for node in batch])
            done |= {node["id"]: result for node, result in zip(batch, results, strict=True)}
        return [{"id": node["id"], "result": done[node["id"]]} for node in nodes]

    def phase(self, name: object) -> None:
        """Say what comes now."""
        self._phase = str(name)
        self._parent.tell(do="phase", name=str(name))

    def log(self, *words: object) -> None:
        """Say something to whoever watches."""
        self._parent.tell(do="log", text=" ".join(str(word) for word in words))

    def workflow(self, name: str, args: Any = None) -> Any:
        """Run another workflow and return its result."""
        if name in self._stack:
            raise Fatal(f"workflows call each other in a circle: {' -> '.join([*self._stack, name])}")
        source = self._parent.ask("load", name=str(name), depth=len(self._stack))
        return execute(source, self._parent, [*self._stack, name], args or {})

    def read_file(self, path: str) -> Any:
        """The text of a file of the project, or None."""
        return self._parent.ask("read", path=str(path))

    def find_files(self, pattern: str) -> Any:
        """Files of the project by a glob pattern."""
        return self._parent.ask("find", pattern=str(pattern))

    def exists(self, path: str) -> bool:
        """Whether the project has a file or folder of this name."""
        return bool(self._parent.ask("exists", path=str(path)))

    def to_json(self, value: Any) -> str:
        """Plain data as text."""
        return json.dumps(value, ensure_ascii=False, sort_keys=True)


def batches(nodes: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The nodes of a graph in batches that can run at once; a mistake in the graph is fatal."""
    ids = [node["id"] for node in nodes]
    needs = {node["id"]: set(node.get("needs", ())) for node in nodes}
    unknown = {need for each in needs.values() for need in each} - set(ids)
    if len(set(ids)) < len(ids) or unknown:
        raise Fatal(f"dag: ids are not unique, or unknown: {sorted(unknown)}")
    found: list[list[dict[str, Any]]] = []
    done: set[str] = set()
    while len(done) < len(ids):
        batch = [node for node in nodes if node["id"] not in done and needs[node["id"]] <= done]
        if not batch:
            raise Fatal(f"dag: these wait for each other: {sorted(set(ids) - done)}")
        found.append(batch)
        done |= {node["id"] for node in batch}
    return found


def execute(source: str, parent: Parent, stack: list[str], args: Any) -> Any:
    """Run a script that was screened, and return what its `run` returns."""
    names: dict[str, Any] = {name: getattr(builtins, name) for name in NAMES.split()}
    mine = Given(parent, stack)
    names |= {name: getattr(mine, name) for name in vars(Given) if not name.startswith("_")}
    names |= {"__builtins__": {}, "print": mine.log, "readFile": mine.read_file, "glob": mine.find_files}
    exec(compile(source, stack[-1], "exec"), names)
    return names["run"](args)


def confined(memory: int, cpu: int) -> None:
    """From here on nothing can be opened, written or started."""
    for kind, limit in (
        (resource.RLIMIT_DATA, memory * 1024 * 1024),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 3),
    ):
        resource.setrlimit(kind, (limit, limit))


def place(error: BaseException) -> str:
    """Where in the script it happened: the innermost line that is the script's own."""
    trace, found = error.__traceback__, ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename  # a script's is its name, that of other code a path or <something>
        if not name.startswith(("/", "<")):
            found = f"{name}, line {trace.tb_lineno}: "
        trace = trace.tb_next
    return found


def main() -> None:
    """Read the order, run it, say how it ended."""
    order = json.loads(sys.stdin.readline())
    threading.stack_size(STACK)
    parent = Parent()
    threading.Thread(target=parent.listen, daemon=True).start()
    confined(order["memory"], order["cpu"])
    try:
        value = execute(order["source"], parent, [order["name"]], order["args"])
        parent.tell(do="end", value=value)
    except MemoryError:
        parent.tell(do="end", error="the script ran out of memory")
    except BaseException as error:
        kind = "" if isinstance(error, Fatal) else f"{type(error).__name__}: "
        parent.tell(do="end", error=f"{place(error)}{kind}{error}")
    os._exit(0)


if __name__ == "__main__":
    main()
