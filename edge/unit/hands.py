"""The unit in the installer's hands: what the page may have it do while it is not commissioned.

Nothing here makes an event: movements and tests become audits. As soon as a term begins the contact is the
doorkeeper's again.
"""

import queue
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from edge.board.host import HostReading
from edge.clock import SECOND, Stamp
from edge.door.contact import Rest
from edge.door.term import Effect
from edge.errors import DoorunitError, PartError
from edge.health import LINK
from edge.parts import CameraFailed, Contact
from edge.records import Audit, Key, Record
from edge.unit.crew import Crew
from edge.unit.effects import Effects
from edge.unit.walk import Walk

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")
ANSWER_S = 5.0  # the deciding thread answers within milliseconds
RECEIPTS_MAX = 200
GRACE_NS = 5 * SECOND + SECOND // 10
IDENTIFY_S = 10
BY = "installer"


class Reader(Protocol):
    """Takes a sealed picture to the platform and hears whether it could be opened: uplink.https.HttpsFrames."""

    def put(self, name: str, sealed: bytes) -> None:
        """Return once the platform holds it. Raises LinkError, WireError."""
        ...

    def reach(self) -> None:
        """Return where pictures would be taken. Raises LinkError."""
        ...

    def opened(self, name: str) -> tuple[int, int]:
        """Width and height as the platform saw them. Raises LinkError, WireError."""
        ...


class Aimed(Protocol):
    """The camera's thread, as far as aiming needs it: camera.eye.Eye."""

    on_raw: "Callable[[Image], None] | None"

    def wear(self, polygons: tuple[Any, ...]) -> None:
        """Mask with these from the next picture on."""
        ...


class Tools:
    """The parts of this one unit that no other of its crew lends."""

    def __init__(
        self,
        contact: Contact,
        eye: Aimed | None,
        seal: "Callable[[Image, Record, Stamp], tuple[str, bytes]]",
        open_reader: Callable[[], Reader],
    ) -> None:
        self.contact, self.eye, self.seal, self.open_reader = contact, eye, seal, open_reader


