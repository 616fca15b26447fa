"""Secrets by name: the system's keyring when there is one that works, else a file with mode 0600."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from mimocode.errors import StoreError

from ..ring import SERVICE, backend

T = TypeVar("T")
PATIENCE = 20.0
"""Seconds that a keyring may take: it may ask the user to unlock it, and it may never answer."""


class Vault:
    """Secrets by name.

    A keyring that fails or does not answer is not asked again; what could be kept nowhere else is then in the file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ring: Any = None
        self._looked = False

    async def read(self, name: str) -> str | None:
        """A secret, or None."""
        if ring := await self._keyring():
            found: str | None = await self._ask(lambda: ring.get_password(SERVICE, name))
            if found is not None:
                return found
        return self._table().get(name)

    async def write(self, name: str, secret: str) -> None:
        """Keep a secret.

        Raises:
            StoreError: the file cannot be written.
        """

        def put() -> bool:
            ring.set_password(SERVICE, name, secret)
            return True

        kept = bool((ring := await self._keyring()) and await self._ask(put))
        with self._changing() as table:
            table.pop(name, None)
            if not kept:
                table[name] = secret

    async def delete(self, name: str) -> bool:
        """Forget a secret; False if there was none."""

        def drop() -> bool:
            if ring.get_password(SERVICE, name) is None:
                return False
            ring.delete_password(SERVICE, name)
            return True

        gone = bool((ring := await self._keyring()) and await self._ask(drop))
        with self._changing() as table:
            return table.pop(name, None) is not None or gone

    async def _keyring(self) -> Any:
        if not self._looked:
            self._looked = True
            self._ring = await self._ask(backend)
        return self._ring

    async def _ask(self, work: Callable[[], T]) -> T | None:
        """Do something in a thread that nothing waits for at exit; None if it fails or takes too long."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T | None] = loop.create_future()

        def settle(value: T | None) -> None:
            if not done.done():
                done.set_result(value)

        def run() -> None:
            try:
                value = work()
            except Exception:
                self._ring = value = None
            try:
                loop.call_soon_threadsafe(settle, value)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

        threading.Thread(target=run, name="keyring", daemon=True).start()
        try:
            return await asyncio.wait_for(done, PATIENCE)
        except TimeoutError:
            self._ring = None
            return None

    def _table(self) -> dict[str, str]:
        try:
            table = json.loads(self._file.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return table if isinstance(table, dict) else {}

    @contextmanager
    def _changing(self) -> Iterator[dict[str, str]]:
        """The table of the file, written back if it was changed; other processes wait for it."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(f"{self._file}.lock", os.O_RDWR | os.O_CREAT, 0o600), "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                table = self._table()
                before = dict(table)
                yield table
                if table != before:
                    self._save(table)
        except OSError as error:
            raise StoreError(f"{self._file} cannot be written: {error.strerror}") from None

    def _save(self, table: dict[str, str]) -> None:
        draft = self._file.with_name(f".{self._file.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(table, file, indent=1)
            draft.replace(self._file)
        finally:
            draft.unlink(missing_ok=True)
