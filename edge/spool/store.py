"""The durable spool in SQLite: WAL, synchronous=FULL, one connection that writes.

Only the card's worker calls it. Another process may open the file with mode=ro, and must never write or checkpoint:
two connections that do so can corrupt a WAL database in SQLite before 3.51.3.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from edge.clock import Stamp
from edge.errors import CorruptError, FullError, PartError
from edge.parts import FrameRow, Snapshot, Store
from edge.records import AnyRecord, pack, unpack

SCHEMA = 1
BLOCK = 64  # seqs set aside at a time: one write for 64 records, at most 64 void seqs after a power cut
_ANCHORS_KEPT = 16  # boots whose clock can still be corrected; records of older boots are long sent
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE record (n INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE frame (name TEXT PRIMARY KEY, n INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE anchor (boot TEXT PRIMARY KEY, n INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
"""
_pack = msgspec.json.encode
_rows = msgspec.json.Decoder(FrameRow)
_stamps = msgspec.json.Decoder(Stamp)


class SqliteStore:
    """parts.Store on one file. `new_epoch` names the life of a spool that is created here."""

    def __init__(self, folder: Path, new_epoch: Callable[[], str]) -> None:
        self.path = folder / "spool.db"
        self._new_epoch = new_epoch
        self._db: sqlite3.Connection | None = None

    def open(self) -> Snapshot:
        """Open or create the spool; a damaged one is set aside under another name, never deleted."""
        try:
            return self._open()
        except CorruptError:
            lost_epoch = self._rescue_epoch()
            self.close()
            aside = self._set_aside()
            return msgspec.structs.replace(self._open(), loss=str(aside), lost_epoch=lost_epoch)

    def commit(self, ops: Sequence[Callable[[Store], None]]) -> None:
        """Run the operations in one transaction that is on the card when this returns."""
        db = self._connection()
        try:
            db.execute("BEGIN IMMEDIATE")
            for op in ops:
                op(self)
            db.execute("COMMIT")
        except sqlite3.Error as err:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise _translate(err, self.path) from err

    def put(self, n: int, record: AnyRecord) -> None:
        """Within commit: keep a record under row number n."""
        self._connection().execute("INSERT OR REPLACE INTO record VALUES (?, ?)", (n, pack(record)))
        self.keep("last_seq", b"%d" % record.seq)

    def forget(self, rows: Sequence[int]) -> None:
        """Within commit: delete records by row number."""
        self._connection().executemany("DELETE FROM record WHERE n = ?", [(n,) for n in rows])

    def reserve(self, next_seq: int, *, clean: bool = False) -> None:
        """Within commit: no seq below next_seq is ever handed out again after a restart."""
        self.keep("next_seq", b"%d" % next_seq)
        self.keep("clean", b"1" if clean else b"0")

    def keep(self, key: str, value: bytes) -> None:
        """Within commit: remember a small piece of state."""
        self._connection().execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def anchor(self, stamp: Stamp) -> None:
        """Within commit: remember what ties this boot's clock to UTC."""
        db = self._connection()
        (n,) = db.execute("SELECT coalesce(max(n), 0) + 1 FROM anchor").fetchone()
        db.execute("INSERT OR REPLACE INTO anchor VALUES (?, ?, ?)", (stamp.boot, n, _pack(stamp)))
        db.execute("DELETE FROM anchor WHERE n <= ?", (n - _ANCHORS_KEPT,))

    def add_frame(self, row: FrameRow) -> None:
        """Within commit: a frame file that is already on the card now counts."""
        db = self._connection()
        (n,) = db.execute("SELECT coalesce(max(n), 0) + 1 FROM frame").fetchone()
        db.execute("INSERT OR REPLACE INTO frame VALUES (?, ?, ?)", (row.name, n, _pack(row)))

    def drop_frame(self, name: str) -> None:
        """Within commit: a frame is no longer needed; its file goes after the commit."""
        self._connection().execute("DELETE FROM frame WHERE name = ?", (name,))

    def read(self, after_n: int, limit: int) -> list[tuple[int, AnyRecord]]:
        """Records with row number above after_n, in order."""
        try:
            rows = self._connection().execute(
                "SELECT n, body FROM record WHERE n > ? ORDER BY n LIMIT ?", (after_n, limit)
            )
            return [(n, unpack(body)) for n, body in rows]
        except (sqlite3.Error, msgspec.DecodeError) as err:
            raise _translate(err, self.path) from err

    def close(self) -> None:
        """Close the file; safe to repeat."""
        if self._db is not None:
            with suppress(sqlite3.Error):  # a card that fails now has nothing left to lose here
                self._db.close()
            self._db = None

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            raise PartError(
                f"spool {self.path}",
                found="it is closed",
                wanted="an open spool",
                remedy="It is opened again by itself.",
            )
        return self._db

    def _open(self) -> Snapshot:
        self.close()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "mmap_size=0", "wal_autocheckpoint=256"):
                self._db.execute(f"PRAGMA {pragma}")
            if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                self._create(self._db)
            return self._look(self._db)
        except (sqlite3.Error, msgspec.DecodeError, OSError) as err:
            raise _translate(err, self.path) from err

    def _create(self, db: sqlite3.Connection) -> None:
        epoch = self._new_epoch()
        db.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {SCHEMA}; COMMIT")
        self.commit((lambda s: s.keep("epoch", epoch.encode()), lambda s: s.reserve(1, clean=True)))

    def _look(self, db: sqlite3.Connection) -> Snapshot:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA:
            raise PartError(
                f"spool {self.path}",
                found=f"schema {version}",
                wanted=f"schema {SCHEMA}",
                remedy="Install the software version that wrote it, let it send, then update.",
            )
        state: dict[str, bytes] = dict(db.execute("SELECT key, value FROM meta"))
        clean = state["clean"] == b"1"
        if not clean:
            (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(found)
        next_seq = int(state["next_seq"])
        self.commit((lambda s: s.reserve(next_seq + BLOCK),))
        (backlog, last_n) = db.execute("SELECT count(*), coalesce(max(n), 0) FROM record").fetchone()
        return Snapshot(
            epoch=state["epoch"].decode(),
            next_seq=next_seq,
            limit_seq=next_seq + BLOCK,
            last_seq=int(state.get("last_seq", b"0")),
            next_n=last_n + 1,
            clean=clean,
            backlog=backlog,
            frames=tuple(_rows.decode(body) for (body,) in db.execute("SELECT body FROM frame ORDER BY n")),
            anchors={boot: _stamps.decode(body) for boot, body in db.execute("SELECT boot, body FROM anchor")},
            state=state,
        )

    def _rescue_epoch(self) -> str:
        try:
            (epoch,) = self._connection().execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
            return str(epoch.decode())
        except (sqlite3.Error, PartError, TypeError, UnicodeDecodeError):
            return ""  # unreadable: the Gap says that the epoch is not known

    def _set_aside(self) -> Path:
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        for suffix in ("-shm", "-wal", ""):  # the main file last: a cut midway leaves a spool that is set aside again
            old = self.path.with_name(self.path.name + suffix)
            if old.exists():
                old.rename(aside.with_name(aside.name + suffix))
        return aside


def _translate(err: Exception, path: Path) -> PartError:
    name = getattr(err, "sqlite_errorname", "") or type(err).__name__
    what, found = f"spool {path}", f"{name} ({err})"
    if name == "SQLITE_FULL" or getattr(err, "errno", None) == 28:  # ENOSPC
        return FullError(
            what,
            found="a full card",
            wanted="room for records",
            remedy="Openings are reported live meanwhile; the oldest pictures make room.",
        )
    if name.startswith("SQLITE_READONLY") or getattr(err, "errno", None) == 30:  # EROFS
        return PartError(
            what,
            found="a card that is read-only",
            wanted="a card that can be written",
            remedy="Openings are reported live meanwhile; look at the kernel's log, then change the card.",
        )
    if name in ("SQLITE_CORRUPT", "SQLITE_NOTADB", "DatabaseError", "DecodeError", "ValidationError", "KeyError"):
        return CorruptError(
            what,
            found=f"damage ({err})",
            wanted="what was written there",
            remedy="It is set aside, a new epoch begins and the loss is reported; change the card if it happens again.",
        )
    return PartError(
        what,
        found=found,
        wanted="a card that can be read and written",
        remedy="Openings are reported live meanwhile; `dmesg` names the card's fault.",
    )
