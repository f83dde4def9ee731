"""The simulated clocks: nothing passes until it is told to."""

import msgspec

from edge.clock import FLOOR_NS, SECOND, Quality, Stamp
from edge.loop import Loop


class SimClock:
    """edge.clock.Clock turned by hand. `quality` and `error_ms` may be set at any time, as a time server would."""

    def __init__(
        self, *, boot: str = "boot-1", wall_ns: int = FLOOR_NS + SECOND, quality: Quality = Quality.SYNCED
    ) -> None:
        self.quality = quality
        self.error_ms: int | None = 1 if quality is Quality.SYNCED else None
        self._at = Stamp(boot, SECOND, wall_ns, quality)

    def now(self) -> int:
        """CLOCK_BOOTTIME in ns."""
        return self._at.boot_ns

    def read(self) -> Stamp:
        """Boot clock, wall clock and its quality at one instant."""
        return msgspec.structs.replace(self._at, clock=self.quality, error_ms=self.error_ms)

    def turn(self, ns: int) -> None:
        """Let `ns` pass on both clocks."""
        self._at = self._at.at(self._at.boot_ns + ns)

    def step(self, ns: int) -> None:
        """Set the wall clock forward, or back where `ns` is negative; the boot clock goes on undisturbed."""
        self._at = msgspec.structs.replace(self._at, wall_ns=self._at.wall_ns + ns)

    def reboot(self, boot: str, *, off_ns: int = 0) -> None:
        """Start anew under another boot id after `off_ns` without power, through which the wall clock goes on."""
        self._at = Stamp(boot, 0, self._at.wall_ns + off_ns, self.quality)


def live(loop: Loop, clock: SimClock, ns: int) -> None:
    """Let `ns` pass in the loop: all that arrived is done, and every timer rings at its own instant."""
    end_ns = clock.now() + ns
    while True:
        wait_ns = loop.turn()
        left_ns = end_ns - clock.now()
        if wait_ns is None or wait_ns > left_ns:
            clock.turn(left_ns)
            return
        clock.turn(wait_ns)
