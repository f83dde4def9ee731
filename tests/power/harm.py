"""What happens to a card beneath a unit: it is let go as it is, filled, write-protected, damaged, or another's."""

import ctypes
import errno
import os
import sqlite3
from pathlib import Path

from edge.spool.store import SqliteStore

_RDONLY, _REMOUNT, _DETACH = 1, 32, 2  # <sys/mount.h>
_libc = ctypes.CDLL(None, use_errno=True)


def mount(folder: Path, size_kb: int) -> None:
    """A small card of its own, in RAM. Needs root, as every mount does."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount(folder, 0, f"size={size_kb}k")


def unmount(folder: Path) -> None:
    """Take it out, whatever is open on it."""
    _check(_libc.umount2(bytes(folder), _DETACH), folder)


def let_go(store: SqliteStore) -> None:
    """The process that had it open is gone: no last checkpoint, as SQLite would make on closing."""
    names = [store.path.with_name(store.path.name + end) for end in ("", "-wal")]
    kept = {} if store._db is None else {path: path.read_bytes() for path in names if path.exists()}
    db, store._db = store._db, None  # not by its own `close`: that is under test, and has no part in this
    if db is not None:
        db.close()
    for path, data in kept.items():
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


def fill(folder: Path, _store: SqliteStore | None, but_kb: int = 0) -> None:
    """Leave no room, or almost none."""
    with (folder / "filler").open("ab", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError as err:
            if err.errno != errno.ENOSPC:
                raise
        filler.truncate(filler.tell() - but_kb * 1024)


def drain(folder: Path, _store: SqliteStore | None) -> None:
    """There is room again."""
    (folder / "filler").unlink()


def protect(folder: Path, _store: SqliteStore | None) -> None:
    """The slider on its side; nothing on it may be open for writing."""
    _mount(folder, _RDONLY | _REMOUNT)


def unprotect(folder: Path, _store: SqliteStore | None) -> None:
    """And back."""
    _mount(folder, _REMOUNT)


def overwrite(folder: Path, _store: SqliteStore | None, name: str, at: int, data: bytes) -> None:
    """Bytes that nobody wrote there; at -1: all of the file."""
    path = folder / name
    if at < 0:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def remove(folder: Path, _store: SqliteStore | None, pattern: str, most: int = 1000) -> None:
    """Files that are gone."""
    for path in sorted(folder.glob(pattern))[:most]:
        path.unlink()


def link(folder: Path, _store: SqliteStore | None, name: str, to: str) -> None:
    """A file that is there and cannot be read."""
    (folder / name).symlink_to(to)


def block(folder: Path, _store: SqliteStore | None, pattern: str) -> None:
    """In a file's place something that can neither be read nor removed as one."""
    path = min(folder.glob(pattern), default=folder / pattern)
    path.unlink(missing_ok=True)
    path.mkdir()


def unblock(folder: Path, _store: SqliteStore | None, name: str) -> None:
    """It is gone again."""
    (folder / name).rmdir()


def sql(folder: Path, store: SqliteStore | None, statement: str) -> None:
    """The spool says something else than was written there: beneath a unit that runs, or while none does."""
    if store is not None and store._db is not None:
        store._db.execute(statement)
        return
    db = sqlite3.connect(folder / "spool.db", isolation_level=None)
    db.execute(statement)
    db.close()


def _mount(folder: Path, flags: int, data: str = "") -> None:
    _check(_libc.mount(b"tmpfs", bytes(folder), b"tmpfs", flags, data.encode()), folder)


def _check(answer: int, folder: Path) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)}; scenes with a card of their own want root", str(folder))
