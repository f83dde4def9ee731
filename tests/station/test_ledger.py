"""The ledger holds each record once, for good, and knows what is missing: in SQLite and in PostgreSQL alike."""

import pytest

from edge.clock import Quality
from edge.records import Boot, Change, ClockAnchor, Gap, GapReason
from edge.station.ledger import Ledger, Picture
from tests.station.conftest import event, stamp


@pytest.fixture(params=["in_sqlite", "in_postgres"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    kept: Ledger = request.getfixturevalue(request.param)
    return kept


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


WHOLE = b'{"time":"t1","boot":"b","clock":"synced","backlog":0,"door":"shut","version":"1","warnings":[]}'


def told(ledger: Ledger, *pulses: bytes) -> dict[str, object]:
    """What is known of a unit after these pulses."""
    for pulse in pulses:
        with ledger.batch() as into:
            into.unit("door-1", 1, pulse=pulse)
    (row,) = ledger.units()
    return row.pulse


def test_what_a_short_pulse_leaves_out_is_as_the_last_whole_one_had_it(ledger):
    short = b'{"time":"t2","boot":"b","clock":"rtc","backlog":3,"door":"open"}'
    known = {"time": "t2", "boot": "b", "clock": "rtc", "backlog": 3, "door": "open", "version": "1", "warnings": []}
    assert told(ledger, WHOLE, short, short) == known
    assert told(ledger, WHOLE)["time"] == "t1", "a whole one replaces all of it"


def test_a_short_pulse_of_another_boot_or_of_a_unit_not_heard_before_stands_alone(ledger):
    short = b'{"time":"t2","boot":"b2","clock":"rtc","backlog":0,"door":"open"}'
    alone = {"time": "t2", "boot": "b2", "clock": "rtc", "backlog": 0, "door": "open"}
    assert told(ledger, short) == alone
    assert told(ledger, WHOLE, short) == alone


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


def test_openings_are_found_among_other_records_by_unit_and_by_time(ledger, keep):
    keep(event(1), event(2, change=Change.SHUT), received_ns=10)
    keep(event(3), event(4, change=Change.SHUT), received_ns=20)
    keep(event(1), unit="door-2", received_ns=30)
    assert [stored.envelope.data.record.seq for stored in ledger.openings(20)] == [3, 1]
    assert ledger.last_opening("door-1") == ledger.holds("door-1", "e1", 3)
    assert ledger.last_opening("door-3") is None
