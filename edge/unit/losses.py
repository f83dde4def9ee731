"""What has to be told when records are gone: one Gap for each reason and epoch. Pure.

A lost Gap had counted others, and a lost Boot had declared seqs void: with them that would be lost too, so it is told
anew.
"""

from collections.abc import Iterable

import msgspec

from edge.records import AnyRecord, Boot, Gap, GapReason
from edge.wire import Ranges, ranges


class Loss(msgspec.Struct):
    """The fields of one Gap, but for its seqs, which may still be in any order."""

    reason: GapReason
    of: str
    records: int | None = 0
    frames: int | None = None
    seqs: set[int] = msgspec.field(default_factory=set)

    def ranges(self) -> Ranges:
        """The seqs as a Gap states them."""
        return ranges(self.seqs)


def losses(reason: GapReason, gone: Iterable[AnyRecord]) -> list[Loss]:
    """What to tell of records that are gone for this reason."""
    found: dict[tuple[GapReason, str], Loss] = {}

    def of(why: GapReason, epoch: str) -> Loss:
        return found.setdefault((why, epoch), Loss(why, epoch))

    for record in gone:
        loss = of(reason, record.epoch)
        loss.records = (loss.records or 0) + 1
        loss.seqs.add(record.seq)
        if isinstance(record, Boot) and record.void is not None:
            of(GapReason.VOID, record.epoch).seqs.update(_each(record.void))
        if isinstance(record, Gap):
            _again(record, of(record.reason, record.of))
    return list(found.values())


def _again(gap: Gap, loss: Loss) -> None:
    loss.records = None if gap.records is None or loss.records is None else loss.records + gap.records
    if gap.frames is not None:
        loss.frames = (loss.frames or 0) + gap.frames
    for seqs in gap.seqs:
        loss.seqs.update(_each(seqs))


def _each(seqs: tuple[int, int]) -> range:
    return range(seqs[0], seqs[1] + 1)
