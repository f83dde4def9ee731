"""Everything that becomes a record goes through here: minted, sent live if the link is up, and put into the spool.

Sending and keeping start together and neither waits for the other. Also watches the clock: the moment it becomes
good is a record of its own, and mends the times of what this boot recorded before.
"""

import base64
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import msgspec

from edge import VERSION, wire
from edge.clock import SECOND, Clock, Quality, Stamp
from edge.health import Health
from edge.loop import Loop
from edge.parts import FrameRow, Snapshot
from edge.records import (
    Alarm,
    Alarmed,
    AnyRecord,
    Audit,
    Boot,
    ClockAnchor,
    Event,
    FrameRef,
    FrameSet,
    Gap,
    GapReason,
    Key,
    Source,
)
from edge.spool.journal import Journal
from edge.unit.chronicle import Chronicle
from edge.unit.erasure import STATE, Erasure, read_erasure
from edge.unit.losses import Loss, losses
from edge.uplink.courier import Courier

CLOCK_SOON_NS = 5 * SECOND  # how late a clock that was set may be noticed, in a boot's first ten minutes
CLOCK_CHECK_NS = 60 * SECOND  # and later
CLOCK_TRUST_NS = 600 * SECOND  # how late a clock that is no longer disciplined may be noticed


class Door(msgspec.Struct, frozen=True):
    """What must survive of the door: machine state, when it began, and since when the door is open."""

    state: str
    since: Stamp
    open_since: Stamp | None = None


_stamp = msgspec.json.Decoder(Stamp)
_door = msgspec.json.Decoder(Door)


