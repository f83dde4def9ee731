"""Sets of pictures that were begun, as the card remembers them until they are closed. Pure.

It is written in commits that are made anyhow: of the opening, of each picture's row, and of the FrameSet.
"""

import logging
from collections.abc import Iterable

import msgspec

from edge.clock import Int64
from edge.parts import FrameRow
from edge.records import FrameRef, Key

log = logging.getLogger(__name__)

STATE = "sets"  # key in the spool's state
CUT_OFF = "the unit was cut off while they were taken"
STOPPED = "the unit was stopped while they were taken"
Begun = dict[Key, list[FrameRef]]  # by the opening: its pictures that were kept


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    name: str
    size_bytes: Int64
    boot_ns: Int64


class _Set(msgspec.Struct, frozen=True, array_like=True):
    epoch: str
    event: Int64
    kept: list[_Kept]


_decoder = msgspec.json.Decoder(list[_Set])


def pack(begun: Begun) -> bytes:
    """All that are not closed: about 90 bytes a picture; nothing at all where there is none."""
    sets = [_Set(*key, [_Kept(ref.name, ref.size_bytes, ref.boot_ns) for ref in refs]) for key, refs in begun.items()]
    return msgspec.json.encode(sets) if sets else b""


def unpack(raw: bytes) -> Begun:
    """What `pack` made. None at all where it makes no sense: the door is watched all the same."""
    if not raw:
        return {}
    try:
        sets = _decoder.decode(raw)
    except (ValueError, RecursionError) as err:
        log.warning("spool: which pictures were being taken cannot be read: %s", err)
        return {}
    return {
        (one.epoch, one.event): [FrameRef(kept.name, kept.size_bytes, kept.boot_ns) for kept in one.kept]
        for one in sets
    }


def completed(refs: Iterable[FrameRef], of: Key, rows: Iterable[FrameRow]) -> tuple[FrameRef, ...]:
    """With those that wait and that a cut between file and row left without one until now; in their order."""
    named = {ref.name: ref for ref in refs}
    for row in rows:
        if (row.epoch, row.event) == of:
            named.setdefault(row.name, reference(row))
    return tuple(sorted(named.values(), key=lambda ref: ref.boot_ns))


def reference(row: FrameRow) -> FrameRef:
    """A kept picture, as its set names it."""
    return FrameRef(row.name, row.size_bytes, row.at.boot_ns)
