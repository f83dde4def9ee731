"""GPIO through gpiozero: the door's contact and the camera's lamp. The only file that imports gpiozero.

Never another back end than the one that was asked for: a unit that silently runs on mock pins watches no door.
gpiozero is imported when a factory is made, not with this file: a verb that needs no pin does not pay for it.
"""

import errno
import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal

from edge.board.trouble import explained
from edge.clock import SECOND
from edge.errors import PartError

if TYPE_CHECKING:
    from gpiozero.pins import Factory as Factory
    from gpiozero.pins import Pin

log = logging.getLogger(__name__)
Level = Literal["low", "high"]

# An edge waits only for the callback thread; an older one was stamped by another clock (kernels before 5.7: UTC).
BELIEVED_AGE_S = 60


def real_factory() -> "Factory":
    """The Pi's own pins, through lgpio; whoever asked closes it after every part on it. Raises PartError."""
    with explained("GPIO chip"):
        from gpiozero.pins.lgpio import LGPIOFactory

        return LGPIOFactory()


def simulated_factory(now: Callable[[], int] | None = None) -> "Factory":
    """Pins that `edge.sim.contact.Wire` drives. `now` (boot ns) stamps the edges, so that a seed replays exactly."""
    from gpiozero.pins.mock import MockFactory, MockPin

    class WiredPin(MockPin):  # type: ignore[misc]  # gpiozero carries no types
        """A mock pin with a wire on it, which is stronger than the pull, as a closed contact is."""

        wired: bool | None = None
        heard = True  # whether the kernel delivers edges
        torn = False  # whether the kernel gives the line no longer

        def wire(self, high: bool, heard: bool = True) -> None:
            self.wired, self.heard = high, heard
            (self.drive_high if high else self.drive_low)()

        def _get_state(self) -> bool:
            if self.torn:
                raise OSError(errno.EIO, "input/output error")
            return bool(super()._get_state())

        def _set_pull(self, value: str) -> None:
            super()._set_pull(value)
            if self.wired is not None:
                self.wire(self.wired)

        def _call_when_changed(self) -> None:
            if self.heard and not self.torn:
                super(MockPin, self)._call_when_changed(self.factory.ticks(), self.state)

    class SimulatedFactory(MockFactory):  # type: ignore[misc]  # gpiozero carries no types
        """The mock back end, with the unit's own clock behind its ticks."""

        def ticks(self) -> float:
            return now() / SECOND if now is not None else float(super().ticks())

    return SimulatedFactory(revision="a02082", pin_class=WiredPin)  # a Pi 3B, whatever GPIOZERO_MOCK_* say


class Line:
    """One GPIO that is either claimed whole or not at all. Also what gpiozero knows as the pin's reserver."""

    def __init__(self, factory: "Factory", gpio: int) -> None:
        self._factory = factory
        self._gpio = gpio
        self._name = f"GPIO{gpio}"
        self._pin: Pin | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__} on {self._name}"

    def _claim(self, set_up: Callable[["Pin"], None]) -> None:
        with explained(self._name), ExitStack() as undo:
            self._factory.reserve_pins(self, self._gpio)
            undo.callback(self._factory.release_pins, self, self._gpio)
            pin = self._factory.pin(self._gpio)
            # A pin whose set-up broke off believes that it is watched already, and would stay deaf ever after.
            undo.callback(self._factory.pins.pop, pin.info, None)
            set_up(pin)
            self._pin = pin
            undo.pop_all()

    def _claimed(self) -> "Pin":
        if self._pin is None:
            raise PartError(
                self._name,
                found="a pin that is not open",
                wanted="open() before it is used, and no use after close()",
                remedy="`doorunit doctor` says why it could not be opened.",
            )
        return self._pin

    def _let_go(self, quieten: Callable[["Pin"], None]) -> None:
        pin, self._pin = self._pin, None
        if pin is None:
            return
        try:
            with explained(self._name), ExitStack() as last:
                last.callback(self._factory.release_pins, self, self._gpio)
                last.callback(pin.close)
                quieten(pin)
        except PartError as err:  # nothing is left to do: the kernel takes the line back when the process ends
            log.warning("%s was not let go in order: %s", self, err)

    def _conflicts_with(self, _other: object) -> bool:
        return True  # gpiozero asks every reserver; nothing may share these pins


