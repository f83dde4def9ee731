"""A city of units in one process: the real wire and the real courier, each with a spool of its own, in RAM.

What is left out is what a broker cannot see: pins, cameras, cards. Times are taken in this process, so what it is late
itself is in them.
"""

import math
import random
from array import array
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec

from edge import VERSION, wire
from edge.clock import SECOND, Clock, Stamp
from edge.config import Uplink
from edge.errors import WireError
from edge.health import Health
from edge.loop import Loop
from edge.parts import Acked, Fact, Incoming, Link, LinkDown, LinkUp
from edge.records import AnyRecord, Boot, Change, Event, Key
from edge.told import Door, Online, Pulse, State
from edge.uplink.courier import Courier, Source

PASSAGE_S = (4.0, 15.0)  # how long a door stands open
HOURS = (
    1,
    1,
    1,
    1,
    1,
    2,
    5,
    9,
    9,
    7,
    6,
    7,
    9,
    7,
    6,
    6,
    7,
    9,
    10,
    8,
    6,
    4,
    3,
    2,
)  # share of openings by hour of the day
_DAY_S = 86_400


class Plan(msgspec.Struct, frozen=True):
    """What the fleet does. openings_per_day: of each unit; hour: of the day at the start, None for a flat rate."""

    units: int
    openings_per_day: float = 12.0
    hour: float | None = None
    pulse_s: int = 20
    spread_s: float = 20.0  # units come up one after another within this at the start
    seed: int = 1
    prefix: str = "sim"

    @property
    def names(self) -> list[str]:
        """The units' ids."""
        return [f"{self.prefix}{i:06d}" for i in range(self.units)]


class Tally(msgspec.Struct):
    """What the whole fleet has seen so far; waits are openings' from record to receipt, in ns."""

    made: int = 0
    openings: int = 0
    receipts: int = 0
    sends: int = 0  # of records, those that went again included
    connects: int = 0
    failures: int = 0  # connections that ended, or did not come about
    pulses: int = 0
    waits: "array[int]" = msgspec.field(default_factory=lambda: array("q"))


class Fleet:
    """All units. `start`, then turn the loop; `cut` and `restore` are the power of the whole city."""

    def __init__(self, plan: Plan, loop: Loop, clock: Clock, open_link: "LineMaker") -> None:
        self.plan = plan
        self.loop = loop
        self.clock = clock
        self.tally = Tally()
        self.up = 0
        self._open_link = open_link
        dice = random.Random(plan.seed)  # noqa: S311 - one seed, one history
        self.units = [Member(self, unit, plan.seed + i) for i, unit in enumerate(plan.names)]
        self._dice = dice
        self._began_ns = loop.now()

    @property
    def owed(self) -> int:
        """Records without a receipt."""
        return sum(len(unit.rows) for unit in self.units)

    def start(self) -> None:
        """Switch all on, spread as the plan says; they open their doors from then on."""
        for unit in self.units:
            self.loop.after(int(self._dice.uniform(0, self.plan.spread_s) * SECOND), unit.boot)

    def rest(self) -> None:
        """No door moves any more; what is owed is still sent."""
        for unit in self.units:
            unit.living = False

    def cut(self) -> None:
        """The power of all fails in this instant; what is recorded stays on their cards."""
        for unit in self.units:
            unit.cut()

    def restore(self) -> None:
        """The power is back: all boot at once, which no real city does."""
        for unit in self.units:
            unit.boot()

    def close(self) -> None:
        """All say good-bye."""
        for unit in self.units:
            unit.close()

    def rate(self) -> float:
        """Openings a second of one unit now."""
        plan = self.plan
        even = plan.openings_per_day / _DAY_S
        if plan.hour is None:
            return even
        hour = int(plan.hour + (self.loop.now() - self._began_ns) / SECOND / 3600) % 24
        return even * HOURS[hour] * 24 / sum(HOURS)

    def open_link(self, unit: str, post: Callable[[Fact], None], boot: str) -> "Line":
        """A link for this life of a unit."""
        gone = msgspec.json.encode(Online(online=False, boot=boot))
        topics = (wire.topic(unit, "receipt"), wire.topic(unit, "command"))
        return self._open_link(unit, topics, (wire.topic(unit, "online"), gone), post)


