"""The camera's thread in simulated time: the unit's own Eye, turned by the world's clock, which may hang or be slow."""

from collections.abc import Callable

from edge.camera.eye import Eye
from edge.clock import MS

_LOOK_AGAIN_NS = 100 * MS


class SimEye:
    """unit.agent.Eye without a thread. `after(ns, what)` is the world's; what was under way when it ends is dropped."""

    def __init__(self, eye: Eye, after: Callable[[int, Callable[[], None]], None]) -> None:
        self.hangs = False  # the sensor is being asked for a picture and does not answer
        self.takes_ns = 0  # how long a picture takes
        self._eye = eye
        self._after = after
        self._ended = False
        self._turning = False

    @property
    def sensor_open(self) -> bool:
        """Whether the sensor is on."""
        return self._eye.sensor_open

    def pause(self) -> None:
        """Switch it off at once, unless it hangs."""
        self._eye.pause()
        if not self.hangs:
            self._eye.guarded_turn()

    def resume(self) -> None:
        """Switch it on."""
        self._eye.resume()
        if not self._turning:
            self._turn()

    def start(self) -> None:
        """Begin to look."""
        self._turn()

    def end(self) -> None:
        """The process is gone, and the sensor with it; safe to repeat."""
        self._ended = True
        self._eye.close()

    def _turn(self) -> None:
        self._turning = not self._ended
        if self._ended:
            return
        if self.hangs:
            self._after(_LOOK_AGAIN_NS, self._turn)
            return
        wait_ns = self._eye.guarded_turn()
        self._turning = wait_ns is not None
        if wait_ns is not None:
            self._after(wait_ns + self.takes_ns, self._turn)
