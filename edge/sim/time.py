"""The simulated clocks: nothing passes until it is told to."""

from edge.clock import FLOOR_NS, SECOND, Quality, Stamp
from edge.loop import Loop


class SimClock:
    """edge.clock.Clock turned by hand. `quality` and `error_ms` may be set at any time, as a time server would."""

    def __init__(
        self, *, boot: str = "boot-1", wall_ns: int = FLOOR_NS + SECOND, quality: Quality = Quality.SYNCED
    ) -> None:
        self.quality = quality
        self.error_ms: int | None = 1 if quality is Quality.SYNCED else None
        self._boot = boot
        self._boot_ns = SECOND
        self._wall_ns = wall_ns

    def now(self) -> int:
        """CLOCK_BOOTTIME in ns."""
        return self._boot_ns

    def read(self) -> Stamp:
        """Boot clock, wall clock and its quality at one instant."""
        return Stamp(self._boot, self._boot_ns, self._wall_ns, self.quality, self.error_ms)

    def turn(self, ns: int) -> None:
        """Let `ns` pass on both clocks."""
        self._boot_ns += ns
        self._wall_ns += ns

    def step(self, ns: int) -> None:
        """Set the wall clock forward, or back where `ns` is negative; the boot clock goes on undisturbed."""
        self._wall_ns += ns

    def reboot(self, boot: str, *, off_ns: int = 0) -> None:
        """Start anew under another boot id after `off_ns` without power, through which the wall clock goes on."""
        self._boot = boot
        self._boot_ns = 0
        self._wall_ns += off_ns


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
