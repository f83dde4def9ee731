"""A printable solid as OpenSCAD writes it: read, measured, and drawn.

OpenSCAD's own pictures want OpenGL, so an X server and Mesa; a shaded drawing of triangles is all that is needed here.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

Triangles = Any  # numpy float array of shape (n, 3 corners, 3 axes), millimetres
Shades = Any  # numpy float array of shape (height, width, 3)
BACKGROUND = (247, 247, 244)
LIGHT = np.array([0.35, 0.75, 0.56])
FRONT = ((-32, -24), (28, 34))  # degrees of turn and lean: from the front above, from the front below
BACK = ((-32, -24), (148, -24))  # from the front, from behind
OVER = 2  # drawn this much larger, then shrunk: smooth edges


def read(path: Path) -> Triangles:
    """The triangles of an ASCII STL."""
    words = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    corners = [word[1:] for word in words if word and word[0] == "vertex"]
    return np.array(corners, dtype=float).reshape(-1, 3, 3)


def open_edges(solid: Triangles) -> int:
    """Edges that do not run once each way: 0 for a solid that is closed and that no edge joins to itself."""
    ids = np.unique(solid.reshape(-1, 3).round(4), axis=0, return_inverse=True)[1].reshape(-1, 3)
    runs = Counter((int(a), int(b)) for face in ids for a, b in zip(face, np.roll(face, -1), strict=True) if a != b)
    return sum(times - runs[(b, a)] != 0 or times != 1 for (a, b), times in runs.items())


def volume_cm3(solid: Triangles) -> float:
    """Positive where the faces look outwards."""
    a, b, c = solid[:, 0], solid[:, 1], solid[:, 2]
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6000)


def size_mm(solid: Triangles) -> tuple[float, float, float]:
    """Of the box around it."""
    corners = solid.reshape(-1, 3)
    x, y, z = corners.max(axis=0) - corners.min(axis=0)
    return float(x), float(y), float(z)


def draw(
    solids: list[tuple[Triangles, tuple[int, int, int]]], path: Path, words: str, sides: tuple[tuple[int, int], ...]
) -> None:
    """Solids in their colours, from each of `sides`, as one PNG."""
    views = [_view(solids, turn, lean) for turn, lean in sides]
    wide = sum(view.width for view in views)
    sheet = Image.new("RGB", (wide, max(view.height for view in views) + 24), BACKGROUND)
    left = 0
    for view in views:
        sheet.paste(view, (left, 24))
        left += view.width
    ImageDraw.Draw(sheet).text((10, 8), words, fill=(60, 60, 60))
    sheet.quantize(64).save(path, optimize=True)


def _view(solids: list[tuple[Triangles, tuple[int, int, int]]], turn_deg: float, lean_deg: float) -> Image.Image:
    turn, lean = np.radians(turn_deg), np.radians(lean_deg)
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(lean), -np.sin(lean)], [0, np.sin(lean), np.cos(lean)]])
    mirrored = np.array([-1, 1, 1])  # the viewer stands where y grows, and sees x from the other side
    turned = [(solid @ (about_x @ about_z).T * mirrored, colour) for solid, colour in solids]
    every = np.concatenate([solid.reshape(-1, 3) for solid, _ in turned])
    low, high = every.min(axis=0), every.max(axis=0)
    scale = 440 * OVER / max(high[0] - low[0], high[2] - low[2])
    width, height = (int(side * scale) + 40 * OVER for side in (high[0] - low[0], high[2] - low[2]))
    shades = np.full((height, width, 3), BACKGROUND, dtype=float)
    nearest = np.full((height, width), -np.inf)
    for solid, colour in turned:
        flat = (solid - low) * scale + 20 * OVER
        flat[:, :, 2] = height - flat[:, :, 2]
        normals = np.cross(solid[:, 1] - solid[:, 0], solid[:, 2] - solid[:, 0]) * [-1, -1, -1]
        for face, normal in zip(flat, normals, strict=True):
            length = np.linalg.norm(normal)
            if length > 0 and normal[1] > 0:
                bright = 0.45 + 0.55 * max(0.0, float(normal @ LIGHT) / float(length))
                _fill(shades, nearest, face, np.array(colour) * bright)
    image = Image.fromarray(shades.clip(0, 255).astype(np.uint8))
    return image.resize((width // OVER, height // OVER), Image.Resampling.BOX)


def _fill(shades: Shades, nearest: Shades, face: Any, colour: Any) -> None:
    """Paint one triangle where nothing nearer has been painted; x and z on the picture, y towards the viewer."""
    (x0, y0, z0), (x1, y1, z1), (x2, y2, z2) = face
    area = (x1 - x0) * (z2 - z0) - (x2 - x0) * (z1 - z0)
    if abs(area) < 1e-9:
        return
    left, right = int(min(x0, x1, x2)), int(max(x0, x1, x2)) + 1
    top, bottom = int(min(z0, z1, z2)), int(max(z0, z1, z2)) + 1
    z, x = np.mgrid[top : bottom + 1, left : right + 1]
    b = ((x - x0) * (z2 - z0) - (x2 - x0) * (z - z0)) / area
    c = ((x1 - x0) * (z - z0) - (x - x0) * (z1 - z0)) / area
    depth = y0 + b * (y1 - y0) + c * (y2 - y0)
    part = (slice(top, bottom + 1), slice(left, right + 1))
    seen = (b >= -1e-6) & (c >= -1e-6) & (b + c <= 1 + 1e-6) & (depth > nearest[part])
    nearest[part][seen] = depth[seen]
    shades[part][seen] = colour
