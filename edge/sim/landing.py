"""The simulated landing, drawn with Pillow: a stairwell, a neighbour's door, and the door that opens. Pure.

Everything is laid out in metres (x right, y up from the floor, z away from the lens) and seen through one pinhole.
What stands still is drawn once, twice as large, and reduced, because Pillow's polygons have hard edges.
"""

from collections.abc import Callable, Iterable
from math import cos, sin
from typing import TYPE_CHECKING

from PIL import Image as images
from PIL import ImageChops, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from PIL.Image import Image

Point = tuple[float, float, float]
Color = tuple[int, int, int]

BACK, LEFT, RIGHT, CEILING = 3.0, -2.0, 2.15, 2.62  # z of the wall that the door is in; x of the side walls; height
HINGE, WIDE, TALL, THICK = 0.62, 0.98, 2.08, 0.05  # the leaf: x of its hinge, width, height, thickness
SWING = 1.75  # radians that a leaf of 1.0 stands open: 100 degrees, towards the stairs
EYE, FOCAL = 1.5, 0.86  # height of the lens; focal length in heights of a picture of 16:9
WAINSCOT = 1.15  # stairwells are painted to about here
_SMOOTH = 2

PLASTER, PAINT, LINE = (226, 222, 208), (134, 166, 150), (88, 122, 108)
STEEL, BRASS, RED = (92, 58, 48), (196, 164, 96), (178, 34, 34)
WARM = (255, 196, 120)


