"""The durable spool in SQLite: WAL, synchronous=FULL, one connection that writes.

Only the card's worker calls it. Another process may open the file with mode=ro, and must never write or checkpoint:
two connections that do so can corrupt a WAL database in SQLite before 3.51.3.
"""

import errno
import sqlite3
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.clock import Stamp
from edge.durable import PART, make_folder, sync_folder, write_durably
from edge.errors import CorruptError, FullError, NewerError, PartError
from edge.parts import FrameRow, Snapshot, Store
from edge.records import AnyRecord, pack, unpack
from edge.spool.ballast import Ballast

SCHEMA = 1
_SCHEMA_MAX = 1000  # what says more, or 0, was not written by any version of ours
BLOCK = 64  # seqs set aside at a time: one write for 64 records, at most 64 void seqs after a power cut
_ANCHORS_KEPT = 16  # boots whose clock can still be corrected; records of older boots are long sent
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE record (n INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE frame (name TEXT PRIMARY KEY, n INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE anchor (boot TEXT PRIMARY KEY, n INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
"""
_MISREAD = (msgspec.DecodeError, KeyError, ValueError)  # what decoders and our own checks say of what they read
_MAGIC = b"SQLite format 3\0"
_WAL_HEADER_BYTES = 32
_WAL_MAGIC = 0x377F0682  # or with its last bit set: checksums are of big-endian words
_NOTHING: Mapping[str, str] = {}
_pack = msgspec.json.encode
T = TypeVar("T")
_rows = msgspec.json.Decoder(FrameRow)
_stamps = msgspec.json.Decoder(Stamp)


class SqliteStore:
    """parts.Store on one file. `new_epoch` names the life of a spool that is created here; `connect` opens files."""

    def __init__(
        self, folder: Path, new_epoch: Callable[[], str], connect: Callable[..., sqlite3.Connection] = sqlite3.connect
    ) -> None:
        self.path = folder / "spool.db"
        self._new_epoch = new_epoch
        self._connect = connect
        self._db: sqlite3.Connection | None = None
        self._epoch = ""
        self._reserved = False  # by the commit in hand
        self._damaged = False  # something was read that was never written: `open` begins a new spool
        self._ballast = Ballast(folder)

    def open(self) -> Snapshot:
        """Open or create the spool; a damaged one is set aside under another name, never deleted."""
        snapshot = self._with_room(self._open_or_begin)
        self._ballast.hold()
        return snapshot

    def commit(self, ops: Sequence[Callable[[Store], None]]) -> None:
        """Run the operations in one transaction that is on the card when this returns."""
        self._with_room(lambda: self._transact(ops))
        self._ballast.hold()

    def begin_erased(self, state: Mapping[str, str]) -> None:
        """Begin a new spool where nothing lies any more, which remembers `state`. Raises PartError."""
        with self._explained():
            self._damaged, self._epoch = False, ""
            make_folder(self.path.parent, 0o700)
            self._begin_anew("", state)

    def put(self, n: int, record: AnyRecord) -> None:
        """Within commit: keep a record under row number n."""
        self._connection().execute("INSERT OR REPLACE INTO record VALUES (?, ?)", (n, pack(record)))
        if record.epoch == self._epoch:  # not one that was minted while no spool was open
            self.keep("last_seq", b"%d" % record.seq)

    def forget(self, rows: Sequence[int]) -> None:
        """Within commit: delete records by row number."""
        self._connection().executemany("DELETE FROM record WHERE n = ?", [(n,) for n in rows])

    def reserve(self, next_seq: int, *, clean: bool = False) -> None:
        """Within commit: no seq below next_seq is ever handed out again after a restart."""
        self.keep("next_seq", b"%d" % next_seq)
        self.keep("clean", b"1" if clean else b"0")
        self._reserved = True

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
        db = self._connection()
        with self._explained():
            rows = db.execute("SELECT n, body FROM record WHERE n > ? ORDER BY n LIMIT ?", (after_n, limit))
            return [(n, unpack(_blob(body))) for n, body in rows]

    def close(self) -> None:
        """Close the file; safe to repeat."""
        if self._db is not None:
            with suppress(sqlite3.Error):  # a card that fails now has nothing left to lose here
                self._db.close()
            self._db = None

    def _with_room(self, job: Callable[[], T]) -> T:
        try:
            return job()
        except FullError:
            if not self._ballast.spend():
                raise
            return job()

    def _open_or_begin(self) -> Snapshot:
        with self._explained():
            try:
                return self._open()
            except CorruptError:
                self._begin_anew(self._rescue_epoch())
                return self._open()

    def _transact(self, ops: Sequence[Callable[[Store], None]]) -> None:
        db = self._connection()
        self._reserved = False
        with self._explained():
            if not self.path.exists():  # SQLite would go on writing into what no name leads to any more
                raise CorruptError(
                    f"spool {self.path}",
                    found="no such file",
                    wanted="the file that was opened",
                    remedy="A new one is begun and the loss is reported; look who removed it.",
                )
            try:
                db.execute("BEGIN IMMEDIATE")
                for op in ops:
                    op(self)
                db.execute("COMMIT")
            except BaseException:  # whatever it was, nothing half-done stays
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
                raise
        if self._reserved:  # into the main file: without its -wal a spool may lose records, but reuses no seq
            with suppress(sqlite3.Error):  # the commit stands; the next one tries again
                db.execute("PRAGMA wal_checkpoint").fetchone()

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            raise PartError(
                f"spool {self.path}",
                found="it is closed",
                wanted="an open spool",
                remedy="It is opened again by itself.",
            )
        return self._db

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise whatever SQLite, the file system or a decoder raises as a PartError that says what it means."""
        try:
            yield
        except PartError as err:
            self._damaged = self._damaged or isinstance(err, CorruptError)
            raise
        except (sqlite3.Error, OSError, *_MISREAD) as err:
            told = _translate(err, self.path)
            self._damaged = self._damaged or isinstance(told, CorruptError)
            raise told from err

    def _open(self) -> Snapshot:
        self.close()
        with self._explained():
            make_folder(self.path.parent, 0o700)
            if not self.path.exists():
                self._begin_anew(self._epoch if self._damaged else "")
            _check(self.path, self.path.with_name(self.path.name + "-wal"))
            self._db = self._connect(self.path, isolation_level=None, check_same_thread=False)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "mmap_size=0", "wal_autocheckpoint=256"):
                self._db.execute(f"PRAGMA {pragma}")
            if self._damaged:
                raise ValueError("found while it was in use")
            return self._look(self._db)

    def _begin_anew(self, lost_epoch: str, more: Mapping[str, str] = _NOTHING) -> None:
        """An empty spool, whole or not at all. What lies in its place is set aside, and the new one remembers that."""
        self._set_aside()
        self.close()  # only now: SQLite writes no more into a file that was moved, and leaves its -wal where it lies
        damaged = sorted(self.path.parent.glob(f"{self.path.name}.damaged-*[0-9]"), key=_number)
        state = {
            "epoch": self._new_epoch(),
            "next_seq": "1",
            "clean": "1",
            "loss": str(damaged[-1]) if damaged else f"{self.path} is gone" if lost_epoch else "",
            "lost_epoch": lost_epoch,
            **more,
        }
        part = self.path.with_name(self.path.name + PART)
        for leftover in (part, part.with_name(part.name + "-journal")):
            leftover.unlink(missing_ok=True)
        db = self._connect(part, isolation_level=None)
        try:
            db.executescript(f"PRAGMA synchronous=FULL; BEGIN; {_TABLES} PRAGMA user_version = {SCHEMA};")
            db.executemany("INSERT INTO meta VALUES (?, ?)", [(key, value.encode()) for key, value in state.items()])
            db.execute("COMMIT")
        finally:
            db.close()
        part.replace(self.path)
        sync_folder(self.path.parent)
        self._damaged = False

    def _look(self, db: sqlite3.Connection) -> Snapshot:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if not 0 < version < _SCHEMA_MAX:
            raise ValueError(f"schema {version}")
        if version != SCHEMA:
            raise NewerError(
                f"spool {self.path}",
                found=f"schema {version}",
                wanted=f"schema {SCHEMA}",
                remedy="Install the software version that wrote it, let it send, then update.",
            )
        state = {key: _blob(value) for key, value in db.execute("SELECT key, value FROM meta")}
        self._epoch = state["epoch"].decode()
        clean = state["clean"] == b"1"
        if not clean:
            (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise ValueError(found)
        next_seq = int(state["next_seq"])
        self.commit((lambda s: s.reserve(next_seq + BLOCK),))
        (backlog, last_n) = db.execute("SELECT count(*), coalesce(max(n), 0) FROM record").fetchone()
        return Snapshot(
            epoch=self._epoch,
            next_seq=next_seq,
            limit_seq=next_seq + BLOCK,
            last_seq=int(state.get("last_seq", b"0")),
            next_n=last_n + 1,
            clean=clean,
            backlog=backlog,
            frames=tuple(_rows.decode(_blob(body)) for (body,) in db.execute("SELECT body FROM frame ORDER BY n")),
            anchors={boot: _stamps.decode(_blob(body)) for boot, body in db.execute("SELECT boot, body FROM anchor")},
            state=state,
            loss=state.get("loss", b"").decode(),
            lost_epoch=state.get("lost_epoch", b"").decode(),
        )

    def _rescue_epoch(self) -> str:
        try:
            (epoch,) = self._connection().execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
            return _blob(epoch).decode()
        except (sqlite3.Error, PartError, TypeError, ValueError):
            return ""  # unreadable: the Gap says that the epoch is not known

    def _set_aside(self) -> None:
        """The main file first: a cut midway leaves none that would be opened without its -wal."""
        there = [end for end in ("", "-wal", "-shm") if self.path.with_name(self.path.name + end).exists()]
        number = 1
        while any(self._aside(number, end).exists() for end in there):
            number += 1
        for end in there:
            self.path.with_name(self.path.name + end).rename(self._aside(number, end))
            sync_folder(self.path.parent)  # not every file system keeps names in the order in which they changed

    def _aside(self, number: int, end: str) -> Path:
        return self.path.with_name(f"{self.path.name}.damaged-{number}{end}")


def _blob(value: object) -> bytes:
    """A value as it was written. A damaged page may hold any other type, even NULL where none is allowed."""
    if not isinstance(value, bytes):
        raise ValueError(f"{type(value).__name__} where bytes were written")  # noqa: TRY004 - it is read, not passed
    return value


def _number(damaged: Path) -> int:
    return int(damaged.name.rpartition("-")[2])


def _check(db: Path, wal: Path) -> None:
    """Raise where SQLite would pass over damage in silence.

    It deletes the -wal of an empty file. It takes a -wal whose header is not its own for an empty one, although that
    header is synced before the first frame is written. https://www.sqlite.org/fileformat2.html
    """
    with db.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError("it does not begin as a database does")
    try:
        with wal.open("rb") as file:
            header, more = file.read(_WAL_HEADER_BYTES), file.read(1)
    except FileNotFoundError:
        return
    if not more:
        return
    (magic,) = struct.unpack_from(">I", header)
    words = struct.unpack(">6I" if magic & 1 else "<6I", header[:24])
    a = b = 0
    for first, second in zip(words[::2], words[1::2], strict=True):
        a = (a + first + b) & 0xFFFFFFFF
        b = (b + second + a) & 0xFFFFFFFF
    if magic & ~1 != _WAL_MAGIC or (a, b) != struct.unpack_from(">2I", header, 24):
        raise ValueError("its -wal has no header of SQLite's")


def _translate(err: Exception, path: Path) -> PartError:
    name = getattr(err, "sqlite_errorname", "") or type(err).__name__
    number = getattr(err, "errno", None)
    if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")):
        number = _trial(path)
    what = f"spool {path}"
    if name == "SQLITE_FULL" or number in (errno.ENOSPC, errno.EDQUOT):
        return FullError(
            what,
            found="a full card",
            wanted="room for records",
            remedy="Openings are reported live meanwhile; the oldest pictures make room.",
        )
    if name.startswith("SQLITE_READONLY") or number == errno.EROFS:
        return PartError(
            what,
            found="a card that is read-only",
            wanted="a card that can be written",
            remedy="Openings are reported live meanwhile; look at the kernel's log, then change the card.",
        )
    misread = isinstance(err, _MISREAD) or name == "OperationalError"  # so, without a code: text that is not UTF-8
    if misread or name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return CorruptError(
            what,
            found=f"damage ({err})",
            wanted="what was written there",
            remedy="It is set aside, a new epoch begins and the loss is reported; change the card if it happens again.",
        )
    return PartError(
        what,
        found=f"{name} ({err})",
        wanted="a card that can be read and written",
        remedy="Openings are reported live meanwhile; `dmesg` names the card's fault.",
    )


def _trial(path: Path) -> int | None:
    """What the file system says to a small file: SQLite itself keeps the errno of an input/output error back."""
    trial = path.with_name(f"{path.name}.trial")
    try:
        write_durably(trial, bytes(4096))
        trial.unlink()
    except PartError as err:
        return getattr(err.__cause__, "errno", None)
    except OSError as err:
        return err.errno
    return None
