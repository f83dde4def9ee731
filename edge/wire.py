"""Record <-> CloudEvents JSON, topics and receipts: the wire, version 1.

A record's data carries its raw clock values; `time` is computed when it is sent, from the best anchor known then,
and is absent where nothing true can be said. A boot that never synced is sent with an interval.
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from edge.clock import MS, SECOND, Known, Quality, Stamp, know
from edge.errors import WireError
from edge.records import Alarm, AnyRecord, Audit, Boot, ClockAnchor, Event, FrameSet, Gap

VERSION = 1
ROOT = f"door/v{VERSION}"
TYPES: dict[type, str] = {
    Event: "doorunit.event.v1",
    FrameSet: "doorunit.frames.v1",
    ClockAnchor: "doorunit.anchor.v1",
    Gap: "doorunit.gap.v1",
    Boot: "doorunit.boot.v1",
    Audit: "doorunit.audit.v1",
    Alarm: "doorunit.alarm.v1",
}
GARBLED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # what msgspec raises on bytes from a stranger
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_UTC = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z", re.ASCII)

T = TypeVar("T")
Ranges = tuple[tuple[int, int], ...]
Bounds = tuple[int | None, int | None]  # wall_ns known before, wall_ns known after


def topic(unit: str, leaf: str) -> str:
    """door/v1/<unit>/<leaf>; leaf is event, state, online, pulse, reply, receipt or command."""
    return f"{ROOT}/{unit}/{leaf}"


def rfc3339(wall_ns: int) -> str:
    """UTC with microseconds, as CloudEvents' `time` wants it."""
    utc = _EPOCH_START + timedelta(microseconds=wall_ns // 1000)
    return utc.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def from_rfc3339(time: str) -> int:
    """What `rfc3339` made, as ns since 1970. Raises ValueError."""
    form = _UTC.fullmatch(time)
    if form is None:
        raise ValueError(f"found time {time[:40]!r}; want one like {rfc3339(0)}")
    since = datetime.fromisoformat(form[1] + "+00:00") - _EPOCH_START
    return (since.days * 86_400 + since.seconds) * SECOND + int((form[2] or "").ljust(9, "0")[:9])


class Body(msgspec.Struct, omit_defaults=True):
    """The `data` of every record on the wire: the record itself, and what is known of its time at sending."""

    record: AnyRecord
    clock: Quality
    error_ms: int | None = None
    interval: tuple[str | None, str | None] | None = None  # it happened between these (None: unknown)


class Envelope(msgspec.Struct, omit_defaults=True):
    """CloudEvents 1.0, structured mode."""

    id: str  # <unit>/<epoch>/<seq>
    source: str  # /door/<unit>
    type: str
    data: Body
    specversion: str = ""
    time: str | None = None
    datacontenttype: str = ""


class Receipt(msgspec.Struct):
    """The platform holds these seqs of this epoch, as inclusive ranges, committed."""

    epoch: str
    stored: Ranges


def _no_bounds(_boot: str) -> Bounds:
    return None, None


class Command(msgspec.Struct, frozen=True):
    """What the platform wants of one unit, between two instants (RFC 3339, UTC)."""

    id: str
    unit: str
    verb: str
    not_before: str
    expires: str
    args: dict[str, Any] = {}


class TermOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Args of `term`: the unit watches from `starts` to `ends` (RFC 3339, UTC), in place of any earlier term."""

    starts: str
    ends: str


class VisitOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Args of `visit`: openings between `from` and `until` are expected, all of them or this many."""

    kind: Literal["doctor", "delivery", "staff", "resident"]
    from_: str = msgspec.field(name="from")
    until: str
    openings: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None


class IdentifyOrder(msgspec.Struct, frozen=True):
    """Args of `identify`: blink and beep for so long."""

    for_s: Annotated[int, msgspec.Meta(ge=1, le=300)] = 30


class NoArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Args of a verb that takes none."""


# Verb -> what its args are. All of them are answered on `reply`.
COMMANDS: dict[str, type[msgspec.Struct]] = {
    "pulse": NoArgs,  # send the pulse at once
    "resend": NoArgs,  # send everything that has no receipt once more
    "identify": IdentifyOrder,  # blink and beep
    "mounted": NoArgs,  # as the unit hangs now is how it was fixed
    "term": TermOrder,
    "visit": VisitOrder,
    "end": NoArgs,  # the term is over now; what is pending is still delivered
    "erase": NoArgs,  # the term is over now, and nothing more is delivered
}


class Signed(msgspec.Struct, frozen=True):
    """A command as it travels: its JSON as text, and the Ed25519 signature of that text's UTF-8, in base64."""

    command: str
    signature: str


_encoder = msgspec.json.Encoder()
_envelopes = msgspec.json.Decoder(Envelope)
_receipts = msgspec.json.Decoder(Receipt)
_signed = msgspec.json.Decoder(Signed)
_commands = msgspec.json.Decoder(Command)


def encode(
    unit: str, record: AnyRecord, anchors: Mapping[str, Stamp], bounds: Callable[[str], Bounds] = _no_bounds
) -> bytes:
    """One record as it travels. `bounds`: UTC known to lie before and after a boot, by its id."""
    at = know(record.at, anchors.get(record.at.boot))
    since = record.since if isinstance(record, Event) else None
    interval = None
    if since is not None or at.clock is not Quality.SYNCED:
        first = know(since, anchors.get(since.boot)) if since else at
        low = _edge(first, -1) or bounds((since or record.at).boot)[0]
        high = _edge(at, 1) or bounds(record.at.boot)[1]
        interval = None if low is None and high is None else (_iso(low), _iso(high))
    return _encoder.encode(
        Envelope(
            specversion="1.0",
            id=f"{unit}/{record.epoch}/{record.seq}",
            source=f"/door/{unit}",
            type=TYPES[type(record)],
            time=_iso(at.wall_ns),
            datacontenttype="application/json",
            data=Body(record, at.clock, at.error_ms, interval),
        )
    )


def decode(unit: str, payload: bytes) -> Envelope:
    """What `encode` made, checked against the topic's unit. Raises WireError."""
    try:
        envelope = _envelopes.decode(payload)
        for time in (envelope.time, *(envelope.data.interval or ())):
            if time is not None:
                from_rfc3339(time)  # what the page could not show must not get as far as the ledger
    except (*GARBLED, ValueError) as err:
        raise WireError(
            f"message from {unit}",
            found=err,
            wanted="a CloudEvents 1.0 record of wire version 1",
            remedy="Compare the unit's software version with the station's.",
        ) from err
    record = envelope.data.record
    name = f"{unit}/{record.epoch}/{record.seq}"
    if envelope.id != name or envelope.type != TYPES[type(record)]:
        raise WireError(
            f"message from {unit}",
            found=f"id {envelope.id} of type {envelope.type}",
            wanted=f"id {name} of type {TYPES[type(record)]}",
            remedy="A unit may only speak for itself; look at the broker's ACL.",
        )
    return envelope


def receipt(epoch: str, seqs: Iterable[int]) -> bytes:
    """The platform's word that these seqs are committed."""
    return _encoder.encode(Receipt(epoch, ranges(seqs)))


def read_receipt(payload: bytes) -> Receipt:
    """What `receipt` made. Raises WireError."""
    try:
        return _receipts.decode(payload)
    except GARBLED as err:
        raise WireError(
            "receipt from the platform",
            found=err,
            wanted='{"epoch": "...", "stored": [[first, last], ...]}',
            remedy="Records stay in the spool until a receipt can be read.",
        ) from err


def command(wish: Command, sign: Callable[[bytes], bytes]) -> bytes:
    """A signed command."""
    text = _encoder.encode(wish)
    return _encoder.encode(Signed(text.decode(), base64.b64encode(sign(text)).decode()))


def read_command(payload: bytes, verify: Callable[[bytes, bytes], bool]) -> Command:
    """The command that the platform signed. Raises WireError for anything else; verify(signature, message)."""
    try:
        signed = _signed.decode(payload)
        genuine = verify(base64.b64decode(signed.signature, validate=True), signed.command.encode())
        wish = _commands.decode(signed.command) if genuine else None
        if wish is not None:
            from_rfc3339(wish.not_before)
            from_rfc3339(wish.expires)
            return wish
        found: object = "a signature that is not the platform's"
    except (ValueError, RecursionError) as err:  # msgspec's errors are ValueErrors too
        found = err
    raise WireError(
        "command",
        found=found,
        wanted="a command that the platform has signed",
        remedy="Look who may publish on this unit's command topic.",
    )


def order(command: Command, shape: type[T]) -> T:
    """The command's args. Raises WireError; times are RFC 3339 where they stand in it."""
    try:
        return msgspec.convert(command.args, shape)
    except msgspec.ValidationError as err:
        raise wrong_order(command, err, f"args as COMMANDS[{command.verb!r}] in edge/wire.py has them") from err


def instant(command: Command, time: str) -> int:
    """A time in a command's args, as ns since 1970. Raises WireError."""
    try:
        return from_rfc3339(time)
    except ValueError as err:
        raise wrong_order(command, err, "RFC 3339 in UTC") from err


def wrong_order(command: Command, found: object, wanted: str) -> WireError:
    """What is said of a command that is genuine and makes no sense."""
    return WireError(f"command {command.verb}", found=found, wanted=wanted, remedy="Send another, with another id.")


def testimony(unit: str, audit: Audit) -> bytes:
    """What a unit signs of an Audit: these lines, each ended by a line feed, UTF-8; details by name.

    doorunit-audit-1, unit, epoch, seq, what, by, of, boot, boot_ns, wall_ns, clock, then name=value of each detail.
    """
    at = audit.at
    head = ("doorunit-audit-1", unit, audit.epoch, audit.seq, audit.what, audit.by, audit.of)
    lines = [*head, at.boot, at.boot_ns, at.wall_ns, at.clock.value]
    details = [f"{name}={'' if value is None else value}" for name, value in sorted(audit.detail.items())]
    return "".join(f"{line}\n" for line in (*lines, *details)).encode()


def ranges(seqs: Iterable[int]) -> Ranges:
    """Sorted inclusive ranges: {1, 2, 3, 7} -> ((1, 3), (7, 7))."""
    made: list[list[int]] = []
    for seq in sorted(set(seqs)):
        if made and made[-1][1] == seq - 1:
            made[-1][1] = seq
        else:
            made.append([seq, seq])
    return tuple((low, high) for low, high in made)


def to_json(fields: Mapping[str, Any] | msgspec.Struct) -> bytes:
    """State, pulse and other small messages that are not records."""
    return _encoder.encode(fields)


def _edge(known: Known, sign: int) -> int | None:
    """The earliest (-1) or latest (1) UTC that a time can be, or None where it is not synced."""
    if known.wall_ns is None or known.clock is not Quality.SYNCED:
        return None
    return known.wall_ns + sign * (known.error_ms or 0) * MS


def _iso(wall_ns: int | None) -> str | None:
    return None if wall_ns is None else rfc3339(wall_ns)
