"""Which records a platform holds, as ranges of seqs. Pure.

By epoch and seq, never by row number: those begin anew once a spool is empty, while a seq is never used twice. Marks
that were left behind (rows that are gone, or an older version that wrote to the spool meanwhile) speak of nothing else.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from operator import itemgetter

import msgspec

from edge.records import Key

_low = itemgetter(0)
_NONE: Mapping[str, Sequence[tuple[int, int]]] = {}


class _Kept(msgspec.Struct, frozen=True):
    """As it lies on the card. rule: the filter they were made under."""

    rule: str
    held: dict[str, list[tuple[int, int]]]


_decoder = msgspec.json.Decoder(_Kept)


class Marks:
    """A set of keys, small while they are in sequence."""

    def __init__(self, held: Mapping[str, Sequence[tuple[int, int]]] = _NONE) -> None:
        self._held: dict[str, list[tuple[int, int]]] = {}  # epoch -> inclusive ranges, in order, apart
        for epoch, ranges in held.items():
            for low, high in ranges:
                self._add(epoch, low, high)

    def __contains__(self, key: Key) -> bool:
        ranges = self._held.get(key[0], [])
        i = bisect_right(ranges, key[1], key=_low)
        return i > 0 and key[1] <= ranges[i - 1][1]

    def __bool__(self) -> bool:
        return bool(self._held)

    @property
    def held(self) -> Mapping[str, Sequence[tuple[int, int]]]:
        """Inclusive ranges, by epoch."""
        return self._held

    def add(self, key: Key) -> None:
        """One more."""
        self._add(key[0], key[1], key[1])

    def update(self, other: "Marks") -> None:
        """All of the other's."""
        for epoch, ranges in other.held.items():
            for low, high in ranges:
                self._add(epoch, low, high)

    def copy(self) -> "Marks":
        """For another thread."""
        return Marks(self._held)

    def clear(self) -> None:
        """None."""
        self._held.clear()

    def pack(self, rule: str) -> bytes:
        """For the card."""
        return msgspec.json.encode(_Kept(rule, self._held))

    def _add(self, epoch: str, low: int, high: int) -> None:
        ranges = self._held.setdefault(epoch, [])
        first = last = bisect_right(ranges, low, key=_low)
        if first and ranges[first - 1][1] >= low - 1:
            first -= 1
        while last < len(ranges) and ranges[last][0] <= high + 1:
            last += 1
        touched = ranges[first:last]
        if touched:
            low, high = min(low, touched[0][0]), max(high, touched[-1][1])
        ranges[first:last] = [(low, high)]


def read_marks(raw: bytes, rule: str) -> Marks:
    """What `pack` made; none where it was under another rule or makes no sense: a record then goes twice."""
    try:
        kept = _decoder.decode(raw)
    except (ValueError, RecursionError):
        return Marks()
    return Marks(kept.held) if kept.rule == rule else Marks()
