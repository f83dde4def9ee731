"""A whole unit in a simulated world: clock, pins, camera, link, broker, platform, card, power. Weeks in seconds.

The unit is the real one, staffed from simulated parts; script.py says what happens to it. One seed makes one history
and replays it exactly. True time is ns since the world began.
"""

import hashlib
import heapq
import itertools
import random
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from edge import config, wire
from edge.board import pins
from edge.board.host import HostReading
from edge.board.indicator import Panel
from edge.clock import FLOOR_NS, MS, SECOND, Quality, Stamp
from edge.loop import Loop
from edge.parts import Link
from edge.records import Record
from edge.sim import terms, waves
from edge.sim.beside import differ
from edge.sim.chips import SimChips
from edge.sim.city import City
from edge.sim.contact import Wire
from edge.sim.history import Move, Span, Truth, judge
from edge.sim.shelf import Shelf
from edge.sim.time import SimClock
from edge.sim.worker import Part, TimedWorker
from edge.spool.frames import FrameFiles
from edge.spool.store import SqliteStore
from edge.unit.agent import Unit
from edge.unit.staff import Kit, staff
from edge.uplink.fallback import FallbackLink
from edge.uplink.other import Other

if TYPE_CHECKING:
    from PIL.Image import Image

    from edge.board.pins import Factory
    from edge.sim.camera import SimCamera
    from edge.sim.eye import SimEye

UNIT = "sim-1"
BASE_NS = FLOOR_NS + 30 * 86_400 * SECOND  # UTC when the world begins
_TAKE_NS = 6 * SECOND  # after the last picture: the latest settle time, and what sealing and writing take
SETTINGS: dict[str, Any] = {  # periods as long as they may be: what is simulated is faults, not heartbeats
    "camera": {"enabled": False},
    "door": {"resample_ms": 600_000},
    "spool": {"alive_s": 3600},
    "uplink": {"pulse_s": 3600, "backoff_max_s": 300, "receipt_timeout_s": 300},
}


