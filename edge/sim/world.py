"""A whole unit in a simulated world: clock, pins, link, broker, platform, card and power. Weeks in seconds.

The unit is the real one, staffed from simulated parts; script.py says what happens to it. One seed makes one history
and replays it exactly. True time is ns since the world began.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from edge import config
from edge.board import pins
from edge.board.host import HostReading
from edge.clock import FLOOR_NS, MS, SECOND, Quality
from edge.errors import PartError
from edge.loop import Loop
from edge.records import Event
from edge.sim import waves
from edge.sim.city import City
from edge.sim.contact import Wire
from edge.sim.history import Move, Span, Truth, judge
from edge.sim.time import SimClock
from edge.spool.frames import FrameFiles
from edge.spool.store import SqliteStore
from edge.unit.agent import Unit
from edge.unit.crew import Kit, staff

UNIT = "sim-1"
BASE_NS = FLOOR_NS + 30 * 86_400 * SECOND  # UTC when the world begins
SETTINGS: dict[str, Any] = {  # periods as long as they may be: what is simulated is faults, not heartbeats
    "camera": {"enabled": False},
    "door": {"resample_ms": 600_000},
    "spool": {"alive_s": 3600},
    "uplink": {"pulse_s": 3600},
}


class World:
    """One unit's world. Script it with `at`, then `run` it, then ask what was `wrong`."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.dice = random.Random(seed)  # noqa: S311 - a history to replay, not a secret
        self.now_ns = 0
        self.closed = True  # where the door's leaf is
        self.life = 0  # counts starts and ends of the agent
        self.card_fault: PartError | None = None
        self.card_takes_ns = 3 * MS
        self.config = config.parse(SETTINGS)
        self.truth = Truth(BASE_NS, self.config.door.settle_ms * MS)
        self.city = City(UNIT, self.after, self.dice, self.config.uplink.keepalive_s)
        self.faults = 0  # exceptions that reached a deciding loop
        self._folder = folder
        self._clock = SimClock(boot="boot-0", wall_ns=BASE_NS, quality=Quality.SYNCED)
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._epochs = itertools.count(1)
        self._boots = itertools.count(1)
        self._level = True
        self._wire: Wire | None = None
        self._loop: Loop | None = None
        self._unit: Unit | None = None
        self._store: SqliteStore | None = None
        self._began_ns = self._off_ns = 0
        self.truth.boots["boot-0"] = -self._clock.now()

    def run(self, until_ns: int) -> None:
        """From the first start of the agent until this true time."""
        self.start()
        self._advance(until_ns)

    def wrong(self) -> list[str]:
        """What broke the promise; empty where it was kept."""
        self.die()
        found = judge(self.truth, list(self.city.platform.held.values()))
        return [*found, f"{self.faults} faults in the deciding loop"] if self.faults else found

    # Time

    def at(self, at_ns: int, act: Callable[[], None]) -> None:
        """Call `act` at this true time."""
        heapq.heappush(self._heap, (at_ns, next(self._order), act))

    def after(self, wait_ns: int, act: Callable[[], None]) -> None:
        """Call `act` wait_ns from now."""
        self.at(self.now_ns + wait_ns, act)

    def _advance(self, until_ns: int) -> None:
        while self.now_ns < until_ns:
            wait_ns = self._loop.turn() if self._loop else None
            due_ns = min(until_ns, self._heap[0][0] if self._heap else until_ns)
            if wait_ns is not None:
                due_ns = min(due_ns, self.now_ns + wait_ns)
            self._clock.turn(due_ns - self.now_ns)
            self.now_ns = due_ns
            while self._heap and self._heap[0][0] <= self.now_ns:
                heapq.heappop(self._heap)[2]()

    # Power

    def start(self) -> None:
        """Start the agent, on the spool as it lies there."""
        if self._loop is not None:
            return
        self.life += 1
        self._began_ns = self.now_ns
        loop = self._loop = Loop(self._clock.now)
        self.city.post = loop.post
        factory = pins.simulated_factory(self._clock.now)
        self._wire = Wire(factory, self.config.door.contact_pin)
        self._wire.set(self._level)
        self._store = SqliteStore(self._folder, self._new_epoch)
        self._unit = staff(
            self.config,
            UNIT,
            Kit(
                clock=self._clock,
                loop=loop,
                contact=pins.Reed(factory, self.config.door.contact_pin, now=self._clock.now),
                link=self.city,
                store=self._store,
                files=FrameFiles(self._folder / "frames"),
                worker=lambda _name: Worker(self, loop),
                eye=None,
                seal=_never,
                open_post=None,
                verify=lambda _signature, _message: False,
                host=HostReading,
                dice=random.Random(self.dice.random()),  # noqa: S311 - as above
                new_epoch=self._new_epoch,
            ),
        )
        self._unit.start()

    def die(self) -> None:
        """The agent is gone from one instant to the next; what was not on the card never was."""
        if self._loop is None or self._store is None:
            return
        self.life += 1
        self.truth.lives.append(Span(self._began_ns, self.now_ns))
        self.faults += self._loop.faults
        self.city.unplug()
        self._store.close()
        self._loop = self._unit = self._wire = self._store = None

    def cut(self) -> None:
        """The power is gone."""
        self.die()
        self._off_ns = self.now_ns

    def boot(self, quality: Quality, wrong_ns: int = 0) -> None:
        """The power is back. The wall clock shows 1970 (unsynced), or a time that is wrong by wrong_ns."""
        if self._loop is not None:
            return
        name = f"boot-{next(self._boots)}"
        self._clock.reboot(name)
        self.truth.boots[name] = self.now_ns
        self.set_clock(quality, None, wrong_ns if quality is not Quality.UNSYNCED else -BASE_NS - self.now_ns)
        self.start()

    def set_clock(self, quality: Quality, error_ms: int | None, wrong_ns: int) -> None:
        """The wall clock is set: it is wrong by wrong_ns from now on."""
        self._clock.step(BASE_NS + self.now_ns + wrong_ns - self._clock.read().wall_ns)
        self._clock.quality, self._clock.error_ms = quality, error_ms

    # The door

    def move(self, closed: bool, wave: str) -> None:
        """The leaf moves; its contact plays `wave` (one that ends)."""
        if closed is self.closed:
            return
        self.closed = closed
        began_ns, rest_ns = self.now_ns, self.now_ns
        for at_us, level in waves.wave(wave, closed, self.dice):
            rest_ns = began_ns + at_us * 1000
            self.at(rest_ns, partial(self._set, level))
        self.truth.moves.append(Move(began_ns, closed, rest_ns))

    def chatter(self, for_ns: int) -> None:
        """The contact tells nonsense for a while, then the truth again."""
        self.truth.contact_bad.append(Span(self.now_ns, self.now_ns + for_ns))
        for at_us, level in waves.wave("chatter", self.closed, self.dice):
            if at_us * 1000 >= for_ns:
                break
            self.after(at_us * 1000, partial(self._set, level))
        self.after(for_ns, lambda: self._set(self.closed))

    def _set(self, level: bool) -> None:
        self._level = level
        if self._wire is not None:
            self._wire.set(level)

    def _new_epoch(self) -> str:
        return f"epoch-{next(self._epochs)}"


