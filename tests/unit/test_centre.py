"""The whole unit beside a fake city centre: listed, seen alive, told of each opening; an outage loses nothing."""

import random
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from edge.clock import Quality
from edge.sim.centre import Centre, Habits
from edge.sim.centreline import SimWires
from edge.sim.time import SimClock
from tests.unit.rig import Rig, Start
from tests.uplink.gb28181.conftest import CAMERA, DEVICE, IDS, MAGNET, SERVER

OPENED, SHUT = "门磁：开启", "门磁：关闭"


class City:
    """The fake centre, and the way to it of each life of the unit."""

    def __init__(self, clock: SimClock, habits: Habits | None = None) -> None:
        self.centre = Centre(SERVER, clock.now, habits)
        self.wires: SimWires | None = None

    def open(self, post: Callable[[object], None]) -> SimWires:
        self.wires = SimWires(self.centre, post)
        return self.wires

    def said(self) -> list[str]:
        return [alarm.fields["AlarmDescription"] for alarm in self.centre.alarms]


@pytest.fixture
def city(clock: SimClock) -> City:
    return City(clock)


def settings(**more: Any) -> dict[str, Any]:
    return {"settings": {"gb28181": IDS | more}}


def move(rig: Rig, *, closed: bool) -> None:
    rig.wire.set(closed)
    rig.live(1)


def test_the_unit_is_listed_and_seen_alive(start: Start, city: City):
    rig = start(wires=city.open, camera=True, **settings())
    rig.live(300)
    assert list(city.centre.catalogue) == [CAMERA, MAGNET]
    assert len(city.centre.keepalives) == 6
    assert (city.centre.faults, rig.loop.faults) == ([], 0)


def test_an_opening_is_told_at_once_and_the_shutting_after_it(start: Start, city: City):
    rig = start(wires=city.open, **settings())
    rig.live(10)
    opened_ns = rig.clock.now()
    move(rig, closed=False)
    move(rig, closed=True)
    assert city.said() == [OPENED, SHUT]
    assert city.centre.alarms[0].at_ns - opened_ns <= 60_000_000  # the contact settles for 50 ms
    assert rig.unit._c.centre.share.waiting == 0
    assert rig.changes() == ["found", "opened", "shut"]


