"""Aiming the camera: a live view on the installer's phone only, what it measures, and the mask that is drawn on it.

The camera is on while this step is open, and its lamp with it. The unmasked view exists here alone, in RAM.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edge.clock import SECOND
from edge.config import Polygon
from edge.errors import DoorunitError
from edge.onsite import commission
from edge.onsite.board import Board, Found

if TYPE_CHECKING:
    from PIL.Image import Image

VIEW_PX = 800  # width of the view on the phone
LEFT_NS = 60 * SECOND  # nobody has looked for so long: the phone is locked, or gone


class Camera(Protocol):
    """What aiming has of the unit; unit.hands.Hands."""

    def look(self, seen: "Callable[[Image | DoorunitError], None]") -> None:
        """On; `seen` from any thread."""
        ...

    def blink(self) -> None:
        """Off; any thread."""
        ...

    def wear(self, polygons: tuple[Polygon, ...]) -> None:
        """The mask from now on."""
        ...


class Aim:
    """Any thread."""

    def __init__(
        self, board: Board, camera: Camera, state: Path, mask: tuple[Polygon, ...], now: Callable[[], int]
    ) -> None:
        self._board, self._camera, self._state, self._now = board, camera, state, now
        self._lock = threading.Lock()
        self._raw: Image | None = None
        self._open = False
        self._looked_ns = 0
        self._verdict = ""
        self._found: Found = {}
        self.mask = mask
        self.picture: Image | None = None  # the last one, masked, as it was confirmed

    def open(self) -> None:
        """Camera on."""
        self._open, self._looked_ns, self._raw, self._verdict = True, self._now(), None, ""
        self._board.put("aim", "running", found=self._about())
        self._camera.look(self._seen)

    def close(self, code: str = "") -> None:
        """Camera off, unconfirmed; safe to repeat."""
        with self._lock:
            was, self._open, self._raw = self._open, False, None
            if was:
                self._board.put("aim", "open", code, found=self._about())
        if was:
            self._camera.blink()

    def view(self, *, masked: bool) -> bytes | None:
        """The view as JPEG; None while there is none."""
        from edge.camera import view
        from edge.camera.mask import Mask

        self._looked_ns = self._now()
        with self._lock:
            image = self._raw.copy() if self._raw is not None else None
        if image is None:
            return None
        if masked:
            Mask(self.mask).burn(image)
        return view.jpeg(image, VIEW_PX)

    def draw(self, polygons: tuple[Polygon, ...]) -> None:
        """The mask that holds from now on, also after a restart. Raises PartError."""
        commission.keep_mask(self._state, polygons)
        self.mask = polygons
        self._camera.wear(polygons)
        self._board.put("aim", self._board.step("aim").state, self._verdict, found=self._about())

    def confirm(self) -> str:
        """The installer has looked: nothing is in view that must not be. "" or the code of why not."""
        from edge.camera.mask import Mask

        with self._lock:
            image = self._raw.copy() if self._raw is not None else None
        if image is None:
            return "aim.no-picture"
        if self._verdict:
            return self._verdict
        Mask(self.mask).burn(image)
        self.picture = image
        with self._lock:
            self._open, self._raw = False, None
            self._board.put("aim", "well", found=self._about())
        self._camera.blink()
        return ""

    def _seen(self, what: "Image | DoorunitError") -> None:
        if not self._open:
            return
        if self._now() - self._looked_ns > LEFT_NS:
            self.close("aim.left")
            return
        if isinstance(what, DoorunitError):
            self._board.put("aim", "wrong", "camera.failed", found={"said": what.found, "cure": what.remedy})
            return
        from edge.camera.view import measure

        seen = measure(what)
        with self._lock:
            if not self._open:  # confirmed or put away while this one was measured
                return
            self._raw = what
            self._verdict = "" if seen.verdict == "well" else f"aim.{seen.verdict}"
            self._found = {"light": seen.light, "sharp": seen.sharp}
            self._board.put("aim", "wrong" if self._verdict else "running", self._verdict, found=self._about())

    def _about(self) -> Found:
        return {**self._found, "camera": "on" if self._open else "off", "masks": len(self.mask)}
