"""Where a ledger's tables stand: SQLite, beside the station. For receivers side by side there is postgres.py."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from edge.durable import make_folder
from edge.errors import PartError
from edge.station.schema import OPENING, migrate


class Rows(Protocol):
    """What a statement answers."""

    @property
    def rowcount(self) -> int:
        """Rows that it changed."""
        ...

    def fetchone(self) -> Any:
        """The next row, or None."""
        ...


class Db(Protocol):
    """One open transaction. Values stand as ? in the statement."""

    def execute(self, query: str, values: Sequence[object] = (), /) -> Rows:
        """One statement."""
        ...


class Store(Protocol):
    """Any thread may call it. Raises PartError where it cannot be written or read."""

    opening: str  # what is true of an opening's row in the table record

    def change(self) -> AbstractContextManager[Db]:
        """One transaction, synced when the block has ended; nothing of it stays if the block raises."""
        ...

    def read(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows that a query answers."""
        ...

    def close(self) -> None:
        """End it; safe to repeat."""
        ...


class SqliteStore:
    """One connection writes, under a lock; readers have their own."""

    opening = OPENING

    def __init__(self, folder: Path) -> None:
        make_folder(folder, 0o700)
        self._path = folder / "ledger.db"
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        try:
            self.db = self._connect()
            try:
                migrate(self.db, self._path)
            except PartError:
                self.db.close()
                raise
            self.reader = self._connect()
            self.reader.execute("PRAGMA query_only=ON")
        except sqlite3.Error as err:
            raise self._trouble(err) from err

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One transaction; nothing of it stays if the block raises."""
        with self._lock:
            try:
                self.db.execute("BEGIN IMMEDIATE")
                yield self.db
                self.db.execute("COMMIT")
            except sqlite3.Error as err:
                self.db.rollback()
                raise self._trouble(err) from err
            except BaseException:  # whatever it was, nothing half-done stays
                self.db.rollback()
                raise

    def read(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows that a query answers."""
        with self._reading:
            try:
                return self.reader.execute(query, values).fetchall()
            except sqlite3.Error as err:
                raise self._trouble(err) from err

    def close(self) -> None:
        """Close the file; safe to repeat."""
        with self._lock, self._reading:
            self.reader.close()
            self.db.close()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "mmap_size=0", "foreign_keys=ON"):
            db.execute(f"PRAGMA {pragma}")
        return db

    def _trouble(self, err: sqlite3.Error) -> PartError:
        return PartError(
            f"ledger {self._path}",
            found=err,
            wanted="a disk that takes and keeps what is written",
            remedy="Units keep everything until it works again; look at the disk, then start the station anew.",
        )
