"""The enclosure's lid: a switch to ground, settled as the door's contact is."""

from collections.abc import Callable

from drivers.reed import FAULT, Reed
from edge.clock import SECOND
from edge.errors import PartError
from edge.loop import Loop, Timer
from edge.parts import Contact

SETTLE_US = 100_000  # a lid is no door: what is shorter is a knock on the box
RESAMPLE_US = 10_000_000  # edges wake; this is for one that was dropped
REOPEN_NS = 15 * SECOND


class Lid:
    """Lives in the deciding thread. Hooks: on_state("", "opened" or "unrest"; since when), on_fault(why; "": well)."""

    def __init__(self, contact: Contact, loop: Loop) -> None:
        self._contact = contact
        self._loop = loop
        self._reed = Reed(settle_us=SETTLE_US, resample_us=RESAMPLE_US)
        self._sampling: Timer | None = None
        self._is_open = False  # the pin, not the lid
        self._closed = False
        self.on_state: Callable[[str, int], None] = lambda _state, _ns: None
        self.on_fault: Callable[[str], None] = lambda _: None

    def start(self) -> None:
        """Begin to watch; a pin that cannot be had is tried again."""
        if self._closed:
            return
        try:
            self._contact.open(lambda boot_ns: self._loop.call(self._edge, boot_ns))
        except PartError as err:
            self._lose(err)
            return
        self._is_open = True
        self._sample()

    def close(self) -> None:
        """Let the pin go; safe to repeat."""
        self._closed = True
        self._is_open = False
        self._contact.close()

    def _edge(self, boot_ns: int) -> None:
        self._reed.edge(boot_ns // 1000)
        self._sample_later()

    def _sample(self) -> None:
        self._sampling = None
        if not self._is_open:
            return
        try:
            closed = self._contact.closed()
        except PartError as err:
            self._contact.close()
            self._lose(err)
            return
        self.on_fault("")
        report = self._reed.sample(self._loop.now() // 1000, closed)
        if report is not None:
            state = "unrest" if report.kind == FAULT else "" if report.closed else "opened"
            self.on_state(state, report.first_us * 1000)
        self._sample_later()

    def _sample_later(self) -> None:
        if self._sampling is not None:
            self._sampling.cancel()
        now_ns = self._loop.now()
        self._sampling = self._loop.after(self._reed.wait_us(now_ns // 1000) * 1000, self._sample)

    def _lose(self, err: PartError) -> None:
        self._is_open = False
        self._reed.forget()
        self.on_fault(str(err))
        self._loop.after(REOPEN_NS, self.start)
