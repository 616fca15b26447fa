"""Where credentials are kept: the keyring of the system, else a file that only the user may read.

`auth.json` has the format of surface.md 5.5, so that one of the original product is understood. What lies in the
keyring is named, without secrets, in `auth-keyring.json`: a start that needs no credential from it does not load it.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.errors import SettingsError, UsageError

from . import records, ring
from .records import Record

if TYPE_CHECKING:
    from mimocode.host import Host

INLINE = "MIMOCODE_AUTH_CONTENT"
"""The whole of `auth.json` in a variable; it is then all that is known, and nothing can be changed."""
STORE = "MIMOCODE_AUTH_STORE"
""" "file" keeps new credentials out of the keyring."""


def vault(host: Host) -> Vault:
    """The credentials of this user."""
    return Vault(host.paths.data, host.environ)


@dataclass(frozen=True)
class Vault:
    """The credentials in one data directory."""

    data: Path
    environ: Mapping[str, str]

    @property
    def file(self) -> Path:
        """What is not in the keyring."""
        return self.data / "auth.json"

    @property
    def inline(self) -> bool:
        """Whether the environment holds all of it."""
        return bool(self.environ.get(INLINE, "").strip())

    def names(self) -> dict[str, str]:
        """Every provider with a credential, and where that lies."""
        if self.inline:
            return dict.fromkeys(self._inline(), INLINE)
        return {**dict.fromkeys(self._filed(), str(self.file)), **dict.fromkeys(self._rung(), "keyring")}

    def get(self, name: str) -> Record | None:
        """The credential of a provider.

        Raises:
            SettingsError: what holds it cannot be read.
        """
        name = records.normal(name)
        if self.inline:
            return self._inline().get(name)
        if name in self._rung() and (text := ring.read(name)) is not None:
            try:
                record = json.loads(text)
            except ValueError:
                return None
            return record if records.valid(record) else None
        return self._filed().get(name)

    def put(self, name: str, record: Record) -> str:
        """Keep a credential, in the place of the one there was; says where.

        Raises:
            UsageError: credentials come from a variable.
            SettingsError: the file cannot be read or written.
        """
        name = self._writable(name)
        with self._locked():
            rung = self._rung()
            if self.environ.get(STORE) != "file" and ring.write(name, json.dumps(record)):
                self._write(self._index, sorted({*rung, name}))
                self._put_file(name, None)
                return "keyring"
            self._put_file(name, record)
            if name in rung:
                ring.remove(name)
                self._write(self._index, sorted({*rung} - {name}))
        return str(self.file)

    def remove(self, name: str) -> bool:
        """Forget a credential; False when there was none.

        Raises:
            UsageError: credentials come from a variable.
            SettingsError: the file cannot be read or written.
        """
        name = self._writable(name)
        with self._locked():
            rung, filed = self._rung(), name in self._filed()
            if name in rung:
                ring.remove(name)
                self._write(self._index, sorted({*rung} - {name}))
            if filed:
                self._put_file(name, None)
        return filed or name in rung

    @property
    def _index(self) -> Path:
        return self.data / "auth-keyring.json"

    def _writable(self, name: str) -> str:
        if self.inline:
            raise UsageError(f"credentials come from {INLINE}: unset it to change them")
        return records.normal(name)

    def _inline(self) -> dict[str, dict[str, Any]]:
        try:
            return records.parsed(self.environ[INLINE])
        except (ValueError, RecursionError):
            raise SettingsError("this is not a JSON object of credentials", INLINE) from None

    def _rung(self) -> list[str]:
        try:
            names = json.loads(self._index.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []

    def _filed(self) -> dict[str, dict[str, Any]]:
        return {records.normal(k): v for k, v in self._raw().items() if records.valid(v)}

    def _raw(self) -> dict[str, Any]:
        """The file as it is, with what nobody understands."""
        try:
            table = json.loads(self.file.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SettingsError(f"cannot be read: {error.strerror}", str(self.file)) from None
        except (ValueError, RecursionError):  # never with the text of the file: it may hold half a secret
            raise SettingsError("is not JSON; mend it or move it away", str(self.file)) from None
        if not isinstance(table, dict):
            raise SettingsError("is not a JSON object; mend it or move it away", str(self.file))
        return table

    def _put_file(self, name: str, record: Record | None) -> None:
        table = self._raw()
        before = dict(table)
        for spelt in [each for each in table if records.normal(each) == name]:
            del table[spelt]
        if record is not None:
            table[name] = dict(record)
        if table != before:
            self._write(self.file, table)

    def _write(self, path: Path, value: Any) -> None:
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(value, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise SettingsError(f"cannot be written: {error.strerror}", str(path)) from None
        finally:
            draft.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Two processes may log in at once."""
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.data / ".auth.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise SettingsError(f"cannot be written: {error.strerror}", str(self.data)) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
