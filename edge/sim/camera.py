"""The simulated camera: looks at a drawn landing whose door opens as far as it is told, and can be made to fail."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from PIL import Image as images
from PIL import ImageDraw, ImageFont

from edge.clock import MS, SECOND
from edge.errors import PartError
from edge.sim.landing import Landing

if TYPE_CHECKING:
    from PIL.Image import Image

Fault = Literal["absent", "hang", "dark", "odd"]


class SimCamera:
    """parts.Camera without a camera. `leaf` is 0 (shut) to 1 (open), `wall_ns` the time shown in the corner (UTC).

    `fault` may be switched at any time, from any thread: "absent" (open and capture raise PartError), "hang" (capture
    blocks until `close`, which another thread may then call), "dark" (pictures as if the lens were covered), "odd"
    (capture raises what no part may raise).
    """

    def __init__(
        self, leaf: Callable[[], float], wall_ns: Callable[[], int], *, width: int = 1280, height: int = 720
    ) -> None:
        self.fault: Fault | None = None
        self._leaf, self._wall_ns = leaf, wall_ns
        self._size = (width, height)
        self._scene: Landing | None = None
        self._open = False
        self._closed = threading.Event()
        self._font = ImageFont.load_default(max(10, height // 32))
        self._seen: tuple[float, bool] | None = None
        self._view = images.new("RGB", self._size)

    def open(self) -> None:
        """Start the sensor. Raises PartError while `fault` is "absent"."""
        self._require()
        self._scene = self._scene or Landing(*self._size)
        self._closed.clear()
        self._open = True

    def capture(self) -> "Image":
        """One picture of the landing as it is now. Raises PartError."""
        self._require()
        if self.fault == "odd":
            raise RuntimeError("the driver met a fault of its own")
        if self.fault == "hang":
            self._closed.wait()
        if self._scene is None or not self._open:
            raise PartError("simulated camera", found="not open", wanted="an open sensor", remedy="Call open() first.")
        seen = (round(min(1.0, max(0.0, self._leaf())), 3), self.fault == "dark")
        if seen != self._seen:
            view = self._scene.draw(seen[0])
            self._view = view.point([v // 20 for v in range(256)] * 3) if seen[1] else view
            self._seen = seen
        picture = self._view.copy()
        self._stamp(picture)
        return picture

    def close(self) -> None:
        """Stop the sensor and end a capture that hangs; safe to repeat."""
        self._open = False
        self._closed.set()

    def _require(self) -> None:
        if self.fault == "absent":
            raise PartError(
                "simulated camera", found="none", wanted="a camera", remedy='Set its fault to None; it was "absent".'
            )

    def _stamp(self, picture: "Image") -> None:
        wall_ns = self._wall_ns()
        at = datetime.fromtimestamp(wall_ns // SECOND, UTC)
        text = f"{at:%Y-%m-%d %H:%M:%S}.{wall_ns % SECOND // MS:03d} UTC"
        draw = ImageDraw.Draw(picture)
        left, top, right, bottom = draw.textbbox((0, 0), text, font=self._font)
        pad = bottom // 3
        x, y = self._size[0] - right - 2 * pad, pad
        draw.rectangle((x + left - pad, y, x + right + pad, y + bottom + pad), fill=(12, 14, 16))
        draw.text((x, y + pad - top / 2), text, font=self._font, fill=(240, 240, 232))
