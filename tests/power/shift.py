"""A unit at work, on a tape: recorder, journal, album, spool and frames are the unit's own, in one thread.

Only what stands around them is played: the door, the platform's receipts, the workers' pace and the clock.
"""

import hashlib
import random
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from edge.clock import MS, SECOND, Quality
from edge.health import Health
from edge.loop import Loop
from edge.parts import FrameRow, Snapshot
from edge.records import Change, Event, GapReason, Key
from edge.sim.time import SimClock, live
from edge.sim.worker import SimWorker
from edge.spool.album import Album
from edge.spool.frames import FrameFiles
from edge.spool.journal import Rows
from edge.spool.recover import open_spool
from edge.spool.seal import MAGIC, MEDIA, SIGNATURE_BYTES, SUITE, Header
from edge.unit.recorder import Door, Recorder
from tests.power.notes import Did, Evicted, EvictedFrames, Framed, Held, LetGo, Received
from tests.power.tape import Tape
from tests.power.vfs import Connector
from tests.power.witness import WitnessJournal, WitnessStore

RECORDS_MAX = 130  # so that a long night without a platform evicts
FRAMES_BYTES = 25_000  # and frames too
FRAME_BYTES = (300, 900, 2500, 9000)
# How often which: a street with people, a platform that takes a backlog, and a night in which little happens.
DAY = {"open": 6, "burst": 2, "flood": 1, "receive": 3, "picture": 3, "deliver": 2, "sync": 1, "wait": 1, "shed": 2}
BACKLOG = {"open": 2, "burst": 1, "receive": 8, "picture": 1, "deliver": 5, "wait": 2, "restart": 2}
NIGHT = {"open": 1, "receive": 1, "picture": 2, "deliver": 2, "sync": 4, "wait": 16}
LONELY = {"open": 4, "burst": 3, "flood": 2, "picture": 2, "wait": 1}


