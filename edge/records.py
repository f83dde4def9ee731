"""Frozen facts that travel from the unit to the platform. Each has a seq that is never used twice."""

from enum import StrEnum

import msgspec

from edge.clock import Int64, Stamp


class Change(StrEnum):
    """What an Event says of the door."""

    OPENED = "opened"
    SHUT = "shut"
    HELD = "held"  # open longer than door.held_after_s
    LOST = "lost"  # the contact cannot be read, or never comes to rest
    FOUND = "found"  # it can be read again, and the door is as it was


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """What all records share. (epoch, seq) names it for ever; `at` is when it became true."""

    epoch: str
    seq: Int64
    at: Stamp


class Event(Record, frozen=True, kw_only=True, tag="event"):
    """The door changed. `at` is the first edge; `since` is set where the change fell between since and at."""

    change: Change
    door: str = "unknown"  # what the door is after it: shut, open, held or unknown
    since: Stamp | None = None
    edges: Int64 = 0  # raw level changes seen for this one change of the door
    settle_us: Int64 = 0  # first edge to last edge
    reason: str = ""  # for LOST and FOUND: what the contact did
    expected: str | None = None  # the kind of visit that was announced for this opening


class FrameRef(msgspec.Struct, frozen=True):
    """One sealed frame: its name (sha256 of the sealed bytes, hex), its size, and the opening's boot clock at it."""

    name: str
    size_bytes: Int64
    boot_ns: Int64


class FrameSet(Record, frozen=True, kw_only=True, tag="frames"):
    """All pictures of one opening, named. `missing` says why there are fewer than wanted."""

    event: Int64  # the Event's seq
    of: str  # the Event's epoch
    frames: tuple[FrameRef, ...] = ()
    missing: str = ""


class ClockAnchor(Record, frozen=True, kw_only=True, tag="anchor"):
    """The wall clock became good: `at` ties this boot's clock to UTC, for every earlier record of this boot."""


class GapReason(StrEnum):
    """Why records or frames that existed can no longer be sent."""

    FULL = "full"  # evicted to stay within the budget
    CORRUPT = "corrupt"  # the spool was damaged and set aside
    VOID = "void"  # seqs set aside by a run that was cut, found only after the start
    ERASED = "erased"  # not yet delivered when the term's data was erased
    OVERRUN = "overrun"  # the card could not be written and the RAM that stood in for it ran out


class Gap(Record, frozen=True, kw_only=True, tag="gap"):
    """Something that was recorded is gone, and this is the count of it."""

    reason: GapReason
    records: Int64 | None = None  # None: unknown, the spool could not be read
    frames: Int64 | None = None
    of: str = ""  # the epoch they belonged to, where it is known
    seqs: tuple[tuple[Int64, Int64], ...] = ()  # their seqs, as inclusive ranges, where they are known


class Boot(Record, frozen=True, kw_only=True, tag="boot"):
    """The agent started. `void` are seqs set aside before and not used (or sent live, and cut before commit)."""

    version: str
    clean: bool  # the last run ended by itself
    new_boot: bool  # the machine started too, not only the agent
    last_alive: Stamp | None = None
    void: tuple[Int64, Int64] | None = None


class Audit(Record, frozen=True, kw_only=True, tag="audit"):
    """Something was done to the unit: `what`, as term.began, term.changed, term.ended, visit.added, erased.

    `by` is a command's id, "unit", "technician" or "installer". `detail` are numbers and words of it. An `erased`
    states the epoch that was erased and what of it was not delivered, and is signed by the unit over wire.testimony.
    The installer's are walk (a movement of the walk test), test and installed, whose `report` is JSON; that is signed.
    The updater's are update.confirmed and update.returned.
    A technician's are test, mark and snap, with the person in `detail`.
    The centre's (centre.guard, .reset, .teleboot, .snapshot, .live, .watched) are what a video platform asked for,
    unsigned; `more` counts those of a kind that came since.
    """

    what: str
    by: str
    detail: dict[str, Int64 | str | None] = {}
    of: str = ""
    signature: str = ""  # Ed25519, base64


class Alarmed(StrEnum):
    """What an Alarm says."""

    TAMPER = "tamper"
    TAMPER_OVER = "tamper_over"
    POWER_LOST = "power_lost"  # the unit runs on from its battery
    POWER_BACK = "power_back"


class Source(StrEnum):
    """What an Alarm is about."""

    LID = "lid"  # the enclosure's
    WALL = "wall"  # the unit is tilted, or off its wall
    WIRING = "wiring"  # the contact's
    SUPPLY = "supply"


class Alarm(Record, frozen=True, kw_only=True, tag="alarm"):
    """Somebody is at the unit itself, or its power is gone. Recorded always: it is of the unit, not of the door."""

    what: Alarmed
    source: Source
    detail: str = ""  # opened; tilted, removed; cut, short, foreign, over, unrest; of the supply, millivolts


AnyRecord = Event | FrameSet | ClockAnchor | Gap | Boot | Audit | Alarm
Key = tuple[str, int]  # (epoch, seq)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


def pack(record: AnyRecord) -> bytes:
    """The record as it stands in the spool (JSON, UTF-8)."""
    return _encoder.encode(record)


def unpack(raw: bytes) -> AnyRecord:
    """The record that `pack` wrote. Raises msgspec.DecodeError on anything else."""
    try:
        return _decoder.decode(raw)
    except (UnicodeDecodeError, RecursionError) as err:  # msgspec lets both through as they are
        raise msgspec.DecodeError(str(err)) from err
