"""A device and the fake platform in one simulated world, with a spool of records in a list."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from edge import config
from edge.centre import Gb28181
from edge.clock import SECOND, know
from edge.health import Health
from edge.loop import Loop
from edge.records import AnyRecord, Change, Event
from edge.sim.centre import Centre, Habits
from edge.sim.centreline import SimWires
from edge.sim.time import SimClock, live
from edge.uplink.courier import Source
from edge.uplink.gb28181.answers import View
from edge.uplink.gb28181.device import Device, Kit
from edge.uplink.gb28181.streams import Busy, UnfitOffer

SERVER = "31010600002000000001"
DEVICE = "31010600011327000001"
CAMERA = "31010600011327000002"
MAGNET = "31010600011347000001"
IDS: dict[str, Any] = {"server_id": SERVER, "device_id": DEVICE, "camera_id": CAMERA, "magnet_id": MAGNET}
IDS |= {"host": "192.0.2.1", "password": "12345678"}


def settings(**more: Any) -> Gb28181:
    """[gb28181] as an installer would write it."""
    return config.parse({"gb28181": {k: v for k, v in (IDS | more).items() if v is not None}}).gb28181


class Shelf:
    """A spool as Source sees it: row number -> record, until it is forgotten."""

    def __init__(self) -> None:
        self.rows: dict[int, AnyRecord] = {}
        self.n = 0
        self.held: list[tuple[int, int, Callable[[list[tuple[int, AnyRecord]]], None]]] | None = None  # readings

    def put(self, record: AnyRecord) -> int:
        self.n += 1
        self.rows[self.n] = record
        return self.n

    def read(self, after: int, limit: int, then: Callable[[list[tuple[int, AnyRecord]]], None]) -> None:
        if self.held is not None:
            self.held.append((after, limit, then))
            return
        then([(n, record) for n, record in sorted(self.rows.items()) if n > after][:limit])

    def release(self) -> None:
        """The card answers, and goes on."""
        held, self.held = self.held or [], None
        for one in held:
            self.read(*one)

    def forget(self, rows: list[tuple[int, AnyRecord]]) -> None:
        for n, _ in rows:
            del self.rows[n]

    @property
    def source(self) -> Source:
        return Source(self.read, self.forget, lambda _: ("", b""))


class FakeStreams:
    """streams.Streams that remembers; `fault` is raised by an offer."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.fault: UnfitOffer | Busy | None = None

    def offer(self, call: str, sdp: bytes) -> bytes:
        self.said.append(("offer", call))
        if self.fault is not None:
            raise self.fault
        return b"v=0\r\ns=Play\r\n"

    def begin(self, call: str) -> None:
        self.said.append(("begin", call))

    def key_frame(self) -> None:
        self.said.append(("key_frame", ""))

    def end(self, call: str) -> None:
        self.said.append(("end", call))


class Desk:
    """Both ends. `view` is what the unit is; fields of it are changed by `now(...)`."""

    def __init__(self, habits: Habits | None = None, *, streams: bool = False, udp: bool = False, **more: Any) -> None:
        self.clock = SimClock(wall_ns=1_795_000_000 * SECOND)
        self.loop = Loop(self.clock.now)
        self.health = Health()
        self.shelf = Shelf()
        self.gb = settings(transport="udp" if udp else "tcp", **more)
        self.centre = Centre(SERVER, self.clock.now, habits)
        self.wires = SimWires(self.centre, self.loop.post, lossy=udp)
        self.view = View("door-1", "1.0", "2026-11-18T12:00:00", True, False, True, True)
        self.streams = FakeStreams() if streams else None
        self.audits: list[tuple[str, dict[str, Any]]] = []
        self.took: list[tuple[str, str, Callable[[bool], None]]] = []
        self.seq = 0
        self.device = Device(
            Kit(
                self.gb,
                self.loop,
                self.clock,
                self.health,
                random.Random(1),
                self.wires,
                self.shelf.source,
                lambda: self.view,
                lambda stamp: know(stamp, None),
                self.streams,
                lambda *snap: self.took.append(snap),
            )
        )
        self.device.controls.on_audit = lambda what, detail: self.audits.append((what, detail))

    def start(self) -> "Desk":
        self.device.start()
        self.live(1)
        return self

    def live(self, seconds: float) -> None:
        live(self.loop, self.clock, int(seconds * SECOND))

    def event(self, change: Change = Change.OPENED, expected: str | None = None) -> Event:
        self.seq += 1
        return Event(epoch="e", seq=self.seq, at=self.clock.read(), change=change, expected=expected)

    def happen(self, record: AnyRecord | None = None) -> int:
        """A record is made: sent live, then kept, as the recorder does it."""
        record = record or self.event()
        n = self.shelf.n + 1
        self.device.live(n, record)
        return self.shelf.put(record)

    def said(self) -> list[str]:
        """What the alarms that were stored say."""
        return [alarm.fields["AlarmDescription"] for alarm in self.centre.alarms]

    def results(self, kind: str, cmd: str) -> list[Any]:
        """Documents of that kind that the platform got."""
        return [root for k, c, root in self.centre.documents if (k, c) == (kind, cmd)]

    def codes(self) -> list[int]:
        """What the device answered, in order, but for 100."""
        return [one.code for one in self.centre.answers if one.code != 100]


@pytest.fixture
def desk() -> Desk:
    """Registered at a platform with WVP's habits, over TCP."""
    return Desk().start()
