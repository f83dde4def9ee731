"""One installation, from the first look at the unit to the signed report: what the page asks for is done here."""

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from edge import VERSION, wire
from edge.board.host import HostReading
from edge.clock import MS, SECOND, Clock, Quality, Stamp
from edge.config import Config
from edge.errors import DoorunitError, LinkError, WireError
from edge.health import ROWS, Health
from edge.identity import Identity
from edge.onsite import aim, commission, walktest
from edge.onsite.aim import Aim
from edge.onsite.board import Board
from edge.onsite.enrol import CODES
from edge.onsite.layers import Layers
from edge.onsite.walktest import WalkTest
from edge.onsite.wires import Wires
from edge.records import Audit, Key, Record

log = logging.getLogger(__name__)

POWER_LOOKS, POWER_LOOK_S = 10, 1.0
RECEIPT_S = 20.0
APART_S = 120  # how far the phone's clock may be from the unit's
JSON = dict[str, Any]


class Hands(walktest.Door, aim.Camera, Protocol):
    """The running unit, as far as the page may have it do something; unit.hands.Hands."""

    unit: str
    on_receipt: Callable[[Key, int], None]
    on_health: Callable[[], None]

    def link(self) -> tuple[bool, str, str]:
        """Whether it is connected, by what, and the warning that says why not."""
        ...

    def warnings(self) -> list[dict[str, str]]:
        """What is wrong with the unit now; in the deciding thread."""
        ...

    def now(self) -> Stamp:
        """The unit's clock."""
        ...

    def host(self) -> HostReading:
        """The machine."""
        ...

    def have_recorded(self, what: str, detail: Mapping[str, int | str | None], *, sign: bool = False) -> Audit:
        """An audit, from any thread."""
        ...

    def receipt(self, key: Key, within_s: float) -> int | None:
        """When its receipt came, boot ns."""
        ...

    def identify(self) -> None:
        """Blink and beep. Raises PartError."""
        ...

    @property
    def lid_off(self) -> bool:
        """Whether the lid's switch says so; in the deciding thread."""
        ...

    def reach(self) -> None:
        """Return where pictures would be taken. Raises LinkError."""
        ...

    def deliver(self, image: Any, of: Record) -> tuple[int, int]:
        """Seal, send and have it opened: width and height. Raises LinkError, WireError."""
        ...