class Line(Link, Protocol):
    """A link whose end may lose its power: sim.swarm's."""

    def drop(self) -> None:
        """Nothing is said to the broker, and no fact follows."""
        ...


# (unit, topics to subscribe, last will, where facts go)
LineMaker = Callable[[str, tuple[str, ...], tuple[str, bytes], Callable[[Fact], None]], Line]


class Member:
    """One unit: rows are its spool, kept over a power cut."""

    def __init__(self, fleet: Fleet, unit: str, seed: int) -> None:
        self._fleet = fleet
        self.unit = unit
        self._dice = dice = random.Random(seed)  # noqa: S311 - as above
        self._epoch = f"{dice.getrandbits(64):016x}"
        self._n = self._seq = 0
        self.rows: dict[int, AnyRecord] = {}
        self.living = True  # doors move
        self._boots = 0
        self._life = 0  # what was appointed in an earlier one is void
        self._on = False
        self._link: Line | None = None
        self._courier: Courier | None = None
        self._open = False
        self._boot_id = ""
        self._was_up = False

    def boot(self) -> None:
        """Power on."""
        fleet = self._fleet
        self._boots += 1
        self._life += 1
        self._on = True
        self._boot_id = f"{self.unit}-{self._boots}"
        self._link = fleet.open_link(self.unit, partial(self._hear, self._life), self._boot_id)
        topic = wire.topic(self.unit, "event")
        source = Source(self._read, self._forget, lambda record: (topic, self._encode(record)))
        settings = Uplink(pulse_s=fleet.plan.pulse_s)
        self._courier = Courier(self._link, source, fleet.loop, Health(), settings, self._dice)
        self._courier.on_up = self._greet
        self._courier.on_link = self._count
        self._courier.on_sent = self._sent
        self._courier.on_receipt = self._receipt
        self._courier.start()
        boots = partial(Boot, version=VERSION, clean=self._boots == 1, new_boot=True)
        self._record(boots)
        self._later(self._dice.uniform(0, fleet.plan.pulse_s), self._pulse)
        self._later(self._gap_s(), self._opening)

    def cut(self) -> None:
        """Power off, without a word to anyone."""
        if not self._on:
            return
        self._on = False
        self._life += 1
        if self._was_up:
            self._count(False)
        if self._link is not None:
            self._link.drop()

    def close(self) -> None:
        """Good-bye."""
        self._life += 1
        self._on = False
        if self._link is not None:
            self._link.close()

    # The door

    def _opening(self) -> None:
        if not self.living:
            return
        self._record(partial(Event, change=Change.OPENED, door="open", edges=3, settle_us=1800))
        self._fleet.tally.openings += 1
        self._tell_state("open")
        self._later(self._dice.uniform(*PASSAGE_S), self._shut)

    def _shut(self) -> None:
        self._record(partial(Event, change=Change.SHUT, door="shut", edges=5, settle_us=2400))
        self._tell_state("shut")
        self._later(self._gap_s(), self._opening)

    def _gap_s(self) -> float:
        rate = self._fleet.rate()
        return self._dice.expovariate(rate) if rate > 0 else math.inf

    def _record(self, make: Callable[..., AnyRecord]) -> None:
        self._n += 1
        self._seq += 1
        record = make(epoch=self._epoch, seq=self._seq, at=self._stamp())
        self.rows[self._n] = record
        self._fleet.tally.made += 1
        if self._courier is not None:
            self._courier.live(self._n, record)

    # The courier's side

    def _hear(self, life: int, fact: Fact) -> None:
        courier = self._courier
        if life != self._life or courier is None:
            return
        if isinstance(fact, LinkUp):
            courier.link_up(fact)
        elif isinstance(fact, LinkDown):
            self._fleet.tally.failures += 1
            courier.link_down(fact)
        elif isinstance(fact, Acked):
            courier.acked(fact)
        elif isinstance(fact, Incoming) and fact.topic.endswith("/receipt"):
            try:
                courier.receipt(wire.read_receipt(fact.payload))
            except WireError:
                self._fleet.tally.failures += 1

    def _read(self, after: int, limit: int, then: Callable[[list[tuple[int, AnyRecord]]], None]) -> None:
        found = [(n, record) for n, record in self.rows.items() if n > after][:limit]
        self._fleet.loop.call(then, found)

    def _forget(self, rows: list[tuple[int, AnyRecord]]) -> None:
        now = self._fleet.loop.now()
        for n, _ in rows:
            record = self.rows.pop(n, None)
            if isinstance(record, Event) and record.change is Change.OPENED:
                self._fleet.tally.waits.append(now - record.at.boot_ns)

    def _encode(self, record: AnyRecord) -> bytes:
        return wire.encode(self.unit, record, {})

    def _sent(self, _record: AnyRecord) -> None:
        self._fleet.tally.sends += 1

    def _receipt(self, _key: Key) -> None:
        self._fleet.tally.receipts += 1

    def _count(self, up: bool) -> None:
        self._fleet.up += up - self._was_up
        self._fleet.tally.connects += up
        self._was_up = up

    def _greet(self) -> None:
        told = msgspec.json.encode(Online(online=True, boot=self._boot_id, version=VERSION))
        self._publish("online", told, retain=True)
        self._tell_state("open" if self._open else "shut")

    def _tell_state(self, door: Door) -> None:
        self._open = door == "open"
        since = wire.rfc3339(self._stamp().wall_ns)
        state = State(door=door, since=since, camera="off", armed=True, phase="armed", starts=since, ends=since)
        self._publish("state", msgspec.json.encode(state), retain=True)

    def _pulse(self) -> None:
        if self._courier is not None and self._courier.up:
            self._publish("pulse", self.numbers(), qos=0)
            self._fleet.tally.pulses += 1
        self._later(self._fleet.plan.pulse_s, self._pulse)

    def numbers(self) -> bytes:
        """A pulse as a unit without a fault sends it."""
        now = self._stamp()
        pulse = Pulse(
            time=wire.rfc3339(now.wall_ns),
            boot=now.boot,
            boot_ns=now.boot_ns,
            clock=now.clock,
            error_ms=now.error_ms,
            version=VERSION,
            armed=True,
            camera="off",
            link="5",
            backlog=len(self.rows),
            oldest_unsent_s=None,
            in_flight=self._courier.in_flight if self._courier else 0,
            frames_waiting=0,
            frames_delivered=0,
            commits=self._n,
            door="open" if self._open else "shut",
            openings=self._seq // 2,
            glitches=0,
            contact_faults=0,
            edges_max=7,
            settle_max_us=3100,
            contact_learned=True,
            contact_findings=[],
            temp_c=48.3,
            under_voltage=False,
            mem_mb=427,
            mem_free_mb=291,
            disk_free_mb=24_310,
            uptime_s=now.boot_ns // SECOND,
            loop_faults=0,
            refused_commands=0,
            warnings=[],
        )
        return msgspec.json.encode(pulse)

    def _publish(self, leaf: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        if self._link is not None:
            self._link.publish(wire.topic(self.unit, leaf), payload, qos=qos, retain=retain)

    def _stamp(self) -> Stamp:
        return msgspec.structs.replace(self._fleet.clock.read(), boot=self._boot_id)

    def _later(self, wait_s: float, act: Callable[[], None]) -> None:
        if wait_s == math.inf:
            return
        life = self._life
        self._fleet.loop.after(int(wait_s * SECOND), lambda: act() if life == self._life else None)
