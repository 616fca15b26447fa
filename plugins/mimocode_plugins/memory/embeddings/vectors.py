"""Vectors in SQLite, compared by the extension sqlite-vec.

The sqlite3 of many Pythons cannot load extensions, therefore apsw, which brings an SQLite of its own.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from mimocode.errors import MimoError

_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS vectors(model TEXT, sum BLOB, vector BLOB, PRIMARY KEY(model, sum)) WITHOUT ROWID;
CREATE TEMP TABLE asked(sum BLOB PRIMARY KEY) WITHOUT ROWID;
"""
_ALIKE = (
    "SELECT sum, 1 - vec_distance_cosine(vector, ?1) AS cosine FROM asked JOIN vectors USING (sum)"
    " WHERE model = ?2 AND length(vector) = length(?1) AND cosine > ?3 ORDER BY cosine DESC LIMIT ?4"
)


def sum_of(text: str) -> bytes:
    """Under what the vector of a text is kept."""
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


class Vectors:
    """One file of vectors.

    Raises:
        MimoError: from every method: the packages are missing, or the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            import apsw
            import sqlite_vec
        except ImportError as error:
            how = "pip install 'mimocode[embeddings]', or unset embeddings.url"
            raise MimoError(f"embeddings need two more packages ({error}): {how}") from None
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = apsw.Connection(str(path))
            self._db.set_busy_timeout(5000)
            self._db.enable_load_extension(True)
            self._db.load_extension(sqlite_vec.loadable_path())
            self._db.enable_load_extension(False)
            self._db.execute(_SCHEMA).fetchall()

    @contextmanager
    def _told(self) -> Iterator[None]:
        import apsw

        try:
            yield
        except (apsw.Error, OSError) as error:
            raise MimoError(f"the vectors of the memory in {self.path} cannot be used: {error}; delete it") from None

    def ask(self, sums: Iterable[bytes]) -> None:
        """Choose the texts that `missing` and `alike` are about."""
        with self._told(), self._db:
            self._db.execute("DELETE FROM asked")
            self._db.executemany("INSERT OR IGNORE INTO asked VALUES(?)", ((each,) for each in sums))

    def missing(self, model: str) -> set[bytes]:
        """Those without a vector of this model."""
        sql = "SELECT sum FROM asked WHERE sum NOT IN (SELECT sum FROM vectors WHERE model = ?)"
        with self._told():
            return {each for (each,) in self._db.execute(sql, (model,))}

    def keep(self, model: str, vectors: Mapping[bytes, Sequence[float]]) -> None:
        """Remember vectors."""
        rows = [(model, each, array("f", vector).tobytes()) for each, vector in vectors.items()]
        with self._told(), self._db:
            self._db.executemany("INSERT OR REPLACE INTO vectors VALUES(?, ?, ?)", rows)

    def alike(self, model: str, vector: Sequence[float], floor: float, limit: int) -> dict[bytes, float]:
        """Cosines above `floor`, the best first."""
        given = array("f", vector).tobytes()
        with self._told():
            rows: Iterable[Any] = self._db.execute(_ALIKE, (given, model, floor, limit)).fetchall()
        return dict(rows)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
