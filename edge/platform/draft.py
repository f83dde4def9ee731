"""Records and frames of a unit that is none: its id begins with `wirecheck-`, so that a ledger can leave them out."""

import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from edge import VERSION, told, wire
from edge.clock import Clock, Quality, Stamp
from edge.errors import ConfigError
from edge.identity import Identity
from edge.records import AnyRecord, Change, Event, Gap, GapReason

PREFIX = "wirecheck-"


def require_draft(who: Identity) -> str:
    """The unit of an identity that may be used for this. Raises ConfigError for a real unit's."""
    if who.unit.startswith(PREFIX):
        return who.unit
    raise ConfigError(
        "doorunit wire check",
        found=f"the identity of {who.unit}, which is a real unit's",
        wanted=f"one whose id begins with {PREFIX}: what is sent stays in the platform's ledger",
        remedy=f"Have the platform enrol one; a station: doorunit station enrol {PREFIX}1 --out FOLDER",
    )


class Drafts:
    """Makes records of one epoch of its own, seqs in order."""

    def __init__(self, unit: str, clock: Clock) -> None:
        self.unit = unit
        self.epoch = f"{PREFIX}{secrets.token_hex(4)}"
        self._clock = clock
        self._seq = 0

    def event(self) -> tuple[int, bytes]:
        """(seq, payload) of one opening or shutting."""
        seq, at = self._next()
        change, door = (Change.OPENED, "open") if seq % 2 else (Change.SHUT, "shut")
        record = Event(epoch=self.epoch, seq=seq, at=at, change=change, door=door, edges=3, settle_us=900)
        return seq, self._encode(record)

    def gap(self, missing: int) -> tuple[int, bytes]:
        """A Gap that names so many seqs, which then are never sent."""
        first = self._seq + 1
        self._seq += missing
        seq, at = self._next()
        seqs = ((first, first + missing - 1),)
        gap = Gap(epoch=self.epoch, seq=seq, at=at, reason=GapReason.FULL, records=missing, of=self.epoch, seqs=seqs)
        return seq, self._encode(gap)

    def bent(self, bend: Callable[[dict[str, Any]], None]) -> tuple[int, bytes]:
        """An event whose JSON `bend` has changed."""
        seq, payload = self.event()
        envelope = msgspec.json.decode(payload)
        bend(envelope)
        return seq, msgspec.json.encode(envelope)

    def now(self) -> Stamp:
        """As a synced unit would stamp it."""
        at = self._clock.read()
        return msgspec.structs.replace(at, clock=Quality.SYNCED, error_ms=at.error_ms or 0)

    def pulse(self) -> told.Pulse:
        """As a unit without camera, outside its term, would tell it."""
        at = self.now()
        return told.Pulse(
            time=wire.rfc3339(at.wall_ns),
            boot=at.boot,
            boot_ns=at.boot_ns,
            clock=at.clock,
            error_ms=at.error_ms,
            version=VERSION,
            camera="none",
            backlog=0,
            door="unwatched",
            warnings=[],
        )

    def _next(self) -> tuple[int, Stamp]:
        self._seq += 1
        return self._seq, self.now()

    def _encode(self, record: AnyRecord) -> bytes:
        return wire.encode(self.unit, record, {})