class World:
    """One unit's world. Script it with `at`, then `run` it, then ask what was `wrong`."""

    def __init__(
        self,
        seed: int,
        folder: Path,
        settings: Mapping[str, Any] = SETTINGS,
        beside: tuple[Other, ...] = (),
        *,
        detour: bool = False,
    ) -> None:
        self.seed = seed
        self.dice = random.Random(seed)  # noqa: S311 - a history to replay, not a secret
        self.now_ns = 0
        self.closed = True  # where the door's leaf is
        self.life = 0  # counts starts and ends of the agent
        self.config = config.parse(settings)
        self.parts = {
            name: Part() for name in ("card", "frames", "darkroom", "post", "bus", "updates")
        }  # what each worker works on
        self.deaf_after_ns: int | None = None  # of each movement, the kernel drops all edges later than this
        self.host = HostReading()  # what the machine says of itself
        self.verify_takes_ns = 0  # how long the deciding thread is busy with one signature
        self.camera: SimCamera | None = None
        self.eye: SimEye | None = None
        self.unit: Unit | None = None  # the one that runs now
        self.chips = SimChips(self.config.sensors, lambda: self.now_ns // MS)
        self._lid: Wire | None = None
        self._lid_on = True
        self.truth = Truth(BASE_NS, self.config.door.settle_ms * MS)
        self.truth.take_ns = int(self.config.camera.after_s * SECOND) + _TAKE_NS
        self.city = City(UNIT, self.after, self.dice, self.config.uplink.keepalive_s)
        self.web = self._detour() if detour else None  # the way by HTTPS
        self.shelf = Shelf(self.city.trouble)
        self._beside = beside  # their links are made here: a city for each
        self.others = [
            City(UNIT, self.after, random.Random(f"{seed}/{i}"), self.config.uplink.keepalive_s)  # noqa: S311 - as above
            for i, _ in enumerate(beside)
        ]
        self.faults = 0  # exceptions that reached a deciding loop
        self.folder = folder
        terms.preset(folder, BASE_NS)
        self._clock = SimClock(boot="boot-0", wall_ns=BASE_NS, quality=Quality.SYNCED)
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._epochs = itertools.count(1)
        self._boots = itertools.count(1)
        self._level = True
        self._wire: Wire | None = None
        self._busy: set[int] = set()
        self._strangers: dict[int, pins.Reed] = {}
        self._factory: Factory | None = None
        self._loop: Loop | None = None
        self.store: SqliteStore | None = None
        self._began_ns = self._off_ns = 0
        self.truth.boots["boot-0"] = -self._clock.now()

    @property
    def clock(self) -> SimClock:
        """The unit's clocks."""
        return self._clock

    @property
    def loop(self) -> Loop:
        """The deciding loop of the unit that runs now."""
        assert self._loop is not None  # noqa: S101 - asked for only while it runs
        return self._loop

    def run(self, until_ns: int) -> None:
        """From the first start of the agent until this true time."""
        self.start()
        self.advance(until_ns)

    def wrong(self) -> list[str]:
        """What broke the promise; empty where it was kept."""
        self.die()
        held = list(self.city.platform.held.values())
        found = judge(self.truth, held)
        for other, city in zip(self._beside, self.others, strict=True):
            found += differ(self.truth, other.wish, held, list(city.platform.held.values()))
        return [*found, f"{self.faults} faults in the deciding loop"] if self.faults else found

    # Time

    def at(self, at_ns: int, act: Callable[[], None]) -> None:
        """Call `act` at this true time."""
        heapq.heappush(self._heap, (at_ns, next(self._order), act))

    def after(self, wait_ns: int, act: Callable[[], None]) -> None:
        """Call `act` wait_ns from now."""
        self.at(self.now_ns + wait_ns, act)

    def advance(self, until_ns: int) -> None:
        """Let everything happen until this true time."""
        heap = self._heap
        while self.now_ns < until_ns:
            wait_ns = self._loop.turn() if self._loop else None
            due_ns = until_ns if wait_ns is None else min(until_ns, self.now_ns + wait_ns)
            if heap and heap[0][0] < due_ns:
                due_ns = heap[0][0]
            self._clock.turn(due_ns - self.now_ns)
            self.now_ns = due_ns
            while heap and heap[0][0] <= due_ns:
                heapq.heappop(heap)[2]()

    # Power

    def start(self) -> None:
        """Start the agent, on the spool as it lies there."""
        if self._loop is not None:
            return
        self.life += 1
        self._began_ns = self.now_ns
        loop = self._loop = Loop(self._clock.now)
        self._factory = pins.simulated_factory(self._clock.now)
        self._wire = Wire(self._factory, self.config.door.contact_pin)
        self._wire.set(self._level)
        if self.config.sensors.tamper_pin is not None:
            self._lid = Wire(self._factory, self.config.sensors.tamper_pin)
            self._lid.set(self._lid_on)
        self._strangers = {pin: self._stranger(pin) for pin in self._busy}
        self.store = SqliteStore(self.folder, self._new_epoch)
        self.unit = staff(self.config, UNIT, self._kit(self._factory, loop, self.store))
        self.unit.start()

    def _kit(self, factory: "Factory", loop: Loop, store: SqliteStore) -> Kit:
        door, camera, life = self.config.door, self.config.camera, self.life
        contact = pins.Reed(factory, door.contact_pin, closed_level=door.closed_level, now=self._clock.now)
        self.eye = self._look(factory, loop) if camera.enabled else None

        def worker(name: str) -> TimedWorker:
            parts = (self.parts[name], self.parts["card"]) if name == "frames" else (self.parts[name],)
            return TimedWorker(loop, self.after, parts, lambda: self.life == life)

        return Kit(
            clock=self._clock,
            loop=loop,
            contact=contact,
            link=self._link(loop),
            store=store,
            files=FrameFiles(self.folder / "frames"),
            worker=worker,
            eye=self.eye,
            seal=_seal,
            open_post=(lambda: self.shelf) if camera.enabled else None,
            verify=self._verify,
            sign=lambda message: message[:64],
            folder=self.folder,
            host=lambda: self.host,
            dice=random.Random(self.dice.random()),  # noqa: S311 - as above
            new_epoch=self._new_epoch,
            bus=self.chips.bus if self.config.sensors.addresses else None,
            tamper=self._tamper(factory),
            panel=self._panel(factory, loop),
            others=tuple(map(self._other, self._beside, self.others)),
        )

    def _detour(self) -> City:
        """Another port of the same platform, through the same network."""
        dice = random.Random(self.seed)  # noqa: S311 - a history to replay
        web = City(UNIT, self.after, dice, self.config.uplink.keepalive_s, self.city.platform)
        web.protocol, web.window = "https", 500
        self.city.beside = (web,)
        return web

    def _link(self, loop: Loop) -> Link:
        if self.web is None:
            return _posting(self.city, loop.post)
        dice = random.Random(self.seed + self.life)  # noqa: S311 - as above
        return FallbackLink(partial(_posting, self.city), partial(_posting, self.web), loop, dice)

    def _other(self, other: Other, city: City) -> Other:
        def opened(post: Callable[[object], None]) -> City:
            city.post = post
            return city

        return msgspec.structs.replace(other, open=opened)

    def _tamper(self, factory: "Factory") -> pins.Reed | None:
        pin = self.config.sensors.tamper_pin
        return None if pin is None else pins.Reed(factory, pin, now=self._clock.now)

    def _panel(self, factory: "Factory", loop: Loop) -> Panel | None:
        led, buzzer = self.config.indicator.led_pin, self.config.indicator.buzzer_pin
        if led is None and buzzer is None:
            return None
        return Panel(pins.lamp(factory, led), pins.lamp(factory, buzzer), loop)

    def _look(self, factory: "Factory", loop: Loop) -> "SimEye":
        from edge.camera.eye import Eye  # with Pillow, which most worlds do without
        from edge.camera.lit import LitCamera
        from edge.camera.mask import Mask
        from edge.sim.camera import SimCamera
        from edge.sim.eye import SimEye

        settings = self.config.camera
        if self.camera is None:
            size = {"width": settings.width, "height": settings.height}
            self.camera = SimCamera(lambda: not self.closed, lambda: BASE_NS + self.now_ns, **size)
        lit = LitCamera(self.camera, pins.lamp(factory, settings.led_pin))
        return SimEye(Eye(lit, Mask(settings.mask), settings.fps, loop.post, self._clock.now), self.after)

    def command(self, id_: str, verb: str, **args: str) -> None:
        """The platform's command, signed, from now on for an hour."""
        first, last = (wire.rfc3339(BASE_NS + self.now_ns + wait_s * SECOND) for wait_s in (-60, 3600))
        command = wire.command(wire.Command(id_, UNIT, verb, first, last, dict(args)), _sign)
        for way in (self.city, *self.city.beside):
            way.say("command", command)

    def _verify(self, signature: bytes, message: bytes) -> bool:
        """To find out who signed it takes a while."""
        self.now_ns += self.verify_takes_ns
        self._clock.turn(self.verify_takes_ns)
        return signature == _sign(message)

    def die(self) -> None:
        """The agent is gone from one instant to the next; what was not on the card never was."""
        if self._loop is None or self.store is None:
            return
        self.life += 1
        self.truth.lives.append(Span(self._began_ns, self.now_ns))
        if self.eye is not None:
            self.truth.looking.append(self.truth.lives[-1])
        self.faults += self._loop.faults
        for way in (self.city, *self.city.beside, *self.others):
            way.unplug()
        self.store.close()
        if self.eye is not None:
            self.eye.end()
        self._loop = self.unit = self._wire = self._lid = self.store = self._factory = self.eye = None

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

    # The pins

    def occupy(self, pin: int) -> None:
        """Another program holds this pin from now on, also when the agent starts."""
        self._busy.add(pin)
        if self._factory is not None:
            self._strangers[pin] = self._stranger(pin)

    def vacate(self, pin: int) -> None:
        """That program lets it go."""
        self._busy.discard(pin)
        if pin in self._strangers:
            self._strangers.pop(pin).close()

    def tear(self, torn: bool) -> None:
        """The kernel gives the contact's line no longer, or again."""
        if self._wire is not None:
            self._wire.torn = torn

    def lid(self, on: bool) -> None:
        """The enclosure's lid is put on or taken off."""
        self._lid_on = on
        if self._lid is not None:
            self._lid.set(on)

    def _stranger(self, pin: int) -> pins.Reed:
        other = pins.Reed(self._factory, pin, now=self._clock.now)
        other.open(lambda _: None)
        return other

    # The door

    def move(self, closed: bool, wave: str) -> None:
        """The leaf moves; its contact plays `wave` (one that ends)."""
        if closed is self.closed:
            return
        self.closed = closed
        began_ns, rest_ns = self.now_ns, self.now_ns
        for at_us, level in waves.wave(wave, closed, self.dice):
            rest_ns = began_ns + at_us * 1000
            heard = self.deaf_after_ns is None or at_us * 1000 <= self.deaf_after_ns
            self.at(rest_ns, partial(self._set, level, heard))
        self.truth.moves.append(Move(began_ns, closed, rest_ns))

    def chatter(self, for_ns: int) -> None:
        """The contact tells nonsense for a while, then the truth again."""
        self.truth.contact_bad.append(Span(self.now_ns, self.now_ns + for_ns))
        for at_us, level in waves.wave("chatter", self.closed, self.dice):
            if at_us * 1000 >= for_ns:
                break
            self.after(at_us * 1000, partial(self._set, level))
        self.after(for_ns, lambda: self._set(self.closed))

    def glitch(self) -> None:
        """3 ms of another level, and no movement."""
        self._set(not self.closed)
        self.after(3 * MS, lambda: self._set(self.closed))

    def _set(self, level: bool, heard: bool = True) -> None:
        self._level = level
        if self._wire is not None:
            self._wire.set(level, heard=heard)

    def _new_epoch(self) -> str:
        return f"epoch-{next(self._epochs)}"


def _posting(city: City, post: Callable[[object], None]) -> City:
    city.post = post
    return city


def _sign(message: bytes) -> bytes:
    """Stands in for the platform's signature."""
    return b"platform" + hashlib.sha256(message).digest()


def _seal(image: "Image", event: Record, at: Stamp) -> tuple[str, bytes]:
    """Stands in for the real seal: what it makes is of a picture's size, and each is another."""
    sealed = f"{event.epoch}/{event.seq}/{at.boot_ns}".encode() + bytes(image.width * image.height // 8)
    return hashlib.sha256(sealed).hexdigest(), sealed
