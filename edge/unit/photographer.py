"""Pictures of an opening: from the ring and from the seconds after it, each sealed, kept and sent as it comes.

A camera that fails or hangs costs pictures and a warning, never an event: the FrameSet then says what is missing.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from edge import config, told
from edge.camera.ring import Ring
from edge.clock import SECOND, Clock, Stamp
from edge.errors import DoorunitError, PartError
from edge.health import Health
from edge.loop import Loop, Timer, Worker
from edge.parts import CameraFailed, FrameRow, FrameTaken, Snapshot
from edge.records import Event, FrameRef, Key, Record
from edge.spool.album import Album
from edge.spool.batch import throw
from edge.unit import sets

if TYPE_CHECKING:
    from PIL.Image import Image

TRIAL_NS = 30 * SECOND  # a card that refused a picture is tried again after this long, without one
STALLED_NS = 5 * SECOND  # and three periods without a picture: the camera is called stalled
OVER = "the term ended"
OnSet = Callable[[Key, tuple[FrameRef, ...], str, Mapping[str, bytes]], None]
Seal = Callable[["Image", Record, Stamp], tuple[str, bytes]]  # (picture, its event, when taken) -> (name, sealed)


class Take(msgspec.Struct):
    """One opening's pictures on their way."""

    event: Event
    refs: list[FrameRef] = msgspec.field(default_factory=list)
    underway: int = 0
    over: bool = False  # no more pictures will be taken
    trouble: str = ""


