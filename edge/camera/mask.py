"""Paints over what nobody may see, before anything else is done with a picture. Pure; generous at the edges."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import floor
from typing import TYPE_CHECKING

from PIL import Image as images
from PIL import ImageDraw, ImageFilter

if TYPE_CHECKING:
    from PIL.Image import Image

Corner = tuple[float, float]  # fractions of width and height, 0 to 1

# Every pixel that an edge crosses lies within 2 of the line that Pillow draws for it (1 from rounding the corners to
# pixels, 1 from Bresenham's choice); one more is the margin that is promised.
_MARGIN_PX = 3


class Mask:
    """Polygons painted solid black. A crossing or winding outline is covered wherever it goes around, never less."""

    def __init__(self, polygons: Sequence[Sequence[Corner]]) -> None:
        self._polygons = polygons
        self._size = (0, 0)
        self._stencil: Image | None = None
        self._box = (0, 0, 0, 0)

    def burn(self, image: "Image") -> None:
        """Blacken `image` (RGB, any size) in place; the stencil is kept for the next picture of the same size."""
        if image.size != self._size:
            self._prepare(image.size)
        if self._stencil is not None:
            image.paste(0, self._box, self._stencil)

    def _prepare(self, size: tuple[int, int]) -> None:
        stencil = images.new("L", size, 0)
        draw = ImageDraw.Draw(stencil)
        for polygon in self._polygons:
            _fill(draw, polygon, size)
        wide = stencil.filter(ImageFilter.MaxFilter(2 * _MARGIN_PX + 1))
        box = wide.getbbox()
        self._size = size
        self._stencil = wide.crop(box) if box else None
        self._box = box or (0, 0, 0, 0)


def _fill(draw: ImageDraw.ImageDraw, polygon: Sequence[Corner], size: tuple[int, int]) -> None:
    """Paint each pixel whose centre the outline goes around, and each that Pillow's thin line along it visits."""
    width, height = size
    corners = [(x * width, y * height) for x, y in polygon]
    outline = [*corners, corners[0]]
    pixels = [(min(floor(x), width - 1), min(floor(y), height - 1)) for x, y in outline]
    draw.line(pixels, fill=255)
    for row in range(min(y for _, y in pixels), max(y for _, y in pixels) + 1):
        for left, right in _spans(outline, row + 0.5):
            draw.line([(floor(left), row), (min(floor(right), width - 1), row)], fill=255)


def _spans(outline: Sequence[Corner], y: float) -> Iterator[Corner]:
    """The stretches of the line at height `y` that lie inside, by the non-zero winding rule.

    Pillow's own polygon fill is even-odd: it leaves a hole where an outline goes around twice.
    """
    crossings: list[tuple[float, int]] = []
    for (x0, y0), (x1, y1) in pairwise(outline):
        if (y0 <= y) != (y1 <= y):
            crossings.append((x0 + (y - y0) * (x1 - x0) / (y1 - y0), 1 if y1 > y0 else -1))
    winding = 0
    start = 0.0
    for x, turn in sorted(crossings):
        if winding == 0:
            start = x
        winding += turn
        if winding == 0:
            yield start, x
