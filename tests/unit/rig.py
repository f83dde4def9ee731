"""A whole unit on a simulated clock, pins, link and camera, with its real spool in a folder."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image

from edge import config, wire
from edge.alert.channel import Channel, Sender
from edge.board import pins
from edge.board.host import HostReading
from edge.board.indicator import Panel
from edge.board.slots import Slots
from edge.clock import MS, SECOND, Stamp
from edge.loop import Loop
from edge.parts import CameraFailed, FramePost, FrameTaken, Wish
from edge.records import Record
from edge.sim import terms, waves
from edge.sim.beside import PlainSpeech
from edge.sim.chips import SimChips
from edge.sim.contact import Wire
from edge.sim.link import SimLink
from edge.sim.time import SimClock, live
from edge.sim.worker import SimWorker
from edge.spool.frames import FrameFiles
from edge.spool.store import SqliteStore
from edge.unit.staff import Kit, staff
from edge.uplink.other import Other

UNIT = "door-1"
JSON = dict[str, Any]


def sign(message: bytes) -> bytes:
    """Stands in for the platform's signature."""
    return b"signed:" + message


class SimPost:
    """parts.FramePost that remembers what it took; `fault` is raised instead."""

    def __init__(self) -> None:
        self.took: list[str] = []
        self.fault: Exception | None = None

    def put(self, name: str, sealed: bytes) -> None:
        if self.fault is not None:
            raise self.fault
        self.took.append(name)

    def close(self) -> None:
        """Nothing to drop."""


class StillEye:
    """The camera's thread, without one: `Rig.frame` gives the pictures."""

    sensor_open = False

    def start(self) -> None:
        """On."""
        self.sensor_open = True

    def pause(self) -> None:
        """Off."""
        self.sensor_open = False

    resume = start


