"""The lamp that blinks while there is a fault, and with the buzzer says which unit is meant. Deciding thread only."""

from collections.abc import Callable
from typing import Protocol

from drivers.indicator import FAULT, IDENTIFY
from drivers.indicator import Indicator as Patterns
from edge.clock import MS, SECOND
from edge.errors import PartError
from edge.loop import Loop, Timer

REOPEN_NS = 30 * SECOND


class Output(Protocol):
    """A pin that is on or off: pins.Lamp, pins.NoLamp."""

    def open(self) -> None:
        """Take it, off. Raises PartError."""
        ...

    def on(self) -> None:
        """Switch it on. Raises PartError."""
        ...

    def off(self) -> None:
        """Switch it off. Raises PartError."""
        ...

    def close(self) -> None:
        """Switch it off and let it go; safe to repeat."""
        ...


class Panel:
    """One lamp and one buzzer. No timer runs while nothing is shown. Hook: on_trouble(why), None: over."""

    def __init__(self, lamp: Output, buzzer: Output, loop: Loop) -> None:
        self._outputs = (lamp, buzzer)
        self._loop = loop
        self._patterns = Patterns()
        self._levels: tuple[bool, bool] | None = None  # as they stand; None: the pins are not ours
        self._next: Timer | None = None
        self._closed = False
        self.on_trouble: Callable[[PartError | None], None] = lambda _: None

    def fault(self, shown: bool) -> None:
        """A warning is shown, or none is."""
        if shown:
            self._patterns.begin(FAULT, self._now_ms())
        else:
            self._patterns.end(FAULT)
        self._show()

    def identify(self, for_s: int) -> None:
        """Blink and beep for so long."""
        self._patterns.begin(IDENTIFY, self._now_ms(), for_s * 1000)
        self._show()

    def close(self) -> None:
        """Dark and silent; safe to repeat."""
        self._closed = True
        self._let_go()

    def _now_ms(self) -> int:
        return self._loop.now() // MS

    def _show(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._closed:
            return
        now_ms = self._now_ms()
        wait_ns = self._patterns.wait_ms(now_ms) * MS
        try:
            self._set(self._patterns.levels(now_ms))
        except PartError as err:
            self._let_go()
            self.on_trouble(err)
            wait_ns = REOPEN_NS
        else:
            self.on_trouble(None)
        if self._levels is None or self._patterns.shown(now_ms) is not None:
            self._next = self._loop.after(wait_ns, self._show)

    def _set(self, levels: tuple[bool, bool]) -> None:
        if self._levels is None:
            for output in self._outputs:
                output.open()
            self._levels = (False, False)
        for output, on, was in zip(self._outputs, levels, self._levels, strict=True):
            if on is not was:
                (output.on if on else output.off)()
        self._levels = levels

    def _let_go(self) -> None:
        self._levels = None
        for output in self._outputs:
            output.close()
