"""The ledger's file: every commit is synced, and what cannot be written or read is said."""

import sqlite3
from pathlib import Path

import pytest

from edge.errors import PartError
from edge.station.ledger import Ledger
from tests.station.conftest import event


def test_the_ledger_syncs_every_commit(ledger, tmp_path: Path):
    assert ledger.store.db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert ledger.store.db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_records_are_there_after_the_station_was_started_again(tmp_path: Path, ledger, keep):
    keep(event(1))
    ledger.close()
    again = Ledger(tmp_path / "station")
    assert again.count("door-1") == 1
    again.close()


def test_a_ledger_that_is_no_database_is_refused_with_its_name(tmp_path: Path):
    (tmp_path / "ledger.db").write_bytes(b"not a database at all, but long enough to be one" * 100)
    with pytest.raises(PartError, match=r"ledger .*ledger\.db: found .*not a database"):
        Ledger(tmp_path)


def test_a_disk_that_refuses_is_a_part_error_and_nothing_is_half_kept(ledger, keep):
    keep(event(1))
    (pages,) = ledger.store.db.execute("PRAGMA page_count").fetchone()
    ledger.store.db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(PartError, match="database or disk is full"):
        keep(*(event(seq) for seq in range(2, 500)))
    assert ledger.count("door-1") == 1


def test_a_reader_of_the_ledger_cannot_write(ledger):
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        ledger.store.reader.execute("DELETE FROM record")
