import threading

import pytest
from PIL import ImageChops, ImageStat

from edge.clock import MS, SECOND
from edge.errors import PartError
from edge.sim.camera import SimCamera

SIZE = (640, 360)
DOORWAY = (290, 100, 380, 300)
NEIGHBOUR = (0, 60, 105, 360)
CORNER = (470, 0, 640, 30)
DEADLINE_S = 10


class World:
    leaf = 0.0
    wall_ns = 1_780_300_000 * SECOND


@pytest.fixture
def world():
    return World()


@pytest.fixture
def camera(world):
    camera = SimCamera(lambda: world.leaf, lambda: world.wall_ns, width=SIZE[0], height=SIZE[1])
    camera.open()
    yield camera
    camera.close()


def brightness(image, box=None):
    return sum(ImageStat.Stat(image.crop(box) if box else image).mean) / 3


def changed(a, b):
    return ImageChops.difference(a, b).getbbox()


def test_a_picture_is_rgb_and_of_the_size_asked_for(camera):
    picture = camera.capture()
    assert picture.mode == "RGB"
    assert picture.size == SIZE


@pytest.mark.parametrize("size", [(160, 120), (1920, 1088), (320, 1088), (1920, 120)])
def test_every_size_that_the_settings_allow_can_be_drawn_at_every_stand_of_the_leaf(size):
    world = World()
    camera = SimCamera(lambda: world.leaf, lambda: world.wall_ns, width=size[0], height=size[1])
    camera.open()
    for world.leaf in (-1.0, 0.0, 0.3, 0.9, 1.0, 2.0):
        assert camera.capture().size == size


def test_nothing_moves_on_the_landing_while_the_clock_stands(camera):
    assert changed(camera.capture(), camera.capture()) is None


def test_the_corner_shows_the_time_to_the_millisecond_and_nothing_else_changes_with_it(camera, world):
    before = camera.capture()
    world.wall_ns += 1 * MS
    left, top, right, bottom = changed(before, camera.capture())
    assert CORNER[0] <= left < right <= CORNER[2]
    assert CORNER[1] <= top < bottom <= CORNER[3]


def test_the_leaf_swings_further_the_further_it_is_open(camera, world):
    shut = camera.capture()
    boxes = []
    for world.leaf in (0.1, 0.5, 1.0):
        boxes.append(changed(shut, camera.capture()))
    assert all(box is not None for box in boxes)
    world.leaf = 0.0
    assert changed(shut, camera.capture()) is None


def test_warm_light_falls_out_of_the_open_door(camera, world):
    shut = camera.capture().crop(DOORWAY)
    world.leaf = 1.0
    open_ = camera.capture().crop(DOORWAY)
    assert brightness(open_) > 1.5 * brightness(shut)
    red, _, blue = ImageStat.Stat(open_).mean
    assert red > 1.3 * blue


def test_the_neighbours_door_does_not_move(camera, world):
    shut = camera.capture().crop(NEIGHBOUR)
    world.leaf = 1.0
    assert changed(shut, camera.capture().crop(NEIGHBOUR)) is None


def test_what_is_painted_into_one_picture_is_not_in_the_next(camera):
    first = camera.capture()
    clean = first.copy()
    first.paste(0, (0, 0, *SIZE))
    assert changed(clean, camera.capture()) is None


def test_an_absent_camera_cannot_be_opened(camera):
    camera.close()
    camera.fault = "absent"
    with pytest.raises(PartError, match="found none"):
        camera.open()


def test_a_camera_that_goes_absent_gives_no_more_pictures(camera):
    camera.fault = "absent"
    with pytest.raises(PartError, match="found none"):
        camera.capture()


def test_a_closed_camera_gives_no_picture_until_it_is_opened_again(camera):
    camera.close()
    camera.close()
    with pytest.raises(PartError, match="not open"):
        camera.capture()
    camera.open()
    assert camera.capture().size == SIZE


def test_a_dark_picture_is_nearly_black(camera):
    light = brightness(camera.capture())
    camera.fault = "dark"
    assert brightness(camera.capture()) < light / 10
    camera.fault = None
    assert brightness(camera.capture()) == light


def test_a_hanging_capture_ends_when_the_camera_is_closed_from_elsewhere(camera):
    camera.fault = "hang"
    raised = []

    def capture():
        try:
            camera.capture()
        except PartError as err:
            raised.append(err)

    thread = threading.Thread(target=capture)
    thread.start()
    camera.close()
    thread.join(timeout=DEADLINE_S)
    assert not thread.is_alive()
    assert len(raised) == 1
