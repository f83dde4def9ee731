"""wire.decode, which reads what any holder of a unit's certificate may send: an Envelope or a WireError."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from edge import wire
from edge.clock import Quality, Stamp
from edge.errors import WireError
from edge.records import (
    Alarm,
    Alarmed,
    AnyRecord,
    Boot,
    Change,
    ClockAnchor,
    Event,
    FrameRef,
    FrameSet,
    Gap,
    GapReason,
    Source,
)
from tests.fuzz.bend import Json, Pick, bend_json, text
from tests.fuzz.player import Play, Target, said

UNIT = "door-1"
AT = Stamp("b1", 5_000_000_000, 1_795_000_000_000_000_000, Quality.SYNCED, 2)
UNSET = Stamp("b2", 5_000_000_000, 1_000_000_000, Quality.UNSYNCED)
RECORDS: tuple[AnyRecord, ...] = (
    Event(epoch="e1", seq=1, at=AT, change=Change.OPENED, door="open", edges=3, settle_us=900),
    Event(epoch="e1", seq=2, at=UNSET, change=Change.SHUT, since=UNSET.at(1), reason="found so"),
    FrameSet(epoch="e1", seq=3, at=AT, event=1, of="e1", frames=(FrameRef("a" * 64, 70_000, 5_100_000_000),)),
    ClockAnchor(epoch="e1", seq=4, at=AT),
    Gap(epoch="e1", seq=5, at=AT, reason=GapReason.FULL, records=3, frames=1, of="e0", seqs=((1, 2), (7, 7))),
    Boot(epoch="e1", seq=70, at=AT, version="0.1.0", clean=False, new_boot=True, last_alive=UNSET, void=(6, 69)),
    Alarm(epoch="e1", seq=71, at=AT, what=Alarmed.TAMPER, source=Source.WIRING, detail="cut"),
)
REAL = [wire.encode(UNIT, record, {}) for record in RECORDS]
_again = msgspec.json.encode


def bend(raw: bytes, pick: Pick) -> bytes:
    """A record, bent; half the time renamed, so that what is wrong lies deeper than its name."""
    bent = bend_json(raw, pick)
    if pick((True, False)):
        with suppress(ValueError, RecursionError):
            return text(renamed(json.loads(bent)))
    return bent


def renamed(value: Json) -> Json:
    """The id made to fit the record again."""
    try:
        record = value["data"]["record"]
        return {**value, "id": f"{UNIT}/{record['epoch']}/{record['seq']}"}
    except (TypeError, KeyError, IndexError):
        return value


def sound(envelope: wire.Envelope) -> None:
    """What is decoded can be told, kept and read again."""
    record = envelope.data.record
    assert envelope.id == f"{UNIT}/{record.epoch}/{record.seq}"
    assert envelope.type == wire.TYPES[type(record)]
    assert wire.decode(UNIT, _again(envelope)) == envelope
    assert -(2**63) <= record.seq < 2**63  # what SQLite can hold
    if envelope.time is not None:
        wire.from_rfc3339(envelope.time)
    wire.rfc3339(record.at.wall_ns)


@contextmanager
def opened(_folder: Path) -> Iterator[Play]:
    """A decoder needs nothing."""

    def play(data: bytes) -> None:
        try:
            envelope = wire.decode(UNIT, data)
        except WireError as err:
            said(err)
        else:
            sound(envelope)

    yield play


TARGET = Target("wire", opened, tuple(REAL), bend)
