"""The simulated camera's pictures as H.264, through PyAV and libx264. The only file that knows PyAV."""

import importlib.util
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from edge.camera.mask import Mask
from edge.clock import SECOND
from edge.errors import PartError
from edge.parts import AccessUnit, Camera

if TYPE_CHECKING:
    from PIL.Image import Image

FPS = 15
_KEY_EVERY = 2 * FPS
_TIMEOUT_S = 2.0


class SimFilm:
    """parts.VideoSource over a camera of its own, which nobody else may use. `on` says whether the unit's is on.

    `turn` encodes one picture; `start` gives it a thread that only adds waiting.
    """

    def __init__(
        self,
        camera: Camera,
        mask: Callable[[], Mask],
        now: Callable[[], int],
        on: Callable[[], bool] = lambda: True,
        *,
        kbps: int = 2000,
    ) -> None:
        self._camera, self._mask, self._now, self._on = camera, mask, now, on
        self._bitrate = kbps * 1000
        self._wants_key = False
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def require(self) -> None:
        """Raises PartError where PyAV is not installed."""
        if importlib.util.find_spec("av") is None:
            raise PartError(
                "simulated camera: PyAV on this machine",
                found="none",
                wanted="PyAV, which encodes the simulated camera's pictures",
                remedy="Run `pip install 'doorunit[live]'`.",
            )

    def start(self, on_unit: Callable[[AccessUnit], None]) -> None:
        """Begin with a key frame. Raises PartError."""
        self.require()
        self.stop()
        if not self._on():
            raise PartError("camera", found="off", wanted="an open camera", remedy="It is on within the term.")
        self._camera.open()
        self._over.clear()
        self._thread = threading.Thread(target=self._run, args=(on_unit,), name="film", daemon=True)
        self._thread.start()

    def key_frame(self) -> None:
        """Make the next picture a key frame."""
        self._wants_key = True

    def stop(self) -> None:
        """End it; safe to repeat."""
        self._over.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(_TIMEOUT_S)
            self._camera.close()

    def turn(self, encoder: "Encoder") -> list[AccessUnit]:
        """The camera's picture as it is now, masked and encoded; nothing while the unit's camera is off."""
        if not self._on():
            return []
        at_ns = self._now()
        picture = self._camera.capture()
        self._mask().burn(picture)
        key, self._wants_key = self._wants_key, False
        return encoder.encode(picture, at_ns, key=key)

    def _run(self, on_unit: Callable[[AccessUnit], None]) -> None:
        encoder: Encoder | None = None
        due_ns = self._now()
        while not self._over.wait(max(0, due_ns - self._now()) / SECOND):
            due_ns += SECOND // FPS
            try:
                encoder = encoder or Encoder(self._bitrate)
                units = self.turn(encoder)
            except PartError:  # as a real camera: silent until it is well again
                continue
            for unit in units:
                on_unit(unit)


class Encoder:
    """libx264 without delay: each picture in gives one access unit out. Opened at the first picture's size."""

    def __init__(self, bitrate: int) -> None:
        self._bitrate = bitrate
        self._context: Any = None

    def encode(self, picture: "Image", at_ns: int, *, key: bool = False) -> list[AccessUnit]:
        """The picture as an access unit; parameter sets come with each key frame."""
        import av

        if self._context is None:
            self._context = self._open(*picture.size)
        frames: Any = av.VideoFrame
        frame = frames.from_image(picture).reformat(format="yuv420p")
        frame.pts, frame.time_base = at_ns // 1000, Fraction(1, 1_000_000)
        if key:
            frame.pict_type = av.video.frame.PictureType.I
        return [AccessUnit(bytes(packet), packet.is_keyframe, at_ns) for packet in self._context.encode(frame)]

    def _open(self, width: int, height: int) -> Any:
        import av

        context: Any = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.bit_rate, context.gop_size = self._bitrate, _KEY_EVERY
        context.framerate, context.time_base = Fraction(FPS), Fraction(1, 1_000_000)
        context.thread_count = 1  # a thread each would hold pictures back
        context.options = {"preset": "ultrafast", "tune": "zerolatency"}
        return context
