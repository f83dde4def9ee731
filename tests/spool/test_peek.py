"""A spool is looked at without a trace, whatever state it is in."""

from contextlib import closing
from pathlib import Path

import pytest

from edge.errors import CorruptError, PartError
from edge.spool import peek as peek_file
from edge.spool.peek import peek
from edge.spool.store import SqliteStore
from tests.spool.samples import put, row, stamp

SECOND = 1_000_000_000


def state(folder: Path) -> dict[str, bytes]:
    """Every file there."""
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def filled(folder: Path) -> None:
    """Three records, the last in the -wal alone, and a picture; ended as by a kill."""
    store = SqliteStore(folder, lambda: "epoch-1")
    store.open()
    put(store, 4, 5)
    store.commit([lambda s: s.add_frame(row("f"))])
    put(store, 6)
    left = state(folder)
    store.close()
    for one in folder.iterdir():
        one.unlink()
    for name, data in left.items():
        if name != "spool.db-shm":
            (folder / name).write_bytes(data)


def test_where_there_is_no_spool_there_is_nothing_to_see(tmp_path: Path):
    assert peek(tmp_path) is None
    assert peek(tmp_path / "gone") is None


@pytest.mark.parametrize("data", [b"", b"nonsense" * 600, b"SQLite format 3\0" + b"\xaa" * 8192])
def test_a_damaged_spool_is_called_so(tmp_path: Path, data: bytes):
    (tmp_path / "spool.db").write_bytes(data)
    with pytest.raises(CorruptError, match="damage"):
        peek(tmp_path)


def test_what_waits_is_counted_with_the_wal_and_not_a_byte_is_changed(tmp_path: Path):
    filled(tmp_path)
    before = state(tmp_path)
    seen = peek(tmp_path)
    assert (seen.records, seen.frames, seen.oldest) == (3, 1, stamp(4 * SECOND))
    assert state(tmp_path) == before


def test_spools_that_were_set_aside_are_named(tmp_path: Path):
    filled(tmp_path)
    for name in ("spool.db.damaged-1", "spool.db.damaged-1-wal", "spool.db.damaged-2"):
        (tmp_path / name).touch()
    assert peek(tmp_path).damaged == ("spool.db.damaged-1", "spool.db.damaged-2")


def test_a_spool_too_large_to_copy_is_read_where_it_lies(tmp_path: Path, monkeypatch):
    with closing(SqliteStore(tmp_path, lambda: "epoch-1")) as store:
        store.open()
        put(store, 4, 5)
    monkeypatch.setattr(peek_file, "COPY_MAX_BYTES", 10)
    before = state(tmp_path)
    assert peek(tmp_path).records == 2
    assert state(tmp_path) == before


def test_a_spool_that_cannot_be_read_is_the_cards_trouble(tmp_path: Path):
    (tmp_path / "spool.db").mkdir()
    with pytest.raises(PartError, match="is a directory"):
        peek(tmp_path)