class Hands:
    """onsite.visit.Hands. Its methods are for the page's threads; what is told comes in the deciding thread."""

    def __init__(self, crew: Crew, effects: Effects, tools: Tools) -> None:
        self._c, self._effects, self._tools = crew, effects, tools
        self._walk = Walk(tools.contact, crew.config.door, crew.loop)
        self._receipts: dict[Key, int] = {}
        self._heard = threading.Condition()
        self._reader: Reader | None = None
        self._seen: Callable[[Image | DoorunitError], None] | None = None
        self.unit = crew.unit
        self.answer_s = ANSWER_S
        self.on_receipt: Callable[[Key, int], None] = lambda _key, _now_ns: None
        self.on_health: Callable[[], None] = lambda: None
        self._introduce()

    def link(self) -> tuple[bool, str, str]:
        """Whether the broker accepted this unit, the protocol, and the warning that says why not."""
        c = self._c
        return self._ask(
            lambda: (c.courier.up, c.courier.protocol, next(filter(c.health.active, (*LINK, "link.denied")), ""))
        )

    def warnings(self) -> list[dict[str, str]]:
        """What is wrong with the unit now, in words; in the deciding thread."""
        c = self._c
        return [
            {"code": w.row.code, "en": w.row.en, "zh": w.row.zh, "cure": w.row.remedy, "cure_zh": w.row.remedy_zh}
            for w in c.health.shown(c.loop.now())
            if not (c.courier.up and w.row.code in LINK)  # it stays for a while after the link has come back
        ]

    def now(self) -> Stamp:
        """The unit's clock; any thread."""
        return self._c.clock.read()

    def host(self) -> HostReading:
        """The machine; any thread."""
        return self._c.host()

    def record(self, what: str, detail: Mapping[str, int | str | None], *, sign: bool = False) -> Audit:
        """An audit, sent and kept; from the deciding thread it is at once."""
        return self._c.recorder.audit(what, BY, detail, sign=sign)

    def have_recorded(self, what: str, detail: Mapping[str, int | str | None], *, sign: bool = False) -> Audit:
        """The same from another thread."""
        return self._ask(lambda: self.record(what, detail, sign=sign))

    def receipt(self, key: Key, within_s: float) -> int | None:
        """When the platform's receipt came (boot ns), waiting so long for it."""
        with self._heard:
            self._heard.wait_for(lambda: key in self._receipts, within_s)
            return self._receipts.get(key)

    def identify(self) -> None:
        """Blink and beep. Raises DoorunitError: there is neither lamp nor buzzer."""
        said = self._ask(self._try_identify)
        if said is not None:
            raise said

    def _try_identify(self) -> DoorunitError | None:
        try:
            self._c.guard.identify({"for_s": IDENTIFY_S})
        except DoorunitError as err:
            return err
        return None

    @property
    def lid_off(self) -> bool:
        """Whether the lid's switch says so; in the deciding thread."""
        return self._c.health.active("tamper.lid")

    # The contact

    def walk(self, told: Callable[[Rest | PartError], None]) -> str:
        """Watch the contact; "" or the code of why that cannot be now."""

        def begin() -> str:
            if self._c.warden.watching:
                return "walk.term"
            self._walk.begin(told)
            return ""

        return self._ask(begin)

    def stand(self) -> None:
        """Watch it no longer; any thread, safe to repeat."""
        self._c.loop.call(self._walk.stop)

    @property
    def glitches(self) -> int:
        """Unrest of the contact that was no movement."""
        return self._walk.glitches

    # The camera

    def look(self, seen: "Callable[[Image | DoorunitError], None]") -> None:
        """Camera on, lamp too: `seen` is given every picture, unmasked, in the camera's thread; or its trouble."""
        self._seen = seen
        eye = self._tools.eye
        if eye is not None:
            eye.on_raw = seen
            self._ask(lambda: self._effects.aim(True))

    def blink(self) -> None:
        """Camera off again, unless a term has it; any thread, safe to repeat."""
        self._seen = None
        if self._tools.eye is not None:
            self._tools.eye.on_raw = None
            self._c.loop.call(self._effects.aim, False)

    def wear(self, polygons: tuple[Any, ...]) -> None:
        """Mask with these from now on."""
        if self._tools.eye is not None:
            self._tools.eye.wear(polygons)

    def deliver(self, image: "Image", of: Record) -> tuple[int, int]:
        """Seal a masked picture, send it, and have the platform open it. Blocks. Raises LinkError, WireError."""
        name, sealed = self._tools.seal(image, of, self._c.clock.read())
        reader = self._reading()
        reader.put(name, sealed)
        return reader.opened(name)

    def reach(self) -> None:
        """Return where pictures would be taken. Blocks. Raises LinkError."""
        self._reading().reach()

    def later(self, wait_ns: int, act: Callable[[], None]) -> None:
        """Call `act` in the deciding thread then; any thread."""

        def set_timer() -> None:
            self._c.loop.after(wait_ns, act)

        self._c.loop.call(set_timer)

    def _reading(self) -> Reader:
        if self._reader is None:
            self._reader = self._tools.open_reader()
        return self._reader

    def _introduce(self) -> None:
        c = self._c
        tell_health, receipt, effect = c.health.on_change, c.courier.on_receipt, c.warden.on_effect

        def health_changed() -> None:
            tell_health()
            self.on_health()
            c.loop.after(GRACE_NS, lambda: self.on_health())  # what lasts is shown only after its grace time

        def receipt_came(key: Key) -> None:
            receipt(key)
            with self._heard:
                self._receipts[key] = c.loop.now()
                while len(self._receipts) > RECEIPTS_MAX:
                    del self._receipts[next(iter(self._receipts))]
                self._heard.notify_all()
            self.on_receipt(key, c.loop.now())
            self.on_health()

        def performed(what: Effect, by: str) -> None:
            if what is Effect.WATCH:
                self._walk.stop()
            effect(what, by)

        c.health.on_change, c.courier.on_receipt, c.warden.on_effect = health_changed, receipt_came, performed
        c.loop.hear(CameraFailed, self._failed)

    def _failed(self, fact: CameraFailed) -> None:
        self._c.photographer.failed(fact)
        if self._seen is not None:
            self._seen(fact.error)

    def _ask(self, act: Callable[[], T]) -> T:
        """What `act` says in the deciding thread. Raises PartError where that does not answer."""
        answer: queue.SimpleQueue[T] = queue.SimpleQueue()
        self._c.loop.call(lambda: answer.put(act()))
        try:
            return answer.get(timeout=self.answer_s)
        except queue.Empty as err:
            raise PartError(
                "the unit",
                found=f"no answer within {self.answer_s:g} s",
                wanted="its deciding thread at work",
                remedy="Look at the unit's journal; restart it.",
            ) from err