class Worker:
    """edge.loop.Worker in true time: a job takes a while, and its answer a while more. Power may go in between."""

    def __init__(self, world: World, loop: Loop) -> None:
        self._world = world
        self._loop = loop
        self._life = world.life
        self._free_ns = 0

    def do(self, job: Callable[[], Any], then: Callable[[Any], None], fail: Callable[[Exception], None]) -> None:
        """Run `job` when the card has come to it."""
        half_ns = self._world.card_takes_ns // 2
        start_ns = max(self._free_ns, self._world.now_ns)
        self._free_ns = start_ns + 2 * half_ns
        self._world.at(start_ns + half_ns, lambda: self._run(job, then, fail, half_ns))

    def close(self) -> None:
        """Nothing to end."""

    def _run(
        self, job: Callable[[], Any], then: Callable[[Any], None], fail: Callable[[Exception], None], rest_ns: int
    ) -> None:
        if self._life != self._world.life:
            return
        if self._world.card_fault is not None:
            self._tell(fail, self._world.card_fault, rest_ns)
            return
        try:
            answer = job()
        except Exception as err:  # carried to the deciding thread, as edge.loop.Thread does
            self._tell(fail, err, rest_ns)
        else:
            self._tell(then, answer, rest_ns)

    def _tell(self, act: Callable[[Any], None], answer: object, wait_ns: int) -> None:
        def tell() -> None:
            if self._life == self._world.life:
                self._loop.call(act, answer)

        self._world.after(wait_ns, tell)


def _never(_image: object, event: Event, _at: object) -> tuple[str, bytes]:
    raise AssertionError(f"a picture of {event} without a camera")