class Shift:
    """One unit in `folder`, from its start on; `work` does one thing more. `used`: all seqs handed out before."""

    def __init__(
        self,
        folder: Path,
        tape: Tape,
        connect: Connector,
        dice: random.Random,
        clock: SimClock,
        held: Held | None,
        used: set[Key],
    ) -> None:
        self._tape = tape
        self._dice = dice
        self._clock = clock
        self._loop = Loop(clock.now)
        self._files = FrameFiles(folder / "frames")
        new_epoch: Callable[[], str] = lambda: f"{dice.getrandbits(64):016x}"  # noqa: E731 - a def says no more
        self._store = WitnessStore(folder, new_epoch, connect, tape, held)
        self._card, self._frames = SimWorker(self._loop), SimWorker(self._loop)
        self._new_epoch = new_epoch
        self._used = used
        self._open = False
        self._last: Event | None = None
        self._start()

    def work(self, weights: dict[str, int]) -> None:
        """One thing more happens, and the card catches up, or does not."""
        what = self._dice.choices(list(weights), list(weights.values()))[0]
        self._clock.turn(self._dice.randrange(1, 300) * MS)
        getattr(self, f"do_{what}")()
        if self._dice.random() < 0.8:
            self._settle()

    def end(self) -> None:
        """Let go of the files; what has not been committed is lost, as with a kill."""
        self._store.close()

    # What happens

    def do_open(self) -> None:
        self._open = not self._open
        at = self._clock.read()
        change = Change.OPENED if self._open else Change.SHUT
        door = Door("open" if self._open else "shut", at, at if self._open else None)
        self._last = self._recorder.event(
            at, door, change=change, door=door.state, reason="x" * self._dice.choice((0, 40))
        )

    def do_burst(self) -> None:
        for _ in range(self._dice.randrange(3, 9)):
            self._clock.turn(70 * MS)
            self.do_open()
        self._tape.note(Did("records put in groups"))

    def do_flood(self) -> None:
        """More openings than seqs are set aside, while the card hangs."""
        for _ in range(self._dice.randrange(34, 80)):
            self._clock.turn(70 * MS)
            self.do_open()
        self._tape.note(Did("floods past the seqs set aside"))

    def do_receive(self) -> None:
        answers: list[Rows] = []
        self._journal.read(0, self._dice.randrange(1, 12), answers.append)
        self._settle()
        rows = tuple(answers[0])
        if rows:
            self._tape.note(Received(rows))
            self._journal.forget([n for n, _ in rows])

    def do_picture(self) -> None:
        event = self._last
        if event is None:
            return
        at = self._clock.read()
        size = self._dice.choice(FRAME_BYTES)
        header = Header(
            suite=SUITE, key="k", unit="door-7", epoch=event.epoch, event=event.seq, at=at, digest="", media=MEDIA
        )
        packed = msgspec.json.encode(header)
        sealed = MAGIC + struct.pack(">I", len(packed)) + packed + self._dice.randbytes(size + SIGNATURE_BYTES)
        row = FrameRow(hashlib.sha256(sealed).hexdigest(), event.epoch, event.seq, at, len(sealed))
        self._tape.note(Framed(row))
        self._album.keep(row, sealed, _refused)

    def do_deliver(self) -> None:
        for row in self._album.rows()[: self._dice.randrange(1, 4)]:
            self._tape.note(LetGo(row.name))
            self._album.forget(row.name)

    def do_shed(self) -> None:
        self._album.shed()

    def do_sync(self) -> None:
        """The network sets the clock, or is gone for too long."""
        good = self._clock.quality is Quality.SYNCED
        self._clock.quality = Quality.RESTORED if good else Quality.SYNCED
        self._clock.error_ms = None if good else 3
        live(self._loop, self._clock, 700 * SECOND)

    def do_wait(self) -> None:
        live(self._loop, self._clock, self._dice.randrange(5, 70) * SECOND)

    def do_restart(self) -> None:
        self._settle()
        ended: list[bool] = []
        self._journal.close(lambda: ended.append(True))
        self._settle()
        assert ended, "the journal did not say that it is closed"
        self._start()

    # The unit

    def _start(self) -> None:
        self._journal = WitnessJournal(
            self._store,
            partial(open_spool, self._store, self._files),
            self._card,
            self._loop,
            self._new_epoch,
            RECORDS_MAX,
        )
        self._journal.tape, self._journal.used = self._tape, self._used
        self._album = Album(self._files, self._frames, self._journal, FRAMES_BYTES)
        self._recorder = Recorder("door-7", self._journal, self._clock, self._loop, Health(), 60, lambda _: b"")
        self._journal.on_lost = self._lost
        self._album.on_lost = self._lost_frames
        self._album.on_gone = self._gone_frames
        self._journal.on_trouble = _trouble
        snapshots: list[Snapshot | None] = []
        self._journal.open(snapshots.append)
        self._settle()
        (snapshot,) = snapshots
        assert snapshot is not None
        self._album.adopt(snapshot.frames)
        self._recorder.begin(snapshot)
        self._album.miss(snapshot.gone)
        self._tape.note(Did("starts"))

    def _settle(self) -> None:
        """Until nobody has anything to do."""
        self._loop.turn()
        while self._card or self._frames:
            self._dice.choice([worker for worker in (self._card, self._frames) if worker]).step()
            self._loop.turn()
        assert not self._loop.faults, "the deciding loop met a fault; see the log above"

    def _lost(self, reason: GapReason, rows: Rows) -> None:
        records = [record for _, record in rows]
        self._tape.note(Evicted(tuple(records)))
        self._tape.note(Did("records evicted"))
        self._recorder.gap(reason, records)

    def _lost_frames(self, rows: list[FrameRow]) -> None:
        for row in rows:
            self._tape.note(LetGo(row.name))
        self._tape.note(EvictedFrames(tuple(row.name for row in rows)))
        self._tape.note(Did("frames evicted"))
        self._recorder.gap(GapReason.FULL, [], rows)

    def _gone_frames(self, rows: list[FrameRow]) -> None:
        """A full card's frames go file first: a cut before the commit leaves their rows."""
        self._tape.note(Did("frames missed"))
        self._recorder.gap(GapReason.CORRUPT, [], rows)


def _trouble(err: Exception | None) -> None:
    if err is not None:
        raise err


def _refused(err: Exception) -> None:
    raise err
