"""A phone without a browser, and a unit without a door: the page's server is real, its sockets and TLS too."""

import http.client
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from edge import config
from edge.board.host import HostReading
from edge.clock import Clock, Quality, Stamp
from edge.errors import DoorunitError, LinkError
from edge.identity import Identity
from edge.onsite.gate import Gate
from edge.onsite.keys import make_page_certificate
from edge.onsite.site import ASKED, Site
from edge.onsite.visit import Visit
from edge.records import Audit, Key, Record
from edge.secret import Secret
from edge.sim.camera import SimCamera
from edge.sim.time import SimClock

CODE = "OKIO6M4S"
JSON = dict[str, Any]


class StillHands:
    """visit.Hands: what each part says is set by the test; receipts come at once unless `receipts` is False."""

    unit = "door-1"
    glitches = 0

    def __init__(self, clock: SimClock) -> None:
        self.clock = clock
        self.up, self.why = True, ""
        self.protocol = "5"
        self.receipts = True
        self.quality = Quality.SYNCED
        self.low: bool | None = False
        self.camera = SimCamera(lambda: 0.0, lambda: clock.read().wall_ns, width=320, height=184)
        self.lens: list[Image.Image] = []  # seen instead of the landing
        self.looking = False
        self.seen: Any = None
        self.worn: tuple[Any, ...] = ()
        self.audits: list[Audit] = []
        self.trouble: LinkError | None = None
        self.delivered: list[Image.Image] = []
        self.told: Any = None
        self.timers: list[Any] = []
        self.refuse = ""
        self.lid_off = False
        self.blinked = 0
        self.on_receipt: Any = lambda _key, _now: None
        self.on_health: Any = lambda: None

    def link(self) -> tuple[bool, str, str]:
        return self.up, self.protocol, self.why

    def warnings(self) -> list[dict[str, str]]:
        return []

    def now(self) -> Stamp:
        at = self.clock.read()
        return Stamp(at.boot, at.boot_ns, at.wall_ns, self.quality, 5)

    def host(self) -> HostReading:
        return HostReading(under_voltage=self.low)

    def record(self, what: str, detail: Mapping[str, Any], *, sign: bool = False) -> Audit:
        seq = len(self.audits) + 1
        signature = "c2lnbmVk" if sign else ""
        audit = Audit(
            epoch="e", seq=seq, at=self.now(), what=what, by="installer", detail=dict(detail), signature=signature
        )
        self.audits.append(audit)
        return audit

    have_recorded = record

    def receipt(self, _key: Key, _within_s: float) -> int | None:
        return self.clock.now() if self.receipts else None

    def identify(self) -> None:
        self.blinked += 1

    def reach(self) -> None:
        if self.trouble is not None:
            raise self.trouble

    def deliver(self, image: Image.Image, of: Record) -> tuple[int, int]:
        self.reach()
        self.delivered.append(image)
        return image.size

    def walk(self, told: Any) -> str:
        self.told = told
        return self.refuse

    def stand(self) -> None:
        self.told = None

    def later(self, _wait_ns: int, act: Any) -> None:
        self.timers.append(act)

    def look(self, seen: Any) -> None:
        self.looking, self.seen = True, seen

    def blink(self) -> None:
        self.looking = False

    def wear(self, polygons: tuple[Any, ...]) -> None:
        self.worn = polygons

    def show(self) -> None:
        """The camera, if it is on, gives a picture or its trouble."""
        what: Image.Image | DoorunitError
        try:
            self.camera.open()
            what = self.lens[-1] if self.lens else self.camera.capture()
        except DoorunitError as err:
            what = err
        self.seen(what)


def visit(folder: Path, clock: SimClock, *, lid: bool = False, **camera: Any) -> Visit:
    tables: JSON = {"unit": {"state_dir": str(folder / "state")}, "camera": camera}
    if lid:
        tables["sensors"] = {"tamper_pin": 27}
    settings = config.parse(tables)
    return Visit(settings, "door-1", clock, look_s=0.0)


def nobody(folder: Path) -> Identity:
    """An identity whose files are not there."""
    return Identity(
        unit="door-1",
        seal_key=b"",
        seal_key_id="",
        command_key=b"",
        sign_seed=Secret(b""),
        key_file=folder / "key",
        cert_file=folder / "crt",
        ca_file=folder / "ca",
    )


def site(folder: Path, clock: Clock, of: Visit) -> Site:
    pem = folder / "page.pem"
    pem.write_bytes(make_page_certificate("door-1"))
    return Site(of, Gate("door-1", Secret(CODE.encode())), clock, pem, 0, "127.0.0.1")


class Phone:
    """Asks as the page does; `headers` are sent over its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookie = ""

    def open(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=context)

    def ask(
        self, path: str, wish: object = None, *, method: str = "", headers: Mapping[str, str] | None = None
    ) -> tuple[int, JSON]:
        connection = self.open()
        mine = {ASKED: "1", "Origin": f"https://127.0.0.1:{self.port}", "Cookie": self.cookie, **(headers or {})}
        body = None if wish is None else json.dumps(wish)
        try:
            connection.request(method or ("GET" if wish is None else "POST"), path, body, mine)
            answer = connection.getresponse()
            text, cookie = answer.read(), answer.getheader("Set-Cookie", "")
            if cookie:
                self.cookie = cookie.partition(";")[0]
                assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
            return answer.status, json.loads(text) if answer.getheader("Content-Type", "").startswith(
                "application/json"
            ) else {"bytes": len(text)}
        finally:
            connection.close()

    def enter(self, code: str = CODE, name: str = "Li Wei", **more: Any) -> tuple[int, JSON]:
        return self.ask("/api/enter", {"code": code, "name": name, **more})

    def live(self) -> JSON:
        """All there is to show now."""
        connection = self.open()
        try:
            connection.request("GET", "/api/live", headers={"Cookie": self.cookie})
            answer = connection.getresponse()
            line = answer.readline().decode()
            return json.loads(line.removeprefix("data: "))
        finally:
            connection.close()
