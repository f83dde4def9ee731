"""Paints over what nobody may see, before anything else is done with a picture. Pure; generous at the edges."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import floor
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image as images
from PIL import ImageDraw, ImageFilter

if TYPE_CHECKING:
    from PIL.Image import Image

Corner = tuple[float, float]  # fractions of width and height, 0 to 1

# Every pixel that an edge crosses lies within 2 of the line that Pillow draws for it (1 from rounding the corners to
# pixels, 1 from Bresenham's choice); one more is the margin that is promised.
_MARGIN_PX = 3


class _Cut(NamedTuple):
    """A mask for pictures of one size: the stencil and where it lies. None where there is nothing to cover."""

    size: tuple[int, int]
    stencil: "Image | None"
    box: tuple[int, int, int, int]


class Mask:
    """Polygons painted solid black. A crossing or winding outline is covered wherever it goes around, never less.

    Any thread may use it: a still picture's and the film's do so at once.
    """

    def __init__(self, polygons: Sequence[Sequence[Corner]]) -> None:
        self._polygons = polygons
        self._cut: _Cut | None = None  # of the last size; replaced whole, as another thread may be reading it

    def burn(self, image: "Image") -> None:
        """Blacken `image` (RGB, any size) in place; the stencil is kept for the next picture of the same size."""
        cut = self._of(image.size)
        if cut.stencil is not None:
            image.paste(0, cut.box, cut.stencil)

    def blocks(self, size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
        """What `burn` blackens in a picture of this size, as top, bottom, left, right, ends not included."""
        cut = self._of(size)
        if cut.stencil is None:
            return []
        left, top, right, _ = cut.box
        width, pixels = right - left, cut.stencil.tobytes()
        open_: dict[tuple[int, int], int] = {}  # stretch of the line above -> the block that it may lengthen
        blocks: list[tuple[int, int, int, int]] = []
        for row in range(cut.stencil.height):
            above, open_ = open_, {}
            for start, end in _runs(pixels[row * width : (row + 1) * width]):
                index = above.get((start, end), len(blocks))
                first = top + row if index == len(blocks) else blocks[index][0]
                blocks[index : index + 1] = [(first, top + row + 1, left + start, left + end)]
                open_[start, end] = index
        return blocks

    def _of(self, size: tuple[int, int]) -> _Cut:
        cut = self._cut
        if cut is None or cut.size != size:
            cut = self._cut = self._made(size)
        return cut

    def _made(self, size: tuple[int, int]) -> _Cut:
        stencil = images.new("L", size, 0)
        draw = ImageDraw.Draw(stencil)
        for polygon in self._polygons:
            _fill(draw, polygon, size)
        wide = stencil.filter(ImageFilter.MaxFilter(2 * _MARGIN_PX + 1))
        box = wide.getbbox()
        return _Cut(size, wide.crop(box), box) if box else _Cut(size, None, (0, 0, 0, 0))


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


def _runs(line: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each stretch of non-zero bytes; a stencil's are 0 or 255."""
    start = line.find(255)
    while start >= 0:
        end = line.find(0, start)
        end = len(line) if end < 0 else end
        yield start, end
        start = line.find(255, end)