class Landing:
    """The landing at one picture size; `draw` may be called by one thread at a time."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        big = images.new("RGB", (width * _SMOOTH, height * _SMOOTH), (40, 42, 44))
        pen = _Pen(big, self.size, _SMOOTH)
        _shell(pen)
        _neighbour(pen)
        _room(pen)
        _frame(pen)
        _stairs(pen)
        still = big.reduce(_SMOOTH)
        self._dim = ImageChops.multiply(still, _lamp(self.size))
        self._lit = ImageChops.add(self._dim, _spill(self.size))

    def draw(self, leaf: float) -> "Image":
        """A new RGB picture of the landing with its door open by `leaf`, 0 to 1."""
        picture = images.blend(self._dim, self._lit, min(1.0, 1.5 * leaf))
        pen = _Pen(picture, self.size, 1)
        box = pen.box(p for face in _faces(leaf * SWING) for p in face)
        patch = picture.crop(box)
        big = patch.resize((patch.width * _SMOOTH, patch.height * _SMOOTH), images.Resampling.NEAREST)
        _leaf(_Pen(big, self.size, _SMOOTH, offset=box[:2]), leaf * SWING)
        picture.paste(big.reduce(_SMOOTH), box[:2])
        return picture


class _Pen:
    """Draws in metres on a picture, or on a part of it that begins at `offset` and is `scale` times as large."""

    def __init__(self, image: "Image", size: tuple[int, int], scale: int, offset: tuple[int, int] = (0, 0)) -> None:
        self._draw = ImageDraw.Draw(image)
        self._size, self._scale, self._offset = size, scale, offset
        self._focal = FOCAL * min(size[1], size[0] * 9 / 16)  # a narrower picture shows the whole landing too

    def at(self, point: Point) -> tuple[float, float]:
        """Where a point is, in pixels of the image."""
        x, y, z = point
        width, height = self._size
        across = 0.5 * width + self._focal * x / z - self._offset[0]
        down = 0.43 * height - self._focal * (y - EYE) / z - self._offset[1]
        return across * self._scale, down * self._scale

    def face(self, points: Iterable[Point], color: Color) -> None:
        """A filled polygon."""
        self._draw.polygon([self.at(p) for p in points], fill=color)

    def line(self, points: Iterable[Point], color: Color, width_m: float = 0.01) -> None:
        """A line; its width is what `width_m` comes to at its first point."""
        corners = list(points)
        pixels = self._focal * width_m / corners[0][2] * self._scale
        self._draw.line([self.at(p) for p in corners], fill=color, width=max(1, round(pixels)), joint="curve")

    def disc(self, point: Point, radius_m: float, color: Color) -> None:
        """A filled circle that faces the lens."""
        x, y = self.at(point)
        r = self._focal * radius_m / point[2] * self._scale
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=color)

    def box(self, points: Iterable[Point]) -> tuple[int, int, int, int]:
        """The part of the image that holds these points, two pixels wider."""
        xs, ys = zip(*(self.at(p) for p in points), strict=True)
        right, bottom = min(self._size[0], int(max(xs)) + 3), min(self._size[1], int(max(ys)) + 3)
        return max(0, int(min(xs)) - 2), max(0, int(min(ys)) - 2), right, bottom


def _upright(x0: float, x1: float, y0: float, y1: float, z: float = BACK) -> list[Point]:
    """A rectangle parallel to the back wall."""
    return [(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)]


def _side(x: float, z0: float, z1: float, y0: float, y1: float) -> list[Point]:
    """A rectangle parallel to the side walls."""
    return [(x, y0, z0), (x, y0, z1), (x, y1, z1), (x, y1, z0)]


def _flat(x0: float, x1: float, z0: float, z1: float, y: float = 0.0) -> list[Point]:
    """A level rectangle."""
    return [(x0, y, z0), (x1, y, z0), (x1, y, z1), (x0, y, z1)]


def _shade(color: Color, by: float) -> Color:
    """`color` made darker (below 1) or lighter."""
    r, g, b = (min(255, round(c * by)) for c in color)
    return r, g, b


def _shell(pen: _Pen) -> None:
    """Walls, floor of tiles, ceiling with its lamp."""
    near = 0.4
    pen.face(_flat(LEFT, RIGHT, near, BACK, CEILING), _shade(PLASTER, 0.86))
    for x, light in ((LEFT, 0.88), (RIGHT, 0.8)):
        pen.face(_side(x, near, BACK, 0, CEILING), _shade(PLASTER, light))
        pen.face(_side(x, near, BACK, 0, WAINSCOT), _shade(PAINT, light))
        pen.line([(x, WAINSCOT, BACK), (x, WAINSCOT, near)], _shade(LINE, light), 0.03)
    pen.face(_upright(LEFT, RIGHT, 0, CEILING), PLASTER)
    pen.face(_upright(LEFT, RIGHT, 0, WAINSCOT), PAINT)
    pen.line([(LEFT, WAINSCOT, BACK), (RIGHT, WAINSCOT, BACK)], LINE, 0.03)
    pen.face(_flat(LEFT, RIGHT, near, BACK), (150, 146, 138))
    tile = 0.5
    for i in range(int((RIGHT - LEFT) / tile) + 1):
        for j in range(int((BACK - near) / tile) + 1):
            x, z = LEFT + i * tile, BACK - j * tile
            shade = (168, 164, 156) if (i + j) % 2 else (154, 150, 142)
            pen.face(_flat(x + 0.006, min(RIGHT, x + tile - 0.006), max(near, z - tile + 0.006), z - 0.006), shade)
    for x0, x1 in ((LEFT, HINGE - WIDE - 0.1), (HINGE + 0.1, RIGHT)):
        pen.face(_upright(x0, x1, 0, 0.1, BACK - 0.01), (94, 90, 84))
    pen.face(_side(LEFT + 0.01, near, BACK, 0, 0.1), (82, 78, 74))
    pen.face(_flat(-0.55, -0.15, 2.2, 2.5, CEILING - 0.02), (250, 246, 226))


def _neighbour(pen: _Pen) -> None:
    """The door in the left wall: what a privacy mask is for."""
    z0, z1, x = 1.98, 2.84, LEFT + 0.01
    pen.face(_side(x, z0 - 0.07, z1 + 0.07, 0, TALL + 0.07), (112, 92, 72))
    pen.face(_side(x, z0, z1, 0, TALL), (124, 84, 52))
    for y0, y1 in ((0.2, 0.85), (1.02, 1.9)):
        pen.face(_side(x, z0 + 0.12, z1 - 0.12, y0, y1), (104, 68, 40))
        pen.face(_side(x, z0 + 0.15, z1 - 0.15, y0 + 0.03, y1 - 0.03), (132, 92, 58))
    pen.disc((x + 0.04, 1.0, z1 - 0.07), 0.03, BRASS)
    pen.disc((x, 1.52, (z0 + z1) / 2), 0.02, (40, 34, 30))
    pen.face(_flat(x + 0.06, x + 0.5, z0 + 0.05, z1 - 0.05, 0.004), (96, 70, 62))


def _room(pen: _Pen) -> None:
    """What is seen through the open door: a lit hall, a picture, a lamp, a cabinet for shoes."""
    x0, x1, far = HINGE - WIDE, HINGE, 4.9
    pen.face(_upright(x0, x1, 0, TALL), (214, 170, 112))
    pen.face(_side(x1, BACK, far, 0, TALL), (206, 160, 104))
    pen.face(_side(x0, BACK, far, 0, TALL), (226, 184, 128))
    pen.face(_flat(x0, x1, BACK, far), (150, 98, 56))
    for i in range(1, 6):
        x = x0 + i * WIDE / 6
        pen.line([(x, 0, far), (x, 0, BACK)], (128, 82, 46), 0.012)
    pen.face(_upright(x0, x1, 0, TALL, far), (244, 208, 150))
    pen.face(_upright(x0, x1, 0, 0.09, far), (168, 118, 74))
    pen.face(_upright(x0 + 0.42, x0 + 0.84, 1.2, 1.62, far), (120, 78, 44))
    pen.face(_upright(x0 + 0.45, x0 + 0.81, 1.23, 1.59, far), (238, 232, 214))
    hill = ((0.47, 1.25), (0.6, 1.46), (0.69, 1.33), (0.79, 1.25))
    pen.face([(x0 + x, y, far) for x, y in hill], (120, 146, 140))
    pen.disc((x0 + 0.7, 1.5, far), 0.035, RED)
    pen.face(_upright(x0 + 0.36, x1, 0, 0.82, far - 0.25), (140, 88, 50))
    pen.face(_flat(x0 + 0.34, x1, far - 0.27, far, 0.83), (176, 118, 70))
    pen.line([(x0 + 0.68, 0.06, far - 0.26), (x0 + 0.68, 0.78, far - 0.26)], (104, 64, 36), 0.015)
    pen.face(_upright(x0 + 0.84, x0 + 0.9, 0.83, 1.0, far - 0.1), BRASS)
    shade = ((0.74, 1.0), (1.0, 1.0), (0.94, 1.2), (0.8, 1.2))
    pen.face([(x0 + x, y, far - 0.1) for x, y in shade], (255, 238, 190))


def _frame(pen: _Pen) -> None:
    """The frame, the plate without a number, couplets, and the unit's own contact."""
    x0, x1, jamb, z = HINGE - WIDE, HINGE, 0.08, BACK - 0.02
    pen.face(_upright(x0 - jamb, x0, 0, TALL + jamb, z), (74, 62, 56))
    pen.face(_upright(x1, x1 + jamb, 0, TALL + jamb, z), (74, 62, 56))
    pen.face(_upright(x0, x1, TALL, TALL + jamb, z), (74, 62, 56))
    rim = [(x0 - jamb, 0, z), (x0 - jamb, TALL + jamb, z), (x1 + jamb, TALL + jamb, z), (x1 + jamb, 0, z)]
    pen.line(rim, (52, 44, 40), 0.012)
    pen.face(_flat(x0 - jamb, x1 + jamb, BACK - 0.09, BACK, 0.012), (108, 104, 98))
    for x in (x0 - 0.28, x1 + 0.16):
        pen.face(_upright(x, x + 0.13, 0.75, 1.85), RED)
        for i in range(5):
            pen.disc((x + 0.065, 0.9 + 0.2 * i, BACK), 0.036, (222, 178, 84))
    pen.face(_upright(x0 + 0.15, x1 - 0.15, TALL + 0.15, TALL + 0.29), RED)
    for i in range(4):
        pen.disc((x0 + 0.285 + 0.137 * i, TALL + 0.22, BACK), 0.036, (222, 178, 84))
    pen.face(_upright(x0 - 0.46, x0 - 0.32, 1.5, 1.6), (62, 78, 92))
    pen.disc((x0 - 0.39, 1.55, BACK), 0.014, (236, 236, 228))
    pen.face(_upright(x0 + 0.1, x0 + 0.24, TALL + 0.012, TALL + 0.05, z - 0.01), (238, 238, 232))


