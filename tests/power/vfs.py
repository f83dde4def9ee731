"""SQLite with its file operations on a tape, in the place of sqlite3.connect.

SQLite comes from apsw here, a later one than the unit's own; images are read by the unit's own. `connect` makes its
connections look like sqlite3's as far as edge/spool/store.py looks, errors included.
"""

import itertools
import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from tests.power.notes import Did
from tests.power.tape import Tape, Write

_CHECKPOINTS = {"COMMIT": "autocheckpoints", "PRAGMA wal_checkpoint": "checkpoints"}
_names = (f"tape-{n}" for n in itertools.count(1))
# Opened as one of these, a file's first sync is followed by one of its folder: os_unix.c, unixOpen and unixSync.
_SYNCED_WITH_FOLDER = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL


class Recorder(apsw.VFS):
    """The unix VFS, recorded. Makes SQLite's random numbers too, so that one seed gives one tape."""

    def __init__(self, tape: Tape, seed: str) -> None:
        self.tape = tape
        self.name = next(_names)
        self._dice = random.Random(seed)
        super().__init__(self.name, "unix", makedefault=True)
        apsw.randomness(0)  # SQLite asks anew, and the default VFS is asked

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        return _File(self.tape, name, flags)

    def xDelete(self, name: str, sync_folder: bool) -> None:
        super().xDelete(name, sync_folder)
        self.tape.unlink(name)
        if sync_folder:
            self.tape.sync(_folder(self.tape, name))

    def xRandomness(self, size: int) -> bytes:
        return self._dice.randbytes(size)


class _File(apsw.VFSFile):
    def __init__(self, tape: Tape, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        assert path is not None, "a temporary file of SQLite's would not be on the tape"
        was = Path(path).exists()
        super().__init__("unix", name, flags)
        self._tape = tape
        if not was:
            tape.create(path)
        number = tape.find(path)
        assert number is not None, f"{path}: it came behind the tape's back"
        self._number = number
        self._folder = _folder(tape, path) if flags[0] & _SYNCED_WITH_FOLDER else None

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        self._tape.write(self._number, offset, data)

    def xTruncate(self, size: int) -> None:
        super().xTruncate(size)
        self._tape.truncate(self._number, size)

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self._tape.sync(self._number)
        if self._folder is not None:
            self._tape.sync(self._folder)
            self._folder = None


class Connection:
    """What the store sees of a sqlite3.Connection."""

    def __init__(self, path: Path, vfs: Recorder, mode: str) -> None:
        self._mode = mode
        self._tape = vfs.tape
        with _translated():
            self._db = apsw.Connection(str(path), vfs=vfs.name)
        self._number = self._tape.find(path) if path.suffix == ".db" else None  # the one that will be in WAL mode

    def execute(self, sql: str, values: Sequence[object] = ()) -> "_Rows":
        begun = len(self._tape.entries)
        with _translated():
            rows = _Rows(self._db.execute(sql.replace("synchronous=FULL", f"synchronous={self._mode}"), values))
        self._notice(sql, self._tape.entries[begun:])
        return rows

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> "_Rows":
        with _translated():
            return _Rows(self._db.executemany(sql, rows))

    def executescript(self, sql: str) -> "_Rows":
        return self.execute(sql)

    def close(self) -> None:
        with _translated():
            self._db.close()

    def _notice(self, sql: str, entries: list[object]) -> None:
        """Note a checkpoint: the main file was written by a statement that, in WAL mode, only appends to the -wal."""
        if sql in _CHECKPOINTS and any(isinstance(op, Write) and op.file == self._number for op in entries):
            self._tape.note(Did(_CHECKPOINTS[sql]))


class Connector:
    """Takes the place of sqlite3.connect. `mode`: what becomes of the store's synchronous=FULL."""

    def __init__(self, vfs: Recorder, mode: str) -> None:
        self._vfs = vfs
        self._mode = mode

    def __call__(self, path: Path, **options: Any) -> Any:
        assert options.pop("isolation_level") is None, "apsw commits only when it is told to"
        return Connection(path, self._vfs, self._mode)


class _Rows:
    """A cursor that has already fetched everything."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._rows = iter(list(rows))

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self._rows, None)


@contextmanager
def _translated() -> Iterator[None]:
    """apsw's errors as sqlite3's, with the name of SQLite's code."""
    try:
        yield
    except apsw.Error as err:
        code = getattr(err, "extendedresult", 0)
        name = apsw.mapping_extended_result_codes.get(code) or apsw.mapping_result_codes.get(code & 0xFF, "")
        told = sqlite3.OperationalError(str(err))
        told.sqlite_errorname = str(name)
        raise told from err


def _folder(tape: Tape, path: str) -> int:
    number = tape.find(Path(path).parent)
    assert number is not None, f"{path}: its folder was made behind the tape's back"
    return number
