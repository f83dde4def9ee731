"""What the term's effects come to: the door watched or not, the camera on or off, everything erased."""

from collections.abc import Callable

from edge.clock import SECOND, Stamp
from edge.door.term import Effect, pack
from edge.unit.crew import Crew
from edge.unit.erasure import counting
from edge.unit.recorder import Door
from edge.unit.warden import NAME

COMMANDS = "commands"  # the ids of commands done, in the spool's state
OFF_NS = 5 * SECOND  # a camera that was told to stop is off by then


class Effects:
    """Lives in the deciding thread. `ids()`: the commands done; `tell()`: the platform is told the state."""

    def __init__(self, crew: Crew, ids: Callable[[], bytes], tell: Callable[[], None]) -> None:
        self._c = crew
        self._ids = ids
        self._tell = tell
        self._started = False  # the camera's thread
        crew.warden.on_effect = self.perform
        crew.warden.on_change = tell
        crew.warden.pending = self._pending
        crew.doorkeeper.expected = crew.warden.expected
        if crew.eye is not None:
            eye = crew.eye
            crew.photographer.sensor_open = lambda: eye.sensor_open

    def begin(self, door: Door | None, alive: Stamp | None, *, card_works: bool) -> None:
        """The recorder has begun: watch, where this is the time to. The door as last stored, and when that was."""
        c = self._c
        if c.warden.begin(card_works):
            c.doorkeeper.begin(door, alive)
        elif c.warden.watching:
            c.doorkeeper.arm()
        if c.warden.looking:
            self._look()

    def perform(self, effect: Effect, by: str) -> None:
        """One effect, on whose word."""
        c = self._c
        if effect is Effect.WATCH:
            c.doorkeeper.arm()
        elif effect is Effect.LOOK:
            self._look()
        elif effect is Effect.REST:
            c.doorkeeper.rest()
            self._rest()
        elif effect is Effect.ERASE:
            c.photographer.abandon()
            c.trace.clear()
            c.album.settled(lambda: self._erase(by))

    def _look(self) -> None:
        c = self._c
        if c.eye is None:
            return
        self._switch_on()
        c.photographer.begin()
        c.health.clear("camera.unstopped", c.loop.now())

    def aim(self, on: bool) -> None:
        """The installer looks through the camera, outside the term too; within it, it is on anyhow."""
        if on:
            self._switch_on()
        elif not self._c.warden.looking:
            self._switch_off()
        self._tell()

    def _switch_on(self) -> None:
        eye = self._c.eye
        if eye is not None and self._started:
            eye.resume()
        elif eye is not None:
            self._started = True
            eye.start()

    def _rest(self) -> None:
        self._c.photographer.rest()
        self._switch_off()

    def _switch_off(self) -> None:
        if self._c.eye is not None and self._started:
            self._c.eye.pause()
            self._c.loop.after(OFF_NS, self._look_at_eye)

    def _look_at_eye(self) -> None:
        """A sensor that hangs cannot be switched off; that is told, and its lamp stays on."""
        c = self._c
        on = c.eye is not None and c.eye.sensor_open and not c.warden.looking
        c.health.put("camera.unstopped", c.loop.now(), on, f"{OFF_NS // SECOND} s after it was told to stop")
        self._tell()
        if on:
            c.loop.after(10 * OFF_NS, self._look_at_eye)

    def _pending(self) -> bool:
        c = self._c
        return bool(c.journal.backlog or len(c.album) or c.photographer.pending)

    def _erase(self, by: str) -> None:
        c = self._c
        state = {**c.recorder.kept(), **c.updates.kept(), COMMANDS: self._ids().decode()}
        count = counting(by, c.journal.epoch, len(c.album), state, c.shares.erase())
        files = {NAME: pack(c.warden.after()).decode()}
        c.journal.replace(lambda in_ram: c.eraser.erase(count, files, in_ram))
        c.courier.restart()
        for annex in c.annexes:
            annex.erased()
        if c.centre is not None:
            c.centre.restart()
