"""The Pi's camera, through picamera2 0.3.20 or later (read and tested: 0.3.38). The only file that knows it.

picamera2 and libcamera come from Raspberry Pi OS, not from PyPI, and are imported when the sensor is opened: a unit
without a camera never needs them. They raise RuntimeError for nearly everything; here it gets its cause and remedy.
"""

import errno
import gc
import logging
import os
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, Protocol

from edge.camera.eye import TAKEN_NS
from edge.errors import PartError

if TYPE_CHECKING:
    from PIL.Image import Image

# libcamera reports a sensor that has gone silent after 1 s, in a log line only; picamera2 then waits for ever.
CAPTURE_S = 5.0
# 20 pictures a second in daylight, so that one is never more than 50 ms away; down to 5 in the dark, for the light.
FRAME_US = (50_000, 200_000)
# One filled by the sensor, one read by us. Each is width * height * 3 bytes of contiguous memory, which is scarce.
_BUFFERS = 2
_FILM_BUFFERS = 4  # two more are with the encoder

# What picamera2, libcamera's binding (std::system_error and invalid_argument) and the dma heap raise, from their
# sources. IndexError: no camera, up to 0.3.36. KeyError, AssertionError: close and release after a half-done open.
THEIRS = (RuntimeError, LookupError, OSError, ValueError, AssertionError, CancelledError)

_SEAT = "Power off, seat the ribbon cable at both ends, then see `rpicam-hello --list-cameras`."


class Film(Protocol):
    """What runs on the camera beside the single pictures, for as long as it is open."""

    def begin(self, camera: Any) -> None:
        """Begin on this Picamera2, which is started. Raises PartError, or what picamera2 raises."""
        ...

    def finish(self, camera: Any) -> None:
        """End it. Raises what picamera2 raises."""
        ...


class Sensor:
    """parts.Camera on the first camera that libcamera finds. But for `roll`, only the camera's own thread may call it.

    `films`: whether `roll` will be used, which takes two buffers more.
    """

    def __init__(self, width: int, height: int, *, films: bool = False) -> None:
        self._size = (width, height)
        self._buffers = _FILM_BUFFERS if films else _BUFFERS
        self._camera: Any = None
        self._film: Film | None = None
        self._rolling: Film | None = None  # that which begin() was called of
        self._reel = threading.Lock()  # beginning and ending a film, against opening and closing

    def open(self) -> None:
        """Start the sensor. Raises PartError: picamera2 missing, camera absent, busy, forbidden, or out of memory."""
        self.close()
        picamera2 = _import()
        _require_one(picamera2)
        try:
            self._camera = picamera2()
        except THEIRS as err:
            _release_half_made(err)
            raise explain(err, "camera opening") from err
        try:
            self._camera.configure(self._configuration())
            self._camera.start()
        except THEIRS as err:
            self.close()
            raise explain(err, "camera starting") from err
        with self._reel:
            try:
                self._begin_film()
            except PartError as err:  # single pictures matter more
                logging.getLogger(__name__).warning("%s", err)

    def roll(self, film: Film | None) -> None:
        """Have `film` run now and again after each opening, or with None end the one that does; any thread.

        Raises PartError: the camera is not open, or the film does not begin.
        """
        with self._reel:
            self._finish_film()
            self._film = film
            try:
                self._begin_film()
            except PartError:
                self._film = None
                raise

    def capture(self) -> "Image":
        """The next picture, RGB, of the configured size; `info["boot_ns"]` is when it was taken. Raises PartError."""
        if self._camera is None:
            raise PartError("camera", found="not open", wanted="an open sensor", remedy="Call open() first.")
        try:
            with self._camera.captured_request(wait=CAPTURE_S) as request:
                image: Image = request.make_image("main", *self._size)
                taken_ns = request.get_metadata().get("SensorTimestamp")
        except THEIRS as err:
            raise explain(err, "camera taking a picture") from err
        if taken_ns is not None:  # CLOCK_BOOTTIME of the first row, says libcamera's control_ids_core.yaml
            image.info[TAKEN_NS] = int(taken_ns)
        return image

    def close(self) -> None:
        """Stop the sensor and give it and its memory back; safe to repeat. What it then raises is only logged."""
        with self._reel:
            self._finish_film()
            camera, self._camera = self._camera, None
        if camera is None:
            return
        try:
            # A capture that timed out still stands in picamera2's queue: stop() would wait behind it for ever, and
            # if a picture came after all, it would take a buffer with it. close() ends that thread first, then stops.
            camera.cancel_all_and_flush()
            camera.close()
        except THEIRS as err:
            logging.getLogger(__name__).warning("%s", explain(err, "camera closing"))
        # What it leaves stands in reference cycles (0.3.38, measured: 2 descriptors for each opening). They go at once
        # here, and else whenever Python next looks, which in a program that has come to rest may be never.
        del camera
        gc.collect()

    def _begin_film(self) -> None:
        if self._film is None:
            return
        if self._camera is None:
            raise PartError("camera", found="off", wanted="an open camera", remedy="It is on within the term.")
        try:
            self._film.begin(self._camera)
        except PartError:
            raise
        except THEIRS as err:
            raise explain(err, "camera filming") from err
        self._rolling = self._film

    def _finish_film(self) -> None:
        film, self._rolling = self._rolling, None
        if film is None:
            return
        try:
            film.finish(self._camera)
        except THEIRS as err:
            logging.getLogger(__name__).warning("%s", explain(err, "camera ending a film"))

    def _configuration(self) -> Any:
        """A stream of single pictures: no raw copy, nothing shown, nothing encoded, nothing kept to be stale.

        queue=False: a capture waits for the next picture instead of being given the last one.
        """
        return self._camera.create_video_configuration(
            main={"format": "RGB888", "size": self._size},
            raw=None,
            buffer_count=self._buffers,
            controls={"FrameDurationLimits": FRAME_US},
            display=None,
            encode=None,
            queue=False,
            sensor={"output_size": _readout(self._camera.sensor_resolution, self._size)},
        )