class Rig:
    """One life of the agent. A second Rig on the same folder and clock is its restart."""

    def __init__(
        self,
        folder: Path,
        clock: SimClock,
        *,
        settings: JSON | None = None,
        closed: bool = True,
        camera: bool = False,
        phone: Callable[[Channel], Sender] | None = None,
        term: float | None = 3650,
        chips: SimChips | None = None,
        lid_on: bool = True,
        beside: Wish | None = None,
        other: Other | None = None,
        slots: Callable[[], Slots | None] = lambda: None,
        wires: Callable[[Callable[[object], None]], Any] | None = None,
    ) -> None:
        if term is not None and not (folder / terms.NAME).exists():
            terms.preset(folder, clock.read().wall_ns, days=term)
        tables: JSON = {"camera": {"enabled": camera}, **(settings or {})}
        self.config = config.parse(tables)
        self.clock = clock
        self.loop = Loop(clock.now)
        self.link = SimLink(self.loop.post)
        self.post = SimPost()
        self.workers: dict[str, SimWorker] = {}
        self._epochs = iter(f"{folder.name}-{clock.read().boot}-{clock.now()}-{n}" for n in range(1000))
        factory = pins.simulated_factory(clock.now)
        self.wire = Wire(factory, self.config.door.contact_pin)
        self.wire.set(closed)
        self.contact = pins.Reed(factory, self.config.door.contact_pin, now=clock.now)
        sensors, shown = self.config.sensors, self.config.indicator
        self.chips = chips or SimChips(sensors, lambda: clock.now() // MS)
        self.lamp, self.buzzer = pins.lamp(factory, shown.led_pin), pins.lamp(factory, shown.buzzer_pin)
        self.pins = factory
        tamper = None
        if sensors.tamper_pin is not None:
            self.lid = Wire(factory, sensors.tamper_pin)
            self.lid.set(lid_on)
            tamper = pins.Reed(factory, sensors.tamper_pin, now=clock.now)
        panel = Panel(self.lamp, self.buzzer, self.loop) if shown.led_pin or shown.buzzer_pin else None
        self.files = FrameFiles(folder / "frames")
        self.unit = staff(
            self.config,
            UNIT,
            Kit(
                clock=clock,
                loop=self.loop,
                contact=self.contact,
                link=self.link,
                store=SqliteStore(folder, lambda: next(self._epochs)),
                files=self.files,
                worker=self._worker,
                eye=StillEye() if camera else None,
                seal=self._seal,
                open_post=self._open_post if camera else None,
                verify=lambda signature, message: signature == sign(message),
                sign=sign,
                folder=folder,
                host=lambda: HostReading(),
                dice=random.Random(1),
                new_epoch=lambda: next(self._epochs),
                open_phone=phone,
                bus=self.chips.bus if sensors.addresses else None,
                tamper=tamper,
                panel=panel,
                others=self._others(beside, other),
                slots=slots,
                wires=wires(self.loop.post) if wires is not None else None,
            ),
        )
        self.seal_size = 0  # sealed pictures are at least this long, bytes
        self.platform = True  # whether receipts come back
        self._answered = 0
        self.unit.start()

    def _worker(self, name: str) -> SimWorker:
        return self.workers.setdefault(name, SimWorker(self.loop, at_once=True))

    def _others(self, wish: Wish | None, other: Other | None) -> tuple[Other, ...]:
        if other is not None:
            return (msgspec.structs.replace(other, open=self._open_beside),)
        return () if wish is None else (Other(wish, PlainSpeech(UNIT, "broker"), self._open_beside),)

    def _open_beside(self, post: Callable[[object], None]) -> SimLink:
        self.beside = SimLink(post)
        return self.beside

    def _open_post(self) -> FramePost:
        return self.post

    def _seal(self, image: Image.Image, event: Record, at: Stamp) -> tuple[str, bytes]:
        sealed = f"{event.epoch}/{event.seq}/{at.boot_ns}".encode()
        return sealed.hex()[-64:].rjust(64, "0"), sealed.ljust(self.seal_size, b".")

    def live(self, seconds: float) -> None:
        """Let time pass; the platform, where it works, answers everything within 50 ms."""
        left_ns = int(seconds * SECOND)
        while left_ns > 0:
            slice_ns = min(left_ns, 50 * MS)
            live(self.loop, self.clock, slice_ns)
            left_ns -= slice_ns
            if self.platform:
                self.receipt_all()

    def play(self, wave: str, *, closed: bool, limit_us: int = 10_000_000, seed: int = 1) -> None:
        """The contact does this; returns after its last edge, or after limit_us."""
        begun_ns = self.clock.now()
        for at_us, level in waves.wave(wave, closed, random.Random(seed)):
            if at_us > limit_us:
                return
            wait_ns = begun_ns + at_us * 1000 - self.clock.now()
            self.live(wait_ns / SECOND)
            self.wire.set(level)

    def frame(self) -> None:
        """The camera gives a picture."""
        self.loop.post(FrameTaken(self.clock.now(), Image.new("RGB", (16, 16))))
        self.loop.turn()

    def fail_camera(self, error: Exception) -> None:
        self.loop.post(CameraFailed(error))
        self.loop.turn()

    def sent(self, leaf: str = "event") -> list[JSON]:
        """What was published there."""
        topic = wire.topic(UNIT, leaf)
        return [json.loads(p.payload) for p in self.link.sent if p.topic == topic]

    def records(self, kind: str = "event") -> list[JSON]:
        """Records of that kind as published, first to last."""
        return [e["data"]["record"] for e in self.sent() if e["data"]["record"]["kind"] == kind]

    def changes(self) -> list[str]:
        """What the door did, as published."""
        return [record["change"] for record in self.records()]

    def receipt_all(self) -> None:
        """The platform holds everything that was published."""
        new, self._answered = self.link.sent[self._answered :], len(self.link.sent)
        for publish in new:
            if publish.topic == wire.topic(UNIT, "event"):
                record = json.loads(publish.payload)["data"]["record"]
                self.link.say(wire.topic(UNIT, "receipt"), wire.receipt(record["epoch"], [record["seq"]]))
        self.loop.turn()

    def command(
        self, verb: str, *, id_: str = "c1", unit: str = UNIT, early_s: float = 60, life_s: float = 3600, **args: Any
    ) -> bytes:
        """The platform's command, valid from early_s ago for life_s; answered by `sent("reply")`."""
        now_ns = self.clock.read().wall_ns
        first_ns = now_ns - int(early_s * SECOND)
        last_ns = first_ns + int(life_s * SECOND)
        wish = wire.Command(id_, unit, verb, wire.rfc3339(first_ns), wire.rfc3339(last_ns), args)
        return wire.command(wish, sign)

    def obey(self, payload: bytes) -> JSON | None:
        """The payload comes in on the command topic; returns the reply to it."""
        before = len(self.sent("reply"))
        self.link.say(wire.topic(UNIT, "command"), payload)
        self.live(0.1)
        replies = self.sent("reply")[before:]
        return replies[0] if replies else None

    def stop(self) -> None:
        """SIGTERM."""
        self.loop.call(self.unit.stop)
        self.live(0.01)


Start = Callable[..., Rig]
