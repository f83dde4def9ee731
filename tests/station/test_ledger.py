"""The ledger holds each record once, for good, and knows what is missing."""

import sqlite3
from pathlib import Path

import pytest

from edge.clock import Quality
from edge.errors import PartError
from edge.records import Boot, ClockAnchor, Gap, GapReason
from edge.station.ledger import Ledger, Picture
from tests.station.conftest import event, stamp


def test_a_record_that_comes_again_is_kept_once(ledger, keep):
    assert keep(event(1)) == [1]
    again, new = keep(event(1), event(2))
    assert again is None
    assert new > 1
    assert [stored.envelope.data.record.seq for stored in ledger.records()] == [2, 1]


def test_the_same_seq_of_another_epoch_or_unit_is_another_record(ledger, keep):
    keep(event(1), event(1, epoch="e2"))
    keep(event(1), unit="door-2")
    assert ledger.count("door-1") == 2
    assert ledger.count("door-2") == 1


def test_what_was_told_to_a_batch_that_broke_off_is_not_kept(ledger):
    def batch_that_breaks_off() -> None:
        with ledger.batch() as into:
            into.unit("door-1", 1)
            raise RuntimeError("broken off")

    with pytest.raises(RuntimeError, match="broken off"):
        batch_that_breaks_off()
    assert ledger.units() == []


def test_missing_seqs_are_named_as_ranges_from_the_first_seq_on(ledger, keep):
    keep(event(3), event(4), event(8))
    assert ledger.missing("door-1") == [(1, 2), (5, 7)]


def test_seqs_that_a_boot_declared_void_are_not_missing(ledger, keep):
    boot = Boot(epoch="e1", seq=65, at=stamp(), version="1", clean=False, new_boot=True, void=(3, 64))
    keep(event(1), event(2), boot)
    assert ledger.missing("door-1") == []


def test_a_void_covers_only_its_part_of_a_hole(ledger, keep):
    boot = Boot(epoch="e1", seq=65, at=stamp(), version="1", clean=False, new_boot=True, void=(10, 64))
    keep(event(2), boot)
    assert ledger.missing("door-1") == [(1, 1), (3, 9)]


def test_seqs_that_a_gap_counts_as_gone_are_not_missing(ledger, keep):
    gap = Gap(epoch="e1", seq=9, at=stamp(), reason=GapReason.FULL, records=3, of="e1", seqs=((2, 4),))
    keep(event(1), gap)
    assert ledger.missing("door-1") == [(5, 8)]


def test_an_anchor_that_comes_later_ties_earlier_records_of_its_boot(ledger, keep):
    unsynced = stamp(7_000_000_000, clock=Quality.UNSYNCED)
    keep(event(1, at=unsynced))
    assert ledger.records()[0].anchor is None
    keep(ClockAnchor(epoch="e1", seq=2, at=stamp(9_000_000_000)))
    assert ledger.records()[-1].anchor == stamp(9_000_000_000)


def test_frames_are_found_by_their_opening_oldest_first(ledger):
    late = Picture("b" * 64, "door-1", "e1", 3, stamp(9))
    early = Picture("a" * 64, "door-1", "e1", 3, stamp(8))
    with ledger.batch() as into:
        assert into.frame(late, 1)
        assert into.frame(early, 1)
        assert not into.frame(early, 2)
    assert ledger.frames("door-1", "e1", 3) == [early, late]
    assert ledger.frame("a" * 64) == early
    assert ledger.frame("c" * 64) is None


def test_a_unit_keeps_what_it_told_before_when_it_tells_something_else(ledger):
    with ledger.batch() as into:
        into.unit("door-1", 1, online=True)
        into.unit("door-1", 2, state=b'{"door": "open"}')
        into.unit("door-1", 3, pulse=b'{"backlog": 4}')
    (row,) = ledger.units()
    assert (row.online, row.seen_ns, row.state, row.pulse) == (True, 3, {"door": "open"}, {"backlog": 4})


def test_records_page_backwards_by_number(ledger, keep):
    keep(*(event(seq) for seq in range(1, 8)))
    newest = ledger.records(limit=3)
    assert [stored.n for stored in newest] == [7, 6, 5]
    assert [stored.n for stored in ledger.records(before_n=5, limit=3)] == [4, 3, 2]


def test_the_ledger_syncs_every_commit(ledger, tmp_path: Path):
    assert ledger._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert ledger._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


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
    (pages,) = ledger._db.execute("PRAGMA page_count").fetchone()
    ledger._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(PartError, match="database or disk is full"):
        keep(*(event(seq) for seq in range(2, 500)))
    assert ledger.count("door-1") == 1


def test_a_reader_of_the_ledger_cannot_write(ledger):
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        ledger._reader.execute("DELETE FROM record")