def _import() -> Any:
    try:
        from picamera2 import Picamera2
    except (ImportError, ValueError) as err:  # ValueError: compiled against another numpy ("numpy.dtype size changed")
        raise PartError(
            "camera: picamera2 on this machine",
            found=err,
            wanted="picamera2 and libcamera for this Python, from Raspberry Pi OS",
            remedy="Run `sudo apt install python3-picamera2`; a venv needs --system-site-packages.",
        ) from err
    # It logs each failure at ERROR, each time; ours says more and says it once.
    logging.getLogger("picamera2").setLevel(logging.CRITICAL)
    return Picamera2


def _require_one(picamera2: Any) -> None:
    """Raise PartError where libcamera sees no camera; before construction, which would leak a pipe at each try."""
    try:
        if picamera2.global_camera_info():
            return
        # libcamera looks for cameras once, when its manager starts: a sensor whose driver came up later than
        # this program would stay unseen.
        picamera2._cm.reset()  # noqa: SLF001 - there is no public way to look again
        found = picamera2.global_camera_info()
    except THEIRS as err:
        raise explain(err, "camera search") from err
    if not found:
        raise PartError("camera", found="none", wanted="a camera that libcamera sees", remedy=_SEAT)


def _readout(native: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int]:
    """The readout to ask the sensor for: all of its view, 2x2 binned where that is enough (more light, less memory).

    Left to itself picamera2 picks the mode nearest in size, and for 1280x720 an imx219 then shows the middle only.
    """
    half = (native[0] // 2, native[1] // 2)
    return half if half[0] >= wanted[0] and half[1] >= wanted[1] else native


def _release_half_made(err: BaseException) -> None:
    """Give back what a raising constructor keeps: one pipe, or the camera itself (seen in 0.3.38).

    A camera in use elsewhere is tried for weeks, and 1,024 lost pipes later nothing in this program can open a file.
    The object was never returned, so it is found in the traceback.
    """
    trace = err.__traceback__
    while trace is not None:
        made: Any = trace.tb_frame.f_locals.get("self")
        if type(made).__name__ == "Picamera2" and "notifyme_w" in vars(made):
            try:
                if made.is_open:
                    made.close()
                else:  # close() would return at once
                    made.notifymeread.close()
                    os.close(made.notifyme_w)
            except (*THEIRS, AttributeError) as again:  # AttributeError: there is no allocator yet
                logging.getLogger(__name__).debug("camera: %r while clearing up after %r", again, err)
            return
        trace = trace.tb_next


def explain(err: BaseException, what: str) -> PartError:
    """The PartError that `err`, or what caused it, comes to; the first row that fits."""
    chain = list(_causes(err))
    text = ": ".join(dict.fromkeys(str(e) or type(e).__name__ for e in chain))
    codes = {e.errno for e in chain if isinstance(e, OSError)}
    kinds = tuple(type(e) for e in chain)
    if TimeoutError in kinds:
        return PartError(what, found=f"no picture within {CAPTURE_S:g} s", wanted="one within 0.2 s", remedy=_SEAT)
    if errno.EBUSY in codes or "busy" in text.lower():
        remedy = "`sudo fuser -v /dev/media*` names the program that has it; stop that one."
        return PartError(what, found=f"in use ({text})", wanted="a camera for this program alone", remedy=remedy)
    if codes & {errno.EACCES, errno.EPERM}:
        remedy = "Give the service SupplementaryGroups=video and DeviceAllow= for dma_heap, media and video."
        return PartError(what, found=text, wanted="access to the camera's devices", remedy=remedy)
    if errno.ENOMEM in codes or "allocate" in text.lower():
        remedy = "Restart doorunit; if it comes back, lower camera.width or raise cma= in config.txt."
        return PartError(what, found=text, wanted="contiguous memory for the pictures", remedy=remedy)
    if IndexError in kinds or "not found" in text or "No camera number" in text:
        return PartError(what, found=text, wanted="a camera that libcamera sees", remedy=_SEAT)
    remedy = "See whether `rpicam-hello -t 5000` works without doorunit, and what `dmesg` says of the sensor."
    return PartError(what, found=f"{kinds[-1].__name__}: {text}", wanted="a working camera", remedy=remedy)


def _causes(err: BaseException | None) -> Iterator[BaseException]:
    while err is not None:
        yield err
        err = err.__cause__ or err.__context__