def _stairs(pen: _Pen) -> None:
    """A flight that goes up to the right, in front of the side wall, and its railing."""
    run, rise, foot, z0, z1 = 0.25, 0.165, 1.1, 2.05, 2.95
    for i in range(5):
        x, y = foot + i * run, i * rise
        pen.face(_side(x, z0, z1, y, y + rise), (112, 108, 102))
        pen.face(_flat(x, x + run, z0, z1, y + rise), (178, 174, 164))
        pen.face(_upright(x, x + run, 0, y + rise, z0), (136, 132, 124))
        pen.line([(x, y + rise, z0), (x + run, y + rise, z0)], (98, 94, 88), 0.018)
        pen.line([(x + run / 2, y + rise, z0), (x + run / 2, y + rise + 0.86, z0)], (70, 92, 84), 0.02)
    low, high = (foot, 0.95, z0), (foot + 5 * run, 0.95 + 5 * rise, z0)
    pen.line([(foot, 0, z0), low, high], (122, 62, 40), 0.05)


def _faces(angle: float) -> tuple[list[Point], list[Point], list[Point]]:
    """The leaf's outer face, inner face and free edge when it stands open by `angle` (radians)."""
    dx, dz = -WIDE * cos(angle), -WIDE * sin(angle)
    nx, nz = -THICK * sin(angle), THICK * cos(angle)  # from the outer face through to the inner
    z = BACK - 0.015

    def board(x: float, depth: float) -> list[Point]:
        return [(x, 0.015, depth), (x + dx, 0.015, depth + dz), (x + dx, TALL, depth + dz), (x, TALL, depth)]

    outer, inner = board(HINGE, z), board(HINGE + nx, z + nz)
    return outer, inner, [outer[1], inner[1], inner[2], outer[2]]