def test_an_hour_without_a_network_loses_nothing(start: Start, city: City):
    rig = start(wires=city.open, **settings())
    rig.live(60)
    assert city.wires is not None
    city.wires.up = False
    dice = random.Random(7)
    moves = 0
    while rig.clock.now() < 3_700 * 10**9:
        rig.live(dice.uniform(20, 120))
        move(rig, closed=bool(moves % 2))
        moves += 1
    assert rig.unit._c.centre.share.waiting >= moves
    assert rig.unit._c.health.active("centre.away")
    city.wires.up = True
    rig.live(180)
    told = [said for said in city.said() if said != "门磁：开启超时"]
    assert told == [OPENED, SHUT] * (moves // 2) + [OPENED] * (moves % 2)
    assert rig.unit._c.centre.share.waiting == 0
    assert not rig.unit._c.health.active("centre.away")
    assert (city.centre.faults, rig.loop.faults) == ([], 0)


def test_what_the_centre_never_got_outlives_a_restart_and_what_it_got_is_not_told_twice(start: Start, city: City):
    rig = start(wires=city.open, **settings())
    rig.live(10)
    move(rig, closed=False)
    city.centre.habits.mood = "denying"
    move(rig, closed=True)
    move(rig, closed=False)
    assert city.said() == [OPENED]
    rig.stop()
    rig.live(3)
    city.centre.habits.mood = ""
    again = start(wires=city.open, closed=False, **settings())
    again.live(10)
    assert city.said() == [OPENED, SHUT, OPENED]
    assert again.unit._c.centre.share.waiting == 0
    assert again.unit._c.journal.backlog == 0


def test_the_pulse_tells_how_it_stands_with_the_centre(start: Start, city: City):
    rig = start(wires=city.open, **settings())
    rig.live(30)
    move(rig, closed=False)
    city.centre.habits.mood = "denying"
    move(rig, closed=True)
    rig.live(20)
    (told,) = rig.sent("pulse")[-1]["others"]
    assert (told["name"], told["link_up"], told["backlog"], told["lost"]) == ("centre", True, 1, 0)
    assert 0 < told["last_receipt_s"] < 30


def test_alarms_that_went_before_the_centre_had_them_are_told_until_it_has_caught_up(start: Start, city: City):
    rig = start(wires=city.open, **settings())
    city.centre.habits.mood = "denying"
    rig.live(10)
    move(rig, closed=False)
    c = rig.unit._c
    c.shares.on_robbed(c.centre.share)
    assert c.health.active("centre.lost")
    city.centre.habits.mood = ""
    rig.live(60)
    assert city.said() == [OPENED]
    assert not c.health.active("centre.lost")


def test_a_centre_that_is_dead_delays_neither_the_platform_nor_the_card(start: Start, city: City):
    rig = start(wires=city.open, **settings())
    city.centre.habits.mood = "silent"
    rig.live(10)
    move(rig, closed=False)
    assert rig.changes()[-1] == "opened"
    assert rig.unit._c.shares.backlog == 0
    assert rig.unit._c.centre.share.waiting == 1


def test_a_platform_that_is_dead_does_not_delay_the_centre(start: Start, city: City):
    rig = start(up=False, wires=city.open, **settings())
    rig.platform = False
    rig.live(10)
    move(rig, closed=False)
    assert city.said() == [OPENED]
    assert rig.unit._c.shares.backlog > 0
    assert rig.unit._c.centre.share.waiting == 0


def test_the_duty_status_is_the_terms_and_the_doors(start: Start, city: City):
    rig = start(wires=city.open, **settings())
    duties = []
    for closed in (True, False, True):
        move(rig, closed=closed)
        city.centre.query("DeviceStatus")
        rig.live(1)
        duties.append(city.centre.documents[-1][2].findtext("Alarmstatus/Item/DutyStatus"))
    assert duties == ["ONDUTY", "ALARM", "ONDUTY"]
    rig.obey(rig.command("end"))
    city.centre.query("DeviceStatus")
    rig.live(1)
    assert city.centre.documents[-1][2].findtext("Alarmstatus/Item/DutyStatus") == "OFFDUTY"


def test_outside_the_term_no_movement_is_told(start: Start, city: City):
    rig = start(wires=city.open, term=None, **settings())
    rig.live(10)
    move(rig, closed=False)
    assert (city.said(), city.centre.registered) == ([], True)


def test_what_the_centre_tries_is_in_the_audit_trail(start: Start, city: City):
    rig = start(wires=city.open, **settings())
    rig.live(5)
    city.centre.control(DEVICE, GuardCmd="ResetGuard")
    rig.live(1)
    (audit,) = [one for one in rig.records("audit") if one["what"] == "centre.guard"]
    assert (audit["by"], audit["detail"]) == ("centre", {"wish": "resetguard", "watching": 1})
    move(rig, closed=False)
    assert city.said() == [OPENED]


def test_a_restart_that_is_allowed_ends_the_program_in_order(start: Start, city: City):
    rig = start(wires=city.open, **settings(allow_teleboot=True))
    rig.live(700)
    city.centre.control(DEVICE, TeleBoot="Boot")
    rig.live(1)
    assert rig.loop._stopping
    assert not city.centre.registered


def test_a_unit_that_stops_unregisters_after_the_card_has_everything(start: Start, city: City):
    rig = start(wires=city.open, **settings())
    rig.live(5)
    rig.stop()
    rig.live(0.1)
    assert not city.centre.registered
    assert rig.loop._stopping


def test_a_unit_stops_though_the_centre_is_dead(start: Start, city: City):
    rig = start(wires=city.open, **settings())
    rig.live(5)
    city.centre.habits.mood = "silent"
    rig.stop()
    rig.live(3)
    assert rig.loop._stopping


def test_a_clock_that_was_never_set_takes_the_centres_time_for_its_alarms_and_says_so(
    start: Start, city: City, clock: SimClock
):
    clock.quality, clock.error_ms = Quality.UNSYNCED, None
    city.centre.habits.date = "2026-11-18T19:06:41.000"
    rig = start(wires=city.open, **settings())
    rig.live(10)
    move(rig, closed=False)
    (alarm,) = city.centre.alarms
    assert alarm.fields["AlarmTime"] == "2026-11-18T19:06:51"
    assert alarm.fields["AlarmDescription"] == OPENED + "（时间未校准）"
    assert rig.records()[-1]["at"]["clock"] == "unsynced"  # the record itself claims nothing


def test_what_the_technician_reads_is_that_the_centre_refuses(start: Start, city: City):
    city.centre.habits.password = "another"
    rig = start(wires=city.open, **settings())
    rig.live(5)
    codes = [w.row.code for w in rig.unit._c.health.shown(rig.clock.now())]
    assert "centre.refused" in codes


class Shelf(BaseHTTPRequestHandler):
    """Where a platform has pictures put."""

    took: ClassVar[list[tuple[str, str | None, bytes]]] = []
    status = 201

    def do_PUT(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.took.append((self.path, self.headers["Content-Type"], raw))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def shelf() -> Iterator[str]:
    """Its address."""
    Shelf.took.clear()
    Shelf.status = 201
    with ThreadingHTTPServer(("127.0.0.1", 0), Shelf) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/snap/"
        server.shutdown()
        thread.join(5)


def snap(city: City, rig: Rig, url: str, count: int = 2) -> list[str]:
    """Ask for pictures; the names of those that are said to be there."""
    wish = {"SnapNum": str(count), "Interval": "1", "UploadURL": url, "SessionID": "a" * 32}
    city.centre.control(CAMERA, "DeviceConfig", SnapShotConfig=wish)
    rig.live(count + 1)
    told = [root for kind, cmd, root in city.centre.documents if cmd == "UploadSnapShotFinished"]
    return [each.text or "" for root in told for each in root.iter("SnapShotFileID")]


def test_pictures_that_are_asked_for_are_put_where_that_is_allowed(start: Start, city: City, shelf: str):
    rig = start(wires=city.open, camera=True, **settings(snapshot_url=shelf, version="2022"))
    rig.live(5)
    rig.frame()
    names = snap(city, rig, shelf)
    assert len(names) == 2
    assert [path for path, _, _ in Shelf.took] == [f"/snap/{name}.jpg" for name in names]
    assert all(kind == "image/jpeg" and raw.startswith(b"\xff\xd8") for _, kind, raw in Shelf.took)
    assert (city.centre.faults, rig.loop.faults) == ([], 0)


@pytest.mark.parametrize("status", [403, 302, 500])
def test_a_picture_that_is_not_taken_is_not_named(start: Start, city: City, shelf: str, status: int):
    Shelf.status = status
    rig = start(wires=city.open, camera=True, **settings(snapshot_url=shelf))
    rig.live(5)
    rig.frame()
    assert snap(city, rig, shelf) == []
    assert len(Shelf.took) == 2
    assert rig.loop.faults == 0


def test_without_a_picture_or_a_server_none_is_named(start: Start, city: City, shelf: str):
    rig = start(wires=city.open, camera=True, **settings(snapshot_url="http://127.0.0.1:9/"))
    rig.live(5)
    assert snap(city, rig, "http://127.0.0.1:9/") == []
    rig.frame()
    assert snap(city, rig, "http://127.0.0.1:9/") == []
    assert rig.loop.faults == 0