class Recorder:
    """Makes records and sees to it that they are both sent and kept.

    Hooks: on_synced() while the clock is good; also_keep() gives what goes into a door's commit besides the door;
    on_made(row number, record, when it was minted (boot ns), whether it is sent) before it is kept; on_put(row number,
    record) after both have begun.
    """

    def __init__(
        self,
        unit: str,
        journal: Journal,
        clock: Clock,
        loop: Loop,
        health: Health,
        alive_s: int,
        sign: Callable[[bytes], bytes],
    ) -> None:
        self._unit = unit
        self._journal = journal
        self._clock = clock
        self._loop = loop
        self._health = health
        self._alive_ns = alive_s * SECOND
        self._sign = sign
        self._chronicle = Chronicle()
        self._quality: Quality | None = None
        self._door: Door | None = None
        self.on_synced: Callable[[], None] = lambda: None
        self.also_keep: Callable[[], dict[str, bytes]] = dict
        self.on_event: Callable[[Event], None] = lambda _: None
        self.on_made: Callable[[int, AnyRecord, int, bool], None] = lambda _n, _record, _made_ns, _sent: None
        self.on_put: Callable[[int, AnyRecord], None] = lambda _n, _record: None
        self.courier: Courier | None = None  # set by the unit: the two know each other

    # The start

    def begin(self, snapshot: Snapshot | None) -> tuple[Door | None, Stamp | None]:
        """Record the boot; returns the door as last stored, and when the unit was last known to run."""
        state = snapshot.state if snapshot else {}
        now = self._clock.read()
        alive = last_alive(snapshot)
        door = stored_door(snapshot)
        self._chronicle = Chronicle(state.get("chronicle", b"[]"))
        self._chronicle.begin(now.boot, alive, self._journal.anchors)
        if snapshot:
            self._tell_erasure(snapshot)
        self._boot(snapshot, now, alive)
        if snapshot and _unanchored(snapshot, now.boot):
            self._quality = Quality.UNSYNCED
        self._look_at_clock()
        self._note_alive()
        return door, alive

    def adopted(self, snapshot: Snapshot) -> None:
        """The spool was opened anew while running: tell the loss, and keep again what must be kept."""
        self._tell_erasure(snapshot)
        self.lost_spool(snapshot)
        void = _void(snapshot)
        if void is not None:
            self._gap(GapReason.VOID, 0, None, snapshot.epoch, (void,))
        keep = self._keep(self._clock.read())
        for key, value in keep.items():
            self._journal.keep(key, value)
        for anchor in self._journal.anchors.values():
            self._journal.anchor(anchor)
        if self._quality is Quality.SYNCED and _unanchored(snapshot, self._clock.read().boot):
            self._anchor(self._clock.read())

    # Records

    def event(self, at: Stamp, keep: Door, **fields: object) -> Event:
        """The door changed; `keep` is kept in the same commit."""
        self._door = keep
        n, epoch, seq = self._journal.mint()
        event = Event(epoch=epoch, seq=seq, at=at, **fields)  # type: ignore[arg-type]  # checked by Event itself
        self._send(n, event, self._kept_now)
        self.on_event(event)  # after the courier and the card have it: neither waits for a phone
        return event

    def frames(self, of: Key, refs: tuple[FrameRef, ...], missing: str, keep: Mapping[str, bytes]) -> None:
        """All pictures of one opening are taken; `keep` is kept in the same commit."""
        n, epoch, seq = self._journal.mint()
        self._send(
            n,
            FrameSet(
                epoch=epoch,
                seq=seq,
                at=self._clock.read(),
                event=of[1],
                of=of[0],
                frames=refs,
                missing=missing,
            ),
            lambda: keep,
        )

    def audit(
        self, what: str, by: str, detail: Mapping[str, int | str | None], of: str = "", *, sign: bool = False
    ) -> Audit:
        """Something was done to the unit; with `of`, the epoch that was erased, or where asked, it is signed."""
        n, epoch, seq = self._journal.mint()
        audit = Audit(epoch=epoch, seq=seq, at=self._clock.read(), what=what, by=by, detail=dict(detail), of=of)
        if of or sign:
            signature = base64.b64encode(self._sign(wire.testimony(self._unit, audit))).decode()
            audit = msgspec.structs.replace(audit, signature=signature)
        self._send(n, audit)
        return audit

    def together(self) -> AbstractContextManager[None]:
        """What is recorded and kept within goes into one commit."""
        return self._journal.together()

    def forget_door(self) -> None:
        """The door is watched no longer: what it does from now on is nobody's business, also after a restart."""
        self._door = None
        self._journal.keep("door", b"")

    def kept(self) -> dict[str, str]:
        """What outlives an erasing: of this boot, nothing of the door."""
        kept = self._keep(self._clock.read())
        return {key: kept[key].decode() for key in ("alive", "chronicle")}

    def _tell_erasure(self, snapshot: Snapshot) -> None:
        """Once: it is forgotten in the commit that keeps the records."""
        raw = snapshot.state.get(STATE, b"")
        erasure: Erasure | None = read_erasure(raw) if raw else None
        if erasure is None:
            return
        with self._journal.together():
            detail = {"records": erasure.records, "frames": erasure.frames}
            self.audit("erased", erasure.by, detail, erasure.of or "unknown")
            for loss in erasure.losses:
                self._gap(loss.reason, loss.records, loss.frames, loss.of, loss.seqs)
            self._journal.keep(STATE, b"")

    def gap(
        self, reason: GapReason, records: list[AnyRecord] | None, frames: list[FrameRow] | None = None, of: str = ""
    ) -> None:
        """Something that was recorded is gone: counted and told. None: nobody can count it."""
        found = losses(reason, records) if records else [Loss(reason, of, None if records is None else 0)]
        if frames is not None:
            found[0].frames = (found[0].frames or 0) + len(frames)
        for loss in found:
            self._gap(loss.reason, loss.records, loss.frames, loss.of, loss.ranges())

    def _gap(self, reason: GapReason, records: int | None, frames: int | None, of: str, seqs: wire.Ranges) -> None:
        n, epoch, seq = self._journal.mint()
        at = self._clock.read()
        self._send(n, Gap(epoch=epoch, seq=seq, at=at, reason=reason, records=records, frames=frames, of=of, seqs=seqs))

    def lost_spool(self, snapshot: Snapshot) -> None:
        """Tell that a damaged spool was set aside, where that happened."""
        if snapshot.loss:
            self._health.set("spool.lost", self._loop.now(), snapshot.loss)
            self.gap(GapReason.CORRUPT, None, None, snapshot.lost_epoch)
            self._journal.keep("loss", b"")  # after the Gap is on the card: until then it is told at every start

    def alarm(self, at: Stamp, what: Alarmed, source: Source, detail: str) -> None:
        """Tampering or the supply; what `also_keep` gives is kept in the same commit."""
        n, epoch, seq = self._journal.mint()
        self._send(
            n,
            Alarm(epoch=epoch, seq=seq, at=at, what=what, source=source, detail=detail),
            self._kept_now,
        )

    def encode(self, record: AnyRecord) -> bytes:
        """The record as it travels, with what is known of its time now."""
        return wire.encode(self._unit, record, self._journal.anchors, self._chronicle.bounds)

    def _send(self, n: int, record: AnyRecord, keep: Callable[[], Mapping[str, bytes]] = dict) -> None:
        """The courier first: what goes onto the card besides is written down while the record is on its way."""
        made_ns = self._loop.now()
        sent = self.courier is not None and self.courier.live(n, record)
        self.on_made(n, record, made_ns, sent)
        self._journal.put(n, record, keep())
        self.on_put(n, record)

    def _kept_now(self) -> dict[str, bytes]:
        return self._keep(self._clock.read())

    def _keep(self, now: Stamp) -> dict[str, bytes]:
        kept = {"alive": msgspec.json.encode(now), "chronicle": self._chronicle.pack(), **self.also_keep()}
        if self._door is not None:
            kept["door"] = msgspec.json.encode(self._door)
        return kept

    def _boot(self, snapshot: Snapshot | None, now: Stamp, alive: Stamp | None) -> None:
        n, epoch, seq = self._journal.mint()
        self._send(
            n,
            Boot(
                epoch=epoch,
                seq=seq,
                at=now,
                version=VERSION,
                clean=bool(snapshot and snapshot.clean),
                new_boot=alive is None or alive.boot != now.boot,
                last_alive=alive,
                void=_void(snapshot) if snapshot else None,
            ),
        )
        if snapshot:
            self.lost_spool(snapshot)

    # Time

    def _look_at_clock(self) -> None:
        now = self._clock.read()
        good = now.clock is Quality.SYNCED
        if good and self._quality is not Quality.SYNCED:
            self._chronicle.synced(now)
            if self._quality is not None:  # it was not good before: what was recorded meanwhile can now be mended
                self._anchor(now)
            self._journal.anchor(now)  # after its record: until then a start in the same boot tells it again
        if now.clock is not self._quality:
            self._health.put("clock.unsynced", now.boot_ns, not good, f"it is {now.clock}")
        self._quality = now.clock
        if good:
            self.on_synced()
        soon = now.boot_ns < 600 * SECOND
        wait_ns = CLOCK_TRUST_NS if good else CLOCK_SOON_NS if soon else CLOCK_CHECK_NS
        self._loop.after(wait_ns, self._look_at_clock)

    def _anchor(self, now: Stamp) -> None:
        n, epoch, seq = self._journal.mint()
        self._send(n, ClockAnchor(epoch=epoch, seq=seq, at=now), lambda: self._keep(now))

    def _note_alive(self) -> None:
        self._journal.keep("alive", msgspec.json.encode(self._clock.read()))
        self._loop.after(self._alive_ns, self._note_alive)


def stored_door(snapshot: Snapshot | None) -> Door | None:
    """The door as the spool last kept it."""
    state = snapshot.state if snapshot else {}
    return _door.decode(state["door"]) if state.get("door") else None


def last_alive(snapshot: Snapshot | None) -> Stamp | None:
    """When the unit was last known to run."""
    state = snapshot.state if snapshot else {}
    return _stamp.decode(state["alive"]) if "alive" in state else None


def _unanchored(snapshot: Snapshot, boot: str) -> bool:
    """Whether an earlier run of this boot recorded, and no good time of this boot is on the card."""
    alive = last_alive(snapshot)
    return alive is not None and alive.boot == boot and boot not in snapshot.anchors


def _void(snapshot: Snapshot) -> tuple[int, int] | None:
    """Seqs that were set aside by a run that was cut, and are on the card with no record."""
    if snapshot.clean or snapshot.next_seq <= snapshot.last_seq + 1:
        return None
    return snapshot.last_seq + 1, snapshot.next_seq - 1
