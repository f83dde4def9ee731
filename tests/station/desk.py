"""An office without broker or browser: a ledger, people whose passwords cost little, a clock turned by hand."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from starlette.testclient import TestClient

from edge import wire
from edge.clock import SECOND, Quality, Stamp, SystemClock
from edge.records import Change, Event
from edge.station.ca import Authority
from edge.station.frames import FrameStore
from edge.station.hub import Hub
from edge.station.ledger import Ledger
from edge.station.office import Habits, Office
from edge.station.pageapi import page_app
from edge.station.passwords import Cost
from edge.station.people import Role

QUICK = Cost(log2_n=4, r=1, p=1)
PASSWORD = "four quiet green herons"
SHANGHAI = ZoneInfo("Asia/Shanghai")


def ns(text: str) -> int:
    """A time on the wall in Shanghai, `2026-11-24 08:00`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()) * SECOND


MORNING = ns("2026-11-24 09:30")


class Turned:
    """A clock that stands until it is turned."""

    def __init__(self, wall_ns: int = MORNING) -> None:
        self.wall_ns = wall_ns

    def now(self) -> int:
        return self.wall_ns

    def read(self) -> Stamp:
        return Stamp("station", self.wall_ns, self.wall_ns, Quality.SYNCED, 1)


def term(starts: str, ends: str) -> bytes:
    """A unit's state in a term of these times, as its own software writes it."""
    told = (wire.rfc3339(ns(starts)), wire.rfc3339(ns(ends)))
    return b'{"door":"shut","armed":true,"camera":"on","term":{"starts":"%s","ends":"%s"}}' % tuple(
        t.encode() for t in told
    )


def see(ledger: Ledger, unit: str, state: bytes = b"{}", at_ns: int = MORNING) -> None:
    """The unit told its state."""
    with ledger.batch() as into:
        into.unit(unit, at_ns, online=True, state=state)


def opened(ledger: Ledger, unit: str, seq: int, at_ns: int, *, late_ns: int = SECOND) -> None:
    """The unit's door was opened then, and the station heard of it a second later."""
    record = Event(
        epoch="e1", seq=seq, at=Stamp("b1", seq, at_ns, Quality.SYNCED, 2), change=Change.OPENED, door="open"
    )
    with ledger.batch() as into:
        into.unit(unit, at_ns + late_ns)
        into.record(unit, wire.decode(unit, wire.encode(unit, record, {})), at_ns + late_ns)


class Desk:
    """Everything that stands behind the page; `browser` is a fresh one, without cookies."""

    def __init__(self, folder: Path, ca: Authority, *, open_: bool = False, habits: Habits | None = None) -> None:
        self.clock = Turned()
        self.ledger = Ledger(folder)
        self.office = Office(self.ledger, open_=open_, habits=habits, cost=QUICK)
        self.hub = Hub()
        self.frames = FrameStore(folder / "frames", self.ledger, ca, SystemClock(), lambda _: None)
        self.app = page_app(self.ledger, self.frames, self.hub, self.clock, None, self.office)

    def close(self) -> None:
        self.ledger.close()

    def person(self, name: str, *roles: Role) -> None:
        """An account that has chosen PASSWORD."""
        people = self.office.people
        first = people.add(name, roles, self.clock.wall_ns, "(test)")
        token = people.sign_in(name, first, "here", self.clock.wall_ns)
        session = people.session(token or "", self.clock.wall_ns)
        assert session is not None
        assert people.change_password(session, first, PASSWORD, "here", self.clock.wall_ns)

    def browser(self, name: str = "", password: str = PASSWORD, base: str = "http://127.0.0.1:8080") -> TestClient:
        """Signed in, where a name is given."""
        client = TestClient(self.app, base_url=base, follow_redirects=False)
        if name:
            answer = client.post("/api/signin", json={"name": name, "password": password})
            assert answer.status_code == 200, answer.text
            client.headers["X-Doorunit-Csrf"] = client.get("/api/me").json()["csrf"]
        return client