class Reed(Line):
    """The reed switch on the door leaf: edges as they come, levels when asked. It never settles: door/ does."""

    def __init__(
        self, factory: "Factory", contact_pin: int, *, closed_level: Level = "low", now: Callable[[], int]
    ) -> None:
        super().__init__(factory, contact_pin)
        self._closed_high = closed_level == "high"
        self._now = now
        self._on_change: Callable[[int], None] | None = None
        self._doubted = False

    def open(self, on_change: Callable[[int], None]) -> None:
        """Begin to watch; `on_change(boot_ns)` gets the edge's own time, in the back end's thread.

        It must not raise: an exception there ends lgpio's one thread, and no pin is heard again. Raises PartError.
        """
        self._on_change = on_change
        self._claim(self._watch)

    def closed(self) -> bool:
        """Whether the contact is closed (door shut) at this instant; any thread. Raises PartError."""
        pin = self._claimed()
        with explained(self._name):
            return bool(pin.state) is self._closed_high

    def close(self) -> None:
        """Let the pin go; safe to repeat. Other watched pins go on."""
        self._on_change = None
        self._let_go(self._unwatch)

    def _watch(self, pin: "Pin") -> None:
        pin.input_with_pull("down" if self._closed_high else "up")
        pin.bounce = None  # the back ends disagree on what it means; door/contact.py settles instead
        pin.edges = "both"
        pin.when_changed = self._edge  # gpiozero holds it weakly: a bound method of a part that lives, never a lambda

    def _unwatch(self, pin: "Pin") -> None:
        pin.when_changed = None
        wake_others(self._factory)

    def _edge(self, ticks: Any, _level: Any) -> None:
        on_change = self._on_change
        if on_change is None:
            return  # an edge that was on its way while the pin was let go
        age_s = self._factory.ticks_diff(self._factory.ticks(), ticks)
        if not 0 <= age_s < BELIEVED_AGE_S:
            self._doubt(age_s)
            age_s = 0
        on_change(self._now() - int(age_s * SECOND))

    def _doubt(self, age_s: float) -> None:
        level = logging.DEBUG if self._doubted else logging.WARNING
        self._doubted = True
        log.log(level, "%s: an edge %.6f s old was stamped by another clock; its arrival counts instead", self, age_s)


class Lamp(Line):
    """The lamp that shows the resident that the camera is on: lit while its pin is high."""

    def open(self) -> None:
        """Take the pin, lamp off. Raises PartError."""
        self._claim(lambda pin: pin.output_with_state(False))  # called once and here, so a lambda will do

    def on(self) -> None:
        """Light it. Raises PartError."""
        self._light(True)

    def off(self) -> None:
        """Put it out. Raises PartError."""
        self._light(False)

    def close(self) -> None:
        """Put it out and let the pin go; safe to repeat."""
        self._let_go(_put_out)

    def _light(self, high: bool) -> None:
        pin = self._claimed()
        with explained(self._name):
            pin.state = high


class NoLamp:
    """Stands in where camera.led_pin is left out."""

    def open(self) -> None:
        """Nothing to take."""

    def on(self) -> None:
        """Nothing to light."""

    def off(self) -> None:
        """Nothing to put out."""

    def close(self) -> None:
        """Nothing to let go."""


def lamp(factory: "Factory", gpio: int | None) -> Lamp | NoLamp:
    """The lamp, or whatever else is on while its pin is high; one that stands in for it where there is no pin."""
    return NoLamp() if gpio is None else Lamp(factory, gpio)


def _put_out(pin: "Pin") -> None:
    pin.state = False


def wake_others(factory: "Factory") -> None:
    """Watch one of the other watched pins anew.

    lgpio 0.2.2's alert thread goes to sleep for all lines when the one that was watched last is let go (it drops the
    head of its list and sees no other, lgPthAlerts.c; gpiozero#1189). A newly watched line wakes it for all;
    that line's edges of some 2 ms are lost, so this is for watched pins only, never for a lamp.
    """
    for pin in tuple(factory.pins.values()):
        handler = pin.when_changed
        if handler is not None:
            pin.when_changed = None
            pin.when_changed = handler
            return
