"""The camera's own thread: a masked picture 1/fps apart, each posted as a fact. It decides nothing and raises nothing.

If the sensor hangs, this thread hangs with it and nothing else does; the deciding thread sees that by
`last_frame_ns` growing old.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from edge.camera.mask import Corner, Mask
from edge.clock import SECOND
from edge.errors import PartError
from edge.parts import Camera, CameraFailed, FrameTaken

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

TAKEN_NS = "boot_ns"  # key of Image.info under which a camera may state the instant (boot clock) of its picture
PAUSE_FIRST_NS = 1 * SECOND
PAUSE_MAX_NS = 45 * SECOND  # a camera that is well again is seen to be so within a minute
# Each opening of a sensor costs contiguous memory, some of it for ever (picamera2#958). So a camera that fails soon
# after each opening goes on being tried more and more rarely; only this long a good stretch forgives it.
STEADY_NS = 60 * SECOND
# A stated instant older than this is not of the picture in hand: two of the longest exposures, and the queue.
_OLDEST_NS = 2 * SECOND


class Eye:
    """Opens the camera, looks through it on a steady schedule, and reopens it with growing pauses when it fails.

    `post` must be callable from any thread and never block; `now` is the boot clock in ns. `turn` is the whole of it,
    so a simulated world can call it with a clock of its own; `start` gives it a thread that only adds waiting.
    """

    def __init__(
        self,
        camera: Camera,
        mask: Mask,
        fps: float,
        post: Callable[[object], None],
        now: Callable[[], int],
        *,
        join_s: float = 4.0,  # close() must end within 5 s
    ) -> None:
        self.last_frame_ns: int | None = None  # when the last posted picture was taken; any thread may read it
        self.sensor_open = False  # true from before the sensor opens until after it has closed; any thread
        self.on_raw: Callable[[Image], None] | None = None  # the installer's preview: unmasked, and kept nowhere
        self.faults = 0  # exceptions that no part may raise; health reads it
        self._camera, self._mask, self._post, self._now = camera, mask, post, now
        self._period_ns = round(SECOND / fps)
        self._join_s = join_s
        self._due_ns = 0
        self._pause_ns = PAUSE_FIRST_NS
        self._good_ns: int | None = None  # first picture since the sensor was opened
        self._failed_ns: int | None = None  # first failure since the last picture
        self._paused = False
        self._closing = False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look; call it once."""
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Close the sensor and post nothing until `resume`; any thread, never blocks."""
        self._paused = True
        self._wake.set()

    def resume(self) -> None:
        """Open the sensor again, at once; any thread, never blocks."""
        self._paused = False
        self._wake.set()

    @property
    def mask(self) -> Mask:
        """The one in force; any thread."""
        return self._mask

    def wear(self, polygons: Sequence[Sequence[Corner]]) -> None:
        """Mask with these from the next picture on; any thread."""
        self._mask = Mask(polygons)

    def close(self) -> None:
        """Close the sensor and end the thread within 5 s, or leave it behind if the sensor hangs; safe to repeat."""
        self._closing = True
        self._wake.set()
        if self._thread is None:
            self._shut()
            return
        self._thread.join(timeout=self._join_s)
        if self._thread.is_alive():
            log.warning("camera: did not return a picture within %.1f s of closing; its thread is left", self._join_s)

    def turn(self) -> int | None:
        """Do what is due; return ns until the next turn, or None while there is nothing to wait for but a call."""
        if self._off:
            self._shut()
            self._due_ns = 0
            return None
        if (wait_ns := self._due_ns - self._now()) > 0:
            return wait_ns
        try:
            frame = self._look()
        except PartError as err:
            if not self._off:
                return self._fail(err)
        else:
            if not self._off:
                self.last_frame_ns = frame.boot_ns
                self._post(frame)
                return self._succeed()
        return 0  # switched off meanwhile: what was taken is dropped, what went wrong no longer matters

    @property
    def _off(self) -> bool:
        return self._paused or self._closing

    def _look(self) -> FrameTaken:
        if not self.sensor_open:
            self.sensor_open = True
            self._camera.open()
        before_ns = self._now()
        image = self._camera.capture()
        on_raw = self.on_raw
        if on_raw is not None:
            on_raw(image.copy())
        self._mask.burn(image)
        return FrameTaken(_taken_ns(image, before_ns, self._now()), image)

    def _succeed(self) -> int:
        now_ns = self._now()
        if self._failed_ns is not None:
            log.info("camera: gives pictures again after %d s", (now_ns - self._failed_ns) // SECOND)
            self._failed_ns = None
        if self._good_ns is None:
            self._good_ns = now_ns
        elif now_ns - self._good_ns >= STEADY_NS:
            self._pause_ns = PAUSE_FIRST_NS
        missed = max(0, now_ns - self._due_ns) // self._period_ns
        self._due_ns += (missed + 1) * self._period_ns  # the schedule stays on its grid, whatever a picture takes
        return self._due_ns - now_ns

    def _fail(self, err: PartError) -> int:
        now_ns = self._now()
        level = logging.WARNING if self._failed_ns is None else logging.DEBUG
        log.log(level, "%s (next try in %d s)", err, self._pause_ns // SECOND)
        if self._failed_ns is None:
            self._failed_ns = now_ns
        self._post(CameraFailed(err))  # first: closing a sensor that has failed may hang
        self._shut()
        pause_ns, self._pause_ns = self._pause_ns, min(2 * self._pause_ns, PAUSE_MAX_NS)
        self._due_ns = now_ns + pause_ns
        return pause_ns

    def _shut(self) -> None:
        if self.sensor_open:
            self._camera.close()
            self.sensor_open = False
            self._good_ns = None

    def _run(self) -> None:
        while True:
            last = self._closing
            wait_ns = self.guarded_turn()
            if last:
                return
            self._wake.wait(None if wait_ns is None else wait_ns / SECOND)
            self._wake.clear()

    def guarded_turn(self) -> int | None:
        """`turn`, and what it raises is a fault of ours: counted, told, and tried again later."""
        try:
            return self.turn()
        except Exception as err:  # the thread's edge: a fault of ours must not end the watch for weeks
            self.faults += 1
            log.exception("a turn of the camera's thread raised; it goes on")
            self._due_ns = self._now() + PAUSE_MAX_NS
            self._post(CameraFailed(_ours(err)))
            return PAUSE_MAX_NS


def _taken_ns(image: "Image", before_ns: int, after_ns: int) -> int:
    """When the picture was taken: as the camera states it, else the instant before it was asked for."""
    stated = image.info.get(TAKEN_NS)
    if isinstance(stated, int) and before_ns - _OLDEST_NS <= stated <= after_ns:
        return stated
    return before_ns


def _ours(err: Exception) -> PartError:
    return PartError(
        "camera",
        found=f"{type(err).__name__}: {err}",
        wanted="a picture or a PartError",
        remedy="This is a fault of doorunit, not of the camera; the journal has its traceback.",
    )
