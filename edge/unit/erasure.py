"""What an erasing leaves to be told: how much was not delivered, and which seqs will never come. Pure."""

from collections.abc import Callable, Iterable

import msgspec

from edge.records import AnyRecord, GapReason
from edge.unit.losses import losses
from edge.wire import Ranges

STATE = "erased"  # key in the new spool's state


class Lost(msgspec.Struct, frozen=True):
    """The fields of one Gap."""

    reason: GapReason
    of: str
    records: int | None
    frames: int | None
    seqs: Ranges


class Erasure(msgspec.Struct, frozen=True):
    """What was erased on whose word. records is None where the spool could not be read."""

    by: str
    of: str
    records: int | None
    frames: int
    losses: tuple[Lost, ...] = ()


_decoder = msgspec.json.Decoder(Erasure)


def counted(by: str, of: str, frames: int, state: dict[str, str], gone: Iterable[AnyRecord] | None) -> dict[str, str]:
    """The state of the spool that follows, `state` and an Erasure in it. `gone`: None where nobody can count them."""
    made = Erasure(by, of, None, frames, (Lost(GapReason.ERASED, of, None, frames, ()),))
    if gone is not None:
        tally = _Tally()
        found = losses(GapReason.ERASED, tally.each(gone))
        lost = [Lost(loss.reason, loss.of, loss.records, loss.frames, loss.ranges()) for loss in found]
        if frames:
            lost.append(Lost(GapReason.ERASED, of, 0, frames, ()))
        made = Erasure(by, of, tally.records, frames, tuple(lost))
    return {**state, STATE: msgspec.json.encode(made).decode()}


def counting(
    by: str, of: str, frames: int, state: dict[str, str], lacked: Callable[[AnyRecord], bool]
) -> Callable[[Iterable[AnyRecord] | None], dict[str, str]]:
    """`counted`, waiting for what goes, less what the platform holds; called where the card is read."""

    def count(gone: Iterable[AnyRecord] | None) -> dict[str, str]:
        return counted(by, of, frames, state, None if gone is None else filter(lacked, gone))

    return count


def read_erasure(raw: bytes) -> Erasure | None:
    """What `counted` left; None where it makes no sense."""
    try:
        return _decoder.decode(raw)
    except (ValueError, RecursionError):
        return None


class _Tally:
    def __init__(self) -> None:
        self.records = 0

    def each(self, gone: Iterable[AnyRecord]) -> Iterable[AnyRecord]:
        for record in gone:
            self.records += 1
            yield record