class Photographer:
    """Lives in the deciding thread.

    Hooks: on_frame(event, frame) for each picture of an opening as it comes, on_row() when a frame is safe on the
    card, on_set(key of the opening, refs, missing, state) when all pictures are taken; on_sealed(row) and on_kept(row)
    of each; on_abandon() when none is wanted any more. `keep(key, state)` puts what is begun on the card: in the commit
    of its opening or of a picture's row.
    """

    def __init__(
        self,
        settings: config.Camera,
        album: Album,
        seal: Seal,
        darkroom: Worker,
        loop: Loop,
        clock: Clock,
        health: Health,
    ) -> None:
        self._settings = settings
        self._album = album
        self._seal = seal
        self._darkroom = darkroom  # encodes and seals, in RAM
        self._loop = loop
        self._clock = clock
        self._health = health
        self.on_set: OnSet = lambda _key, _refs, _missing, _state: None
        self.keep: Callable[[str, bytes], None] = lambda _key, _state: None
        self.on_frame: Callable[[Event, FrameTaken], None] = lambda _event, _frame: None
        self.on_row: Callable[[], None] = lambda: None
        self.on_abandon: Callable[[], None] = lambda: None
        self.on_sealed: Callable[[FrameRow], None] = lambda _: None
        self.on_kept: Callable[[FrameRow], None] = lambda _: None
        self.sensor_open: Callable[[], bool] = lambda: False
        self._ring = self._empty_ring()
        self._watch: Timer | None = None  # the next check; None: no pictures are expected
        self._stalled_ns = STALLED_NS + round(3 * SECOND / settings.fps)
        self._takes: dict[Key, Take] = {}
        self._last_ns: int | None = None
        self._failure = ""
        self._trial: Timer | None = None  # of the card
        album.on_kept = self._kept

    def begin(self) -> None:
        """Expect pictures from now on."""
        self._last_ns = self._loop.now()
        if self._watch is None and self._settings.enabled:
            self._check()

    def rest(self) -> None:
        """The camera is switched off: what was begun is closed with what there is of it. Safe to repeat."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        self._ring = self._empty_ring()
        self._failure = ""
        for code in ("camera.failed", "camera.stalled"):
            self._health.clear(code, self._loop.now())
        for key, take in list(self._takes.items()):
            take.over = True
            take.trouble = take.trouble or OVER
            self._close(key, take)

    def resume(self, snapshot: Snapshot) -> None:
        """A spool was opened: close what an earlier run had begun, and remember there what this one has."""
        begun = sets.unpack(snapshot.state.get(sets.STATE, b""))
        left = {key: refs for key, refs in begun.items() if key not in self._takes}
        why = sets.STOPPED if snapshot.clean else sets.CUT_OFF
        for key, refs in list(left.items()):
            del left[key]
            named = sets.completed(refs, key, snapshot.frames)
            self.on_set(key, named, why, {sets.STATE: sets.pack(left | self._begun())})
        if self._takes:
            self._note()

    def abandon(self) -> None:
        """What is on its way is wanted no more: it goes nowhere."""
        self._takes.clear()
        self.on_abandon()

    @property
    def pending(self) -> int:
        """Openings whose pictures are on their way."""
        return len(self._takes)

    @property
    def state(self) -> told.Camera:
        """Of the camera: none, off, on or failed."""
        if not self._settings.enabled:
            return "none"
        if self._watch is None:
            return "on" if self.sensor_open() else "off"
        return "failed" if self._failure or self._health.active("camera.stalled") else "on"

    @property
    def can_snap(self) -> bool:
        """Whether the camera is on and has given a picture lately."""
        return self._watch is not None and len(self._ring) > 0

    @property
    def last(self) -> FrameTaken | None:
        """The last picture, while the camera is on."""
        return self._ring.last if self.can_snap else None

    def snap(self, of: Record, then: Callable[[str, bytes], None]) -> None:
        """The last picture, sealed as one of this record; `then` gets its name and bytes. It touches no card."""
        frame = self._ring.last
        at = self._clock.read().at(frame.boot_ns)
        self._darkroom.do(partial(self._seal, frame.image, of, at), lambda made: then(*made), throw)

    def look(self, event: Event) -> None:
        """The door opened: begin to collect."""
        if not self._settings.enabled or self._watch is None:
            return
        key = (event.epoch, event.seq)
        self._takes[key] = Take(event)
        self._note()
        for frame in self._ring.catch(key, event.at.boot_ns):
            self._develop(key, frame)
        due_ns = self._ring.due_ns()
        if due_ns is not None:
            self._loop.at(due_ns, self._finish)

    def frame_taken(self, frame: FrameTaken) -> None:
        """The camera gave a picture."""
        if self._watch is None:
            return  # it was on its way when the camera was switched off
        now = self._loop.now()
        self._last_ns = now
        self._failure = ""
        self._health.clear("camera.failed", now)
        self._health.clear("camera.stalled", now)
        for key, wanted in self._ring.take(frame):
            self._develop(key, wanted)
        self._finish()

    def failed(self, fact: CameraFailed) -> None:
        """The camera gave none; it is tried again by itself."""
        if self._watch is None:
            return
        self._failure = str(fact.error)
        self._health.set("camera.failed", self._loop.now(), fact.error)

    def doubt_card(self, err: PartError) -> None:
        """The card did not take or give a picture: named, until it takes one again."""
        self._health.set("frames.unkept", self._loop.now(), err)
        if self._trial is None:
            self._trial = self._loop.after(TRIAL_NS, self._try_card)

    def trust_card(self) -> None:
        """The card takes records again: a trial tells whether it takes pictures."""
        if self._trial is not None:
            self._trial.cancel()
            self._trust_card()
            self._try_card()

    def _try_card(self) -> None:
        self._trial = None
        self._album.trial(lambda _: self._trust_card(), self._distrust_card)

    def _trust_card(self) -> None:
        self._health.clear("frames.unkept", self._loop.now())

    def _distrust_card(self, err: Exception) -> None:
        if not isinstance(err, PartError):
            raise err
        self.doubt_card(err)

    def _check(self) -> None:
        now = self._loop.now()
        if self._last_ns is not None and now - self._last_ns > self._stalled_ns and not self._failure:
            self._health.set("camera.stalled", now, f"no picture for {self._stalled_ns // SECOND} s")
        self._finish()  # also lets go of old pictures when no new ones come
        self._watch = self._loop.after(self._stalled_ns // 2, self._check)

    def _empty_ring(self) -> Ring[Key]:
        settings = self._settings
        return Ring(
            before_s=settings.before_s,
            after_s=settings.after_s,
            fps=settings.fps,
            max_frames=settings.max_frames,
            late_s=1.0,  # the longest settle time
        )

    def _develop(self, key: Key, frame: FrameTaken) -> None:
        take = self._takes[key]
        take.underway += 1
        at = self._clock.read().at(frame.boot_ns)

        def sealed(answer: tuple[str, bytes]) -> None:
            if self._takes.get(key) is not take:
                return  # abandoned: it was in RAM only
            name, data = answer
            row = FrameRow(name, key[0], key[1], at, len(data))
            self.on_sealed(row)
            self._album.keep(row, data, partial(self._unkept, key))

        self._darkroom.do(partial(self._seal, frame.image, take.event, at), sealed, partial(self._spoiled, key))
        self.on_frame(take.event, frame)

    def _kept(self, row: FrameRow) -> None:
        self._trust_card()
        self.on_kept(row)
        take = self._takes.get((row.epoch, row.event))
        if take is not None:
            take.refs.append(sets.reference(row))
            self._note()
            self._step((row.epoch, row.event), take)
        self.on_row()

    def _unkept(self, key: Key, err: Exception) -> None:
        if isinstance(err, PartError):
            self.doubt_card(err)
        self._spoiled(key, err)

    def _spoiled(self, key: Key, err: Exception) -> None:
        take = self._takes.get(key)
        if take is not None:
            take.trouble = str(err)
            self._step(key, take)
        if not isinstance(err, DoorunitError):  # a fault of ours; the set of pictures is told all the same
            raise err

    def _step(self, key: Key, take: Take) -> None:
        take.underway -= 1
        self._close(key, take)

    def _finish(self) -> None:
        for key in self._ring.done(self._loop.now()):
            take = self._takes[key]
            take.over = True
            self._close(key, take)

    def _close(self, key: Key, take: Take) -> None:
        if not take.over or take.underway:
            return
        del self._takes[key]
        missing = take.trouble
        if not missing and not take.refs:
            missing = self._failure or "the camera gave no picture in time"
        refs = tuple(sorted(take.refs, key=lambda ref: ref.boot_ns))
        self.on_set(key, refs, missing, {sets.STATE: sets.pack(self._begun())})

    def _begun(self) -> sets.Begun:
        return {key: take.refs for key, take in self._takes.items()}

    def _note(self) -> None:
        self.keep(sets.STATE, sets.pack(self._begun()))
