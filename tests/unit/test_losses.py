"""What has to be told when records are gone, also when those told of others that were gone before."""

from typing import Any

from edge.records import AnyRecord, Boot, Gap, GapReason
from edge.unit.losses import losses
from tests.spool.samples import event, stamp


def gap(seq: int, reason: GapReason, **fields: Any) -> Gap:
    return Gap(epoch="epoch-1", seq=seq, at=stamp(), reason=reason, **fields)


def boot(seq: int, void: tuple[int, int] | None) -> Boot:
    return Boot(epoch="epoch-1", seq=seq, at=stamp(), version="1", clean=void is None, new_boot=True, void=void)


def told(*gone: AnyRecord, reason: GapReason = GapReason.FULL) -> list[tuple[object, ...]]:
    return [(loss.reason, loss.of, loss.records, loss.frames, loss.ranges()) for loss in losses(reason, gone)]


def test_records_of_one_epoch_are_one_gap_with_all_their_seqs():
    assert told(event(1), event(2), event(5)) == [(GapReason.FULL, "epoch-1", 3, None, ((1, 2), (5, 5)))]


def test_records_of_two_epochs_are_two_gaps_so_that_both_can_name_their_seqs():
    assert told(event(7), event(1, "spare-1")) == [
        (GapReason.FULL, "epoch-1", 1, None, ((7, 7),)),
        (GapReason.FULL, "spare-1", 1, None, ((1, 1),)),
    ]


def test_a_gap_that_is_gone_is_counted_together_with_what_it_had_counted():
    lost = gap(101, GapReason.FULL, records=100, frames=3, of="epoch-1", seqs=((1, 100),))
    assert told(lost, event(102)) == [(GapReason.FULL, "epoch-1", 102, 3, ((1, 102),))]


def test_a_damaged_spool_that_was_told_in_a_lost_gap_is_told_again():
    lost = gap(2, GapReason.CORRUPT, records=None, of="epoch-0")
    assert told(lost) == [
        (GapReason.FULL, "epoch-1", 1, None, ((2, 2),)),
        (GapReason.CORRUPT, "epoch-0", None, None, ()),
    ]


def test_seqs_that_a_lost_boot_had_declared_void_are_void_still():
    assert told(boot(65, (10, 64)), boot(66, None)) == [
        (GapReason.FULL, "epoch-1", 2, None, ((65, 66),)),
        (GapReason.VOID, "epoch-1", 0, None, ((10, 64),)),
    ]
    assert told(gap(70, GapReason.VOID, records=0, of="epoch-1", seqs=((10, 64),)))[1:] == [
        (GapReason.VOID, "epoch-1", 0, None, ((10, 64),))
    ]


def test_what_overran_while_the_card_was_away_keeps_its_reason():
    lost = gap(3, GapReason.OVERRUN, records=2, of="epoch-1", seqs=((1, 2),))
    assert [one[0] for one in told(lost, reason=GapReason.FULL)] == [GapReason.FULL, GapReason.OVERRUN]