class Visit:
    """Any thread. Until `meet` there is no unit, only its enrolment."""

    def __init__(self, config: Config, unit: str, clock: Clock, *, look_s: float = POWER_LOOK_S) -> None:
        self.unit = unit
        self.board = Board(clock.now)
        self._config, self._clock, self._look_s = config, clock, look_s
        self._state = Path(config.unit.state_dir)
        self._ending = threading.Event()
        self._checking = threading.Lock()
        self._signing = threading.Lock()
        self._installed: Audit | None = None
        self._begun = ""
        self._who: Identity | None = None
        self._hands: Hands | None = None
        self._walk: WalkTest | None = None
        self._aim: Aim | None = None
        self._phone_ms: float | None = None
        self.installer = ""
        if config.sensors.tamper_pin is None:
            self.board.put("tamper", "skipped", "tamper.unfitted")
        else:
            self.board.put("tamper", "open", "tamper.lid-off")
        if not config.camera.enabled:
            for name in ("aim", "picture"):
                self.board.put(name, "skipped", "aim.none")
        self.board.put("enrol", "running")
        shows = config.indicator.led_pin is not None or config.indicator.buzzer_pin is not None
        self.board.add(unit=unit, version=VERSION, warnings=[], camera=config.camera.enabled, indicator=shows)

    def enrolling(self, health: Health, code: str) -> None:
        """What stands in the way of this unit's identity; code: under which it waits for a person."""
        shown = [row for row in ROWS if health.active(row) and row != "enrol.token"]
        first = next((row for row in shown if row != "clock.floor"), shown[0] if shown else "")
        self.board.put("enrol", "wrong" if first else "running", first, found={"code": code} if code else {})

    def meet(self, hands: Hands, who: Identity) -> None:
        """The unit runs; the checks that need nobody begin."""
        self.unit = hands.unit
        self._hands, self._who = hands, who
        self._walk = WalkTest(self.board, hands)
        mask = commission.mask(self._state, self._config.camera.mask)
        self._aim = Aim(self.board, hands, self._state, mask, self._clock.now)
        hands.on_receipt = self._walk.receipt_came
        hands.on_health = lambda: self._health(hands)
        self.board.put("enrol", "well", found={"unit": hands.unit})
        self.board.add(unit=hands.unit, mask=msgspec.to_builtins(mask))
        self.check()

    def entered(self, name: str, phone_ms: float | None) -> None:
        """Somebody is in. phone_ms: how far the phone's clock is ahead of the unit's, as it told."""
        self.installer = name
        self._phone_ms = phone_ms
        self._begun = self._begun or wire.rfc3339(self._clock.read().wall_ns)
        self.board.begin()
        self.board.add(person=name, since=self._begun)
        if self._hands is not None and self.board.step("clock").state != "open":
            self._look_at_clock(self._hands)

    def do(self, what: str, wish: Mapping[str, Any]) -> JSON:
        """One wish of the page: {} or {"refused": code, ...}. Raises DoorunitError, msgspec.ValidationError."""
        deed = self._deeds().get(what)
        if deed is None:
            return {"refused": "page.unknown"}
        if self._hands is None:
            return {"refused": "page.enrolling"}
        return deed(wish) or {}

    def view(self, *, masked: bool) -> bytes | None:
        """The camera's view as JPEG; None while it is off or gives nothing."""
        return self._aim.view(masked=masked) if self._aim is not None else None

    def check(self) -> None:
        """Look again at all that needs nobody; a thread of its own, one at a time."""
        threading.Thread(target=self._check, name="install-check", daemon=True).start()

    def close(self) -> None:
        """End what is under way; safe to repeat."""
        self._ending.set()
        self.board.end()

    def _deeds(self) -> dict[str, Callable[[Mapping[str, Any]], JSON | None]]:
        return {
            "identify": lambda _: self.board.put("identify", "well", found={"unit": self.unit}),
            "blink": lambda _: self._blink(),
            "check": lambda _: self.check(),
            "walk": lambda _: self._walk_test(),
            "aim": lambda wish: self._look_through(wish.get("on") is True),
            "mask": lambda wish: self._draw(wish.get("polygons")),
            "confirm": lambda _: self._confirm(),
            "test": lambda _: self._test(),
            "sign": lambda _: self._sign(),
        }

    def _health(self, hands: Hands) -> None:
        """In the deciding thread. The lid: off, and on again; its alarms go to the platform like any other."""
        self.board.add(warnings=hands.warnings())
        step = self.board.step("tamper")
        if step.state == "skipped":
            return
        if hands.lid_off:
            self.board.put("tamper", "running", "tamper.lid-on")
        elif step.state == "running":
            self.board.put("tamper", "well")

    # What needs nobody

    def _check(self) -> None:
        hands, who = self._hands, self._who
        if hands is None or who is None or not self._checking.acquire(blocking=False):
            return
        try:
            power = threading.Thread(target=self._power, args=(hands,), name="install-power", daemon=True)
            power.start()
            layers = Layers(self._config.uplink, who, self._clock, self.board, Wires(self._config))
            layers.run(hands.link, hands.reach, self._ending.wait)
            self._look_at_clock(hands)
            power.join(timeout=2 * POWER_LOOKS * self._look_s)
        except DoorunitError as err:
            log.warning("%s", err)
        finally:
            self._checking.release()

    def _power(self, hands: Hands) -> None:
        self.board.put("power", "running")
        low = 0
        for _ in range(POWER_LOOKS):
            reading = hands.host().under_voltage
            if reading is None:
                self.board.put("power", "skipped", "power.unknown")
                return
            low += reading
            if self._ending.wait(self._look_s):
                return
        found = {"looks": POWER_LOOKS, "low": low}
        self.board.put("power", "wrong" if low else "well", "power.low" if low else "", found=found)

    def _look_at_clock(self, hands: Hands) -> None:
        now = hands.now()
        apart_s = None if self._phone_ms is None else round(self._phone_ms / 1000)
        found: JSON = {"quality": now.clock.value, "error_ms": now.error_ms, "time": wire.rfc3339(now.wall_ns)}
        found |= {"apart_s": apart_s}
        if now.clock is not Quality.SYNCED:
            self.board.put("clock", "wrong", "clock.unsynced", found=found)
        elif apart_s is not None and abs(apart_s) > APART_S:
            self.board.put("clock", "wrong", "clock.apart", found=found)
        else:
            self.board.put("clock", "well", found=found)

    # What needs the installer

    def _blink(self) -> None:
        if self._hands is not None:
            self._hands.identify()

    def _walk_test(self) -> JSON:
        refused = self._walk.begin() if self._walk is not None else "page.enrolling"
        return {"refused": refused} if refused else {}

    def _look_through(self, on: bool) -> JSON:
        if self._aim is None or not self._config.camera.enabled:
            return {"refused": "aim.none"}
        if on:
            self._aim.open()
        else:
            self._aim.close()
        return {}

    def _draw(self, polygons: object) -> JSON:
        if self._aim is None:
            return {"refused": "aim.none"}
        mask = commission.read_polygons(polygons)
        self._aim.draw(mask)
        self.board.add(mask=msgspec.to_builtins(mask))
        return {}

    def _confirm(self) -> JSON:
        refused = self._aim.confirm() if self._aim is not None else "aim.none"
        return {"refused": refused} if refused else {}

    def _test(self) -> JSON:
        """A record and its receipt; then a picture, sealed, sent, and opened by the platform."""
        hands = self._hands
        if hands is None:
            return {"refused": "page.enrolling"}
        self.board.put("event", "running")
        begun_ns = self._clock.now()
        audit = hands.have_recorded("test", {"software": VERSION})
        came_ns = hands.receipt((audit.epoch, audit.seq), RECEIPT_S)
        if came_ns is None:
            self.board.put("event", "wrong", hands.link()[2] or "receipt.none")
            return {"refused": "receipt.none"}
        self.board.put("event", "well", ms=(came_ns - begun_ns) / MS, found={"seq": audit.seq})
        return self._test_picture(hands, audit) if self._config.camera.enabled else {}

    def _test_picture(self, hands: Hands, of: Audit) -> JSON:
        picture = self._aim.picture if self._aim is not None else None
        if picture is None:
            self.board.put("picture", "wrong", "picture.aim-first")
            return {"refused": "picture.aim-first"}
        self.board.put("picture", "running")
        begun_ns = self._clock.now()
        try:
            width, height = hands.deliver(picture, of)
        except (LinkError, WireError) as err:
            code = "picture.unopened" if isinstance(err, WireError) else CODES.get(type(err), "link.network")
            self.board.put("picture", "wrong", code, found={"said": err.found})
            return {"refused": code}
        ms = (self._clock.now() - begun_ns) / MS
        self.board.put("picture", "well", ms=ms, found={"width": width, "height": height})
        return {}

    def _sign(self) -> JSON:
        """The report, recorded and received; then the marker. After it the page is gone."""
        with self._signing:
            hands, missing = self._hands, self.board.missing()
            if hands is None or missing:
                return {"refused": "sign.missing", "missing": missing}
            if self._installed is None:  # a second try waits for the same record's receipt
                detail: dict[str, int | str | None] = {"report": self._report().decode(), "software": VERSION}
                self._installed = hands.have_recorded("installed", detail, sign=True)
            audit = self._installed
            if hands.receipt((audit.epoch, audit.seq), RECEIPT_S) is None:
                return {"refused": "sign.receipt"}
            told = {"report": audit.detail["report"], "signature": audit.signature, "epoch": audit.epoch}
            told |= {"seq": audit.seq}
            when = wire.rfc3339(self._clock.read().wall_ns)
            commission.mark(self._state, when, msgspec.json.encode(told))
            log.info("commissioned; the installer's page is gone")
            return {"signed": told}

    def _report(self) -> bytes:
        """All that was found; what the unit signs."""
        now = self._clock.read()
        steps = [msgspec.to_builtins(step) for step in self.board.steps()]
        mask = self._aim.mask if self._aim is not None else ()
        return msgspec.json.encode(
            {
                "schema": 1,
                "unit": self.unit,
                "software": VERSION,
                "installer": self.installer,
                "begun": self._begun,
                "ended": wire.rfc3339(now.wall_ns),
                "took_s": round((self._clock.now() - self.board.begun_ns) / SECOND, 1),
                "steps": steps,
                "mask": commission.whole_numbers(mask),
            }
        )