def _leaf(pen: _Pen, angle: float) -> None:
    outer, inner, edge = _faces(angle)
    pen.face(edge, (62, 40, 34))
    if pen.at(outer[1])[0] < pen.at(outer[0])[0]:  # the free edge is still left of the hinge: its outside is seen
        _outside(pen, outer, 1.0 - 0.3 * min(1.0, angle))
    else:
        _inside(pen, inner)


def _on(board: list[Point]) -> Callable[[float, float], Point]:
    """Points on a face of the leaf: metres from the hinge, metres up."""
    (x0, _, z0), (x1, _, z1) = board[0], board[1]

    def point(u: float, v: float) -> Point:
        return x0 + (x1 - x0) * u / WIDE, v, z0 + (z1 - z0) * u / WIDE

    return point


def _panel(u0: float, u1: float, v0: float, v1: float) -> list[tuple[float, float]]:
    return [(u0, v0), (u1, v0), (u1, v1), (u0, v1)]


def _outside(pen: _Pen, board: list[Point], light: float) -> None:
    on = _on(board)

    def face(corners: list[tuple[float, float]], color: Color) -> None:
        pen.face([on(u, v) for u, v in corners], _shade(color, light))

    pen.face(board, _shade(STEEL, light))
    for v0, v1 in ((0.16, 0.78), (0.94, 1.94)):
        face(_panel(0.13, 0.85, v0, v1), _shade(STEEL, 0.74))
        face(_panel(0.155, 0.825, v0 + 0.025, v1 - 0.025), _shade(STEEL, 1.12))
    for r, color in ((0.245, (214, 170, 80)), (0.225, RED), (0.12, (214, 170, 80)), (0.105, RED)):
        face([(0.49, 1.5 - r), (0.49 + r, 1.5), (0.49, 1.5 + r), (0.49 - r, 1.5)], color)
    face(_panel(0.865, 0.935, 0.86, 1.18), BRASS)
    face(_panel(0.78, 0.91, 1.0, 1.035), _shade(BRASS, 1.2))
    pen.disc(on(0.9, 0.92), 0.012, (40, 34, 30))
    pen.disc(on(0.49, 1.83), 0.02, (30, 26, 24))
    face(_panel(0.76, 0.88, TALL - 0.055, TALL - 0.015), (238, 238, 232))  # the magnet


def _inside(pen: _Pen, board: list[Point]) -> None:
    on = _on(board)
    pen.face(board, (214, 176, 128))
    for v0, v1 in ((0.16, 0.78), (0.94, 1.94)):
        pen.face([on(u, v) for u, v in _panel(0.13, 0.85, v0, v1)], (184, 144, 98))
        pen.face([on(u, v) for u, v in _panel(0.16, 0.82, v0 + 0.03, v1 - 0.03)], (224, 188, 140))
    pen.disc(on(0.9, 1.0), 0.03, BRASS)


def _lamp(size: tuple[int, int]) -> "Image":
    """What the ceiling lamp leaves of the colours: brightest under it, little more than half in the corners."""
    width, height = size
    ring = images.radial_gradient("L").resize((int(width * 1.7), int(height * 2.1)), images.Resampling.BILINEAR)
    left, top = int(width * 0.42), int(height * 0.85)
    light = ring.crop((left, top, left + width, top + height)).point([max(140, 255 - v * 5 // 8) for v in range(256)])
    return images.merge("RGB", (light, light, light.point([v * 15 // 16 for v in range(256)])))


def _spill(size: tuple[int, int]) -> "Image":
    """The warm light that falls out of the open door: on the floor, on the frame, a little everywhere."""
    glow = images.new("RGB", size)
    pen = _Pen(glow, size, 1)
    x0, x1 = HINGE - WIDE, HINGE
    pen.face([(x0, 0, BACK), (x1, 0, BACK), (x1 + 0.1, 0, 1.5), (x0 - 0.9, 0, 1.5)], _shade(WARM, 0.42))
    pen.face(_upright(x0 - 0.2, x1 + 0.2, 0, TALL + 0.15), _shade(WARM, 0.16))
    soft = glow.reduce(4).filter(ImageFilter.GaussianBlur(size[1] / 110))
    return soft.resize(size, images.Resampling.BICUBIC)
