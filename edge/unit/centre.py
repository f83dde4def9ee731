"""The unit as the city centre's video platform sees it: introduces the GB/T 28181 device to the rest of the unit."""

import logging
import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from edge import VERSION
from edge.centre import Gb28181
from edge.clock import SECOND, Clock, Known, Quality, Stamp
from edge.door.machine import State
from edge.health import Health
from edge.loop import Loop
from edge.parts import Wish
from edge.records import AnyRecord
from edge.spool.shares import Share, Shares
from edge.told import Beside
from edge.uplink.courier import Source
from edge.uplink.gb28181.answers import View
from edge.uplink.gb28181.clockwork import TimeSaid, local
from edge.uplink.gb28181.device import Device, Kit
from edge.uplink.gb28181.notices import notice
from edge.uplink.gb28181.snapshots import Take
from edge.uplink.gb28181.sockets import Wires
from edge.uplink.gb28181.streams import Streams

if TYPE_CHECKING:
    from edge.unit.crew import Crew

log = logging.getLogger(__name__)

CAMERA = ("camera.failed", "camera.stalled")
MAGNET = ("contact.unreadable", "contact.chatter", "tamper.wiring")


def wish(gb: Gb28181) -> Wish:
    """What this platform wants of the records."""
    return Wish("centre", f"alarms, shut={gb.shut}", lambda record: notice(record, gb) is not None)


class Tools(msgspec.Struct, frozen=True):
    """What it is built from. known(stamp) is the spool's knowledge of a time."""

    loop: Loop
    clock: Clock
    health: Health
    dice: random.Random
    wires: Wires
    known: Callable[[Stamp], Known]
    streams: Streams | None = None
    take: Take | None = None


class Centre:
    """Lives in the deciding thread. `meet` once, then `start`."""

    def __init__(self, gb: Gb28181, tools: Tools, shares: Shares, share: Share) -> None:
        self.share = share
        self._tools = t = tools
        self._crew: Crew | None = None
        self._time: TimeSaid | None = None
        self._boot = t.clock.read().boot
        source = Source(partial(shares.read, share), partial(shares.forget, share), lambda _: ("", b""))
        kit = Kit(gb, t.loop, t.clock, t.health, t.dice, t.wires, source, self.view, self.know, t.streams, t.take)
        self.device = Device(kit)
        self.device.session.on_time = self._note_time
        self.device.alarms.on_caught_up = lambda: t.health.clear("centre.lost", t.loop.now())

    def meet(self, crew: "Crew", restart: Callable[[], None]) -> None:
        """Whom it tells of, and to whom; `restart` ends the program, which systemd starts anew."""
        self._crew = crew
        self.device.controls.on_audit = lambda what, detail: self._audit(crew, what, detail)
        self.device.controls.on_boot = restart

    def start(self) -> None:
        """Register, and stay registered."""
        self.device.start()

    def stop(self, then: Callable[[], None]) -> None:
        """Unregister; `then` follows within 2 s."""
        self.device.stop(then)

    def look(self) -> None:
        """Something of the unit changed."""
        self.device.look()

    def live(self, n: int, record: AnyRecord) -> None:
        """A record was minted just now, and is in the spool."""
        if self.share.wish.wants(record):
            self.device.live(n, record)

    def restart(self) -> None:
        """Row numbers changed, or all went."""
        self.device.alarms.restart()

    def robbed(self) -> None:
        """Some alarms went before the platform had them."""
        self._tools.health.set("centre.lost", self._tools.loop.now(), f"{self.share.lost} alarms since the start")

    def told(self) -> Beside:
        """For people: its registration, what waits, and its last answer to an alarm."""
        device, last_ns = self.device, self.device.alarms.answered_ns
        return Beside(
            name=self.share.wish.name,
            link_up=device.session.there,
            backlog=self.share.waiting,
            lost=self.share.lost,
            in_flight=device.alarms.in_flight,
            last_receipt_s=None if last_ns is None else (self._tools.loop.now() - last_ns) / SECOND,
        )

    def view(self) -> View:
        """The unit now."""
        c = self._crew
        if c is None:
            return View("", VERSION, "", watching=False, door_open=False, has_camera=False, camera_on=False)
        now = self.know(self._tools.clock.read())
        keeper = c.doorkeeper
        return View(
            unit=c.unit,
            version=VERSION,
            time="" if now.wall_ns is None else local(now.wall_ns),
            watching=c.warden.watching,
            door_open=keeper.watching and keeper.state in (State.OPEN, State.HELD),
            has_camera=c.eye is not None,
            camera_on=c.eye is not None and c.eye.sensor_open,
            camera_failed=any(map(self._tools.health.active, CAMERA)),
            magnet_failed=any(map(self._tools.health.active, MAGNET)),
        )

    def know(self, stamp: Stamp) -> Known:
        """What is known of a time; where the clock was never set, what the platform said is better than nothing.

        It is called restored, as a time is that somebody once knew: nobody vouches for the platform's clock.
        """
        known = self._tools.known(stamp)
        if self._time is None or stamp.boot != self._boot or known.clock is not Quality.UNSYNCED:
            return known
        return Known(self._time.wall_ns + stamp.boot_ns - self._time.boot_ns, Quality.RESTORED, None)

    def _note_time(self, time: TimeSaid) -> None:
        self._time = time
        off_ms = abs(time.wall_ns - self._tools.clock.read().wall_ns) // 1_000_000
        log.debug("centre: its clock is within %d ms, and %d ms from this one", time.error_ms, off_ms)

    def _audit(self, crew: "Crew", what: str, detail: dict[str, int | str | None]) -> None:
        crew.recorder.audit(what, "centre", detail)
