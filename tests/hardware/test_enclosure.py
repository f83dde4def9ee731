"""The enclosure, rendered: solid, of a sane size, and the camera sees what it should and no more."""

from math import cos, radians, sin, tan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge.errors import PartError
from hardware import enclosure, solid

WIDTH_MM, DEPTH_MM = 116.0, 46.0
FOOT_MM = 10.0
Solids = dict[str, Any]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Solids:
    """All parts, as the file has them."""
    return enclosure.render(tmp_path_factory.mktemp("usual"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Solids:
    """A full board, a steep camera, a hood that is close on its left."""
    return enclosure.render(tmp_path_factory.mktemp("other"), board="full", tilt=75, hood_left=12)


def ray(tilt_deg: float, left_deg: float, up_deg: float) -> tuple[Any, Any]:
    """From the lens, just inside the window, in the camera's own directions: left and up as in its picture."""
    run = DEPTH_MM - FOOT_MM
    slope = radians(tilt_deg)
    out = np.array([0, cos(slope), -sin(slope)])
    upwards = np.array([0, sin(slope), cos(slope)])
    lens = np.array([WIDTH_MM / 2, DEPTH_MM - run / 2, run / tan(slope) / 2]) - out * 0.4
    aim = out + np.array([-1, 0, 0]) * tan(radians(left_deg)) + upwards * tan(radians(up_deg))
    return lens, aim / np.linalg.norm(aim)


def hits(triangles: Any, start: Any, direction: Any) -> int:
    """Triangles that a ray passes through (Möller and Trumbore, 1997)."""
    corner, first, second = triangles[:, 0], triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    across = np.cross(direction, second)
    size = np.einsum("ij,ij->i", first, across)
    size[abs(size) < 1e-12] = np.inf
    away = start - corner
    b = np.einsum("ij,ij->i", away, across) / size
    turned = np.cross(away, first)
    c = turned @ direction / size
    far = np.einsum("ij,ij->i", second, turned) / size
    return int(((b >= 0) & (c >= 0) & (b + c <= 1) & (far > 0)).sum())


@pytest.fixture(params=["usual", "other"])
def solids(request: pytest.FixtureRequest) -> Solids:
    """Both."""
    return request.getfixturevalue(request.param)


def test_every_part_is_one_closed_solid_of_a_sane_size(solids: Solids):
    for part, (least_cm3, most_cm3) in {"body": (70, 130), "lid": (15, 40), "plate": (25, 60)}.items():
        assert solid.open_edges(solids[part]) == 0
        assert least_cm3 < solid.volume_cm3(solids[part]) < most_cm3
        assert all(5 < side < 130 for side in solid.size_mm(solids[part]))


def test_lid_and_body_fit_on_each_other_without_meeting(usual: Solids):
    body, lid, plate = (usual[part].reshape(-1, 3) for part in enclosure.PARTS)
    assert body[:, 1].max() == pytest.approx(DEPTH_MM)
    assert lid[:, 1].max() == pytest.approx(DEPTH_MM + 2.4)
    assert lid[:, 0].max() == body[:, 0].max()
    assert body[:, 1].min() == pytest.approx(0)
    assert plate[:, 1].min() == pytest.approx(-4)


@pytest.mark.parametrize(("left", "up"), [(0, 0), (31, 0), (-31, 0), (0, 19), (0, -19), (30, 18), (-30, -18)])
def test_the_camera_sees_its_whole_picture_through_window_and_hood(usual: Solids, left: float, up: float):
    start, direction = ray(65, left, up)
    assert sum(hits(usual[part], start, direction) for part in enclosure.PARTS) == 0


@pytest.mark.parametrize(("left", "up"), [(42, 0), (-42, 0), (0, 30), (42, 15)])
def test_the_hood_stops_what_lies_beside_the_picture(usual: Solids, left: float, up: float):
    assert hits(usual["body"], *ray(65, left, up)) > 0


def test_a_closer_hood_hides_the_neighbours_side_and_only_that(other: Solids):
    assert hits(other["body"], *ray(75, 25, 0)) > 0
    assert hits(other["body"], *ray(75, -31, 0)) == 0


def test_a_misspelt_setting_of_the_model_is_an_error(tmp_path: Path):
    with pytest.raises(PartError, match=r"(?s)openscad, body.*want silence"):
        enclosure.render(tmp_path, tilt="steep")


def test_an_open_or_inverted_solid_is_noticed(usual: Solids):
    body = usual["body"]
    assert solid.open_edges(body[1:]) == 3
    assert solid.volume_cm3(body[:, ::-1]) < 0


def test_a_picture_shows_the_part_in_its_colour(usual: Solids, tmp_path: Path):
    enclosure.picture(usual, "plate", tmp_path / "plate.png")
    with Image.open(tmp_path / "plate.png") as image:
        drawn = np.asarray(image.convert("RGB")).astype(int)
    brownish = (drawn[:, :, 0] - drawn[:, :, 2] > 15).mean()
    assert 0.3 < brownish < 0.95


def inside(triangles: Any, points: Any) -> list[Any]:
    """Those of the points that lie in the solid's material."""
    slanted = np.array([0.312, 0.871, 0.379])  # along no edge of the model
    return [point for point in points if hits(triangles, point, slanted) % 2]


def grid(low: tuple[float, float, float], high: tuple[float, float, float]) -> Any:
    """Points that fill a box."""
    sides = [np.linspace(a, b, 7) for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 3)


def camera_board(tilt_deg: float) -> Any:
    """The camera's board on its posts: 25 x 24 mm, its connector towards the wall; world coordinates."""
    run, slope = DEPTH_MM - FOOT_MM, radians(tilt_deg)
    local = grid((-12.4, -15.6, 8.0), (12.4, 8.2, 12.5))
    inwards, upwards = np.array([0, -cos(slope), sin(slope)]), np.array([0, sin(slope), cos(slope)])
    middle = np.array([WIDTH_MM / 2, DEPTH_MM - run / 2, run / tan(slope) / 2])
    return middle + local[:, :1] * [1, 0, 0] + local[:, 1:2] * upwards + local[:, 2:] * inwards


def test_boards_and_lid_switch_have_room_in_the_closed_box(solids: Solids):
    full = grid((15.6, 7.6, 36.1), (103.0, 37.0, 91.9))  # a 4 B with its sockets, carrier and modules upon it
    switch_z = 102 - 40
    switch = grid((WIDTH_MM - 2.5 - 5.8, 34.0, switch_z - 6.3), (WIDTH_MM - 2.5, 38.5, switch_z + 6.3))
    off_pegs = np.array([p for p in switch if min(abs(p[2] - switch_z - 3.25), abs(p[2] - switch_z + 3.25)) > 1])
    for part in enclosure.PARTS:
        assert inside(solids[part], full) == []
        assert inside(solids[part], off_pegs) == []


def test_a_board_that_meets_a_post_would_be_noticed(usual: Solids):
    assert inside(usual["body"], grid((8.0, 7.6, 28.0), (15.0, 20.0, 36.0)))


@pytest.mark.parametrize(("which", "tilt"), [("usual", 65), ("other", 75)])
def test_the_camera_board_has_room_below_the_pi(which: str, tilt: float, request: pytest.FixtureRequest):
    board = camera_board(tilt)
    assert board[:, 2].max() < 36
    for part in enclosure.PARTS:
        assert inside(request.getfixturevalue(which)[part], board) == []
