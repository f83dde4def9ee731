"""The camera's pictures as H.264, through picamera2's encoder: the Pi's own where it has one, libx264 on a Pi 5.

Runs on the stream that single pictures are taken from, so that those go on, and the mask is burned into each picture
before the encoder, or anybody else, sees it. Read and tested with picamera2 0.3.38.
"""

import importlib.util
from collections.abc import Callable
from typing import Any

from edge.camera.mask import Mask
from edge.camera.sensor import FRAME_US, THEIRS, Sensor
from edge.errors import PartError
from edge.parts import AccessUnit

FPS = 15
_STREAM = "main"
_KEY_EVERY = 2 * FPS  # pictures: who joins late, or lost one, sees again within 2 s


class FilmSource:
    """parts.VideoSource beside the single pictures of `sensor`, which was made with `films=True`.

    `mask` gives the one in force, which the installer may change at any time.
    """

    def __init__(self, sensor: Sensor, mask: Callable[[], Mask], size: tuple[int, int], *, kbps: int = 2000) -> None:
        self._sensor, self._mask, self._size = sensor, mask, size
        self._bitrate = kbps * 1000
        self._encoder: Any = None
        self._on_unit: Callable[[AccessUnit], None] | None = None
        self._worn: Mask | None = None
        self._blocks: list[tuple[int, int, int, int]] = []

    def require(self) -> None:
        """Raises PartError where picamera2 is not installed."""
        if importlib.util.find_spec("picamera2") is None:
            raise PartError(
                "camera: picamera2 on this machine",
                found="none",
                wanted="picamera2, whose encoder makes the video",
                remedy="Run `sudo apt install python3-picamera2`; a venv needs --system-site-packages.",
            )

    def start(self, on_unit: Callable[[AccessUnit], None]) -> None:
        """Begin with a key frame; again by itself whenever the camera was reopened. Raises PartError."""
        self._on_unit = on_unit
        self._sensor.roll(self)

    def key_frame(self) -> None:
        """Make the next picture a key frame."""
        if (encoder := self._encoder) is not None:
            encoder.force_key_frame()

    def stop(self) -> None:
        """End it; safe to repeat."""
        self._on_unit = None
        self._sensor.roll(None)

    def begin(self, camera: Any) -> None:
        """sensor.Film: the mask first, then the encoder."""
        encoder = self._made()
        # picamera2 calls pre_callback and the encoders under one lock, and start_encoder takes it to add one: no
        # encoder sees a picture that the callback has not. If it raises, picamera2's thread ends: no picture rather
        # than an unmasked one, and the camera's thread reopens it.
        camera.pre_callback = self._burn
        camera.set_controls({"FrameDurationLimits": (1_000_000 // FPS, FRAME_US[1])})
        try:
            camera.start_encoder(encoder, self._output(encoder), name=_STREAM)
        except THEIRS:
            self._leave(camera)
            raise
        self._encoder = encoder

    def finish(self, camera: Any) -> None:
        """sensor.Film: the encoder first, then the mask."""
        encoder, self._encoder = self._encoder, None
        camera.stop_encoder(encoder)
        self._leave(camera)

    def _made(self) -> Any:
        """The encoder, not running."""
        try:
            from picamera2.encoders import H264Encoder

            return H264Encoder(bitrate=self._bitrate, repeat=True, iperiod=_KEY_EVERY, framerate=FPS)
        except ImportError as err:  # a Pi 5 has no encoder of its own, and picamera2 asks for PyAV
            raise PartError(
                "camera filming",
                found=err,
                wanted="PyAV for this Python, from Raspberry Pi OS",
                remedy="Run `sudo apt install python3-av`; a venv needs --system-site-packages.",
            ) from err

    def _leave(self, camera: Any) -> None:
        camera.pre_callback = None
        camera.set_controls({"FrameDurationLimits": FRAME_US})

    def _burn(self, request: Any) -> None:
        """In picamera2's thread, for each picture: blacken in its own buffer what the mask covers."""
        from picamera2 import MappedArray

        mask = self._mask()
        if mask is not self._worn:
            self._blocks, self._worn = mask.blocks(self._size), mask
        with MappedArray(request, _STREAM) as mapped:
            for top, bottom, left, right in self._blocks:
                mapped.array[top:bottom, left:right] = 0

    def _output(self, encoder: Any) -> Any:
        """picamera2's Output that hands each picture on."""
        from picamera2.outputs import Output

        take = self._take

        class Taker(Output):  # type: ignore[misc]  # picamera2 carries no types
            """Theirs."""

            def outputframe(
                self,
                frame: bytes,
                keyframe: bool | None = True,
                timestamp: int | None = None,
                packet: Any = None,
                audio: bool = False,
            ) -> None:
                """In the encoder's thread."""
                take(encoder, frame, keyframe, timestamp)

        return Taker()

    def _take(self, encoder: Any, frame: bytes, key: bool | None, timestamp_us: int | None) -> None:
        on_unit = self._on_unit
        if on_unit is not None and timestamp_us is not None:
            # The encoder counts from its first picture, whose SensorTimestamp it keeps: microseconds of the boot clock.
            at_ns = ((encoder.firsttimestamp or 0) + timestamp_us) * 1000
            on_unit(AccessUnit(bytes(frame), bool(key), at_ns))
