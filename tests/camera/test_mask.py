import threading
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from edge.camera.mask import Mask

GREY = (120, 130, 140)
BLACK = (0, 0, 0)
SIZE = (32, 24)
LEFT_THIRD = ((0.0, 0.0), (1 / 3, 0.0), (1 / 3, 1.0), (0.0, 1.0))

fraction = st.floats(0, 1, allow_nan=False)
polygon = st.lists(st.tuples(fraction, fraction), min_size=3, max_size=7)


def grey(size=SIZE):
    return Image.new("RGB", size, GREY)


def burnt(polygons, size=SIZE):
    image = grey(size)
    Mask(polygons).burn(image)
    return image


def black_pixels(image):
    width, height = image.size
    return {(x, y) for x in range(width) for y in range(height) if image.getpixel((x, y)) == BLACK}


def winding(corners, x, y):
    """How often the outline goes around a point; written apart from the code under test, from the crossing rule."""
    turns = 0
    for (x0, y0), (x1, y1) in pairwise([*corners, corners[0]]):
        side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
        if y0 <= y < y1 and side > 0:
            turns += 1
        elif y1 <= y < y0 and side < 0:
            turns -= 1
    return turns


def test_a_picture_without_a_mask_stays_as_it_is():
    assert ImageChops.difference(burnt(()), grey()).getbbox() is None


def test_what_is_inside_is_solid_black_and_what_is_far_outside_is_untouched():
    image = burnt((LEFT_THIRD,), (1280, 720))
    assert image.crop((0, 0, 427, 720)).getextrema() == ((0, 0),) * 3
    assert image.crop((436, 0, 1280, 720)).getextrema() == tuple((c, c) for c in GREY)


def test_a_rectangle_grows_by_a_pixel_at_least_and_four_at_most():
    image = burnt((((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)),), (80, 80))
    left, top, right, bottom = ImageChops.difference(image, grey((80, 80))).getbbox()
    assert 16 <= left <= 19
    assert 16 <= top <= 19
    assert 61 <= right <= 64
    assert 61 <= bottom <= 64


def test_a_polygon_along_the_rim_covers_the_last_row_and_column():
    image = burnt((((1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.999, 0.999)),))
    black = black_pixels(image)
    assert {(31, y) for y in range(24)} <= black
    assert {(x, 23) for x in range(32)} <= black


def test_a_polygon_thinner_than_a_pixel_is_still_covered():
    black = black_pixels(burnt((((0.1, 0.5), (0.9, 0.5001), (0.9, 0.5)),)))
    assert {(x, 12) for x in range(4, 28)} <= black


def test_an_outline_that_goes_around_twice_leaves_no_hole():
    star = ((0.5, 0.0), (0.79, 0.9), (0.02, 0.35), (0.98, 0.35), (0.21, 0.9))
    assert burnt((star,), (200, 200)).getpixel((100, 100)) == BLACK


def test_all_polygons_are_covered():
    right = ((0.9, 0.0), (1.0, 0.0), (1.0, 0.2))
    image = burnt((LEFT_THIRD, right), (640, 480))
    assert image.getpixel((3, 470)) == BLACK
    assert image.getpixel((638, 3)) == BLACK
    assert image.getpixel((320, 240)) == GREY


def test_one_mask_serves_pictures_of_every_size():
    mask = Mask((LEFT_THIRD,))
    for size in ((160, 120), (1280, 720), (160, 120)):
        image = grey(size)
        mask.burn(image)
        assert image.getpixel((1, 1)) == BLACK
        assert image.getpixel((size[0] - 2, 1)) == GREY


def test_the_picture_is_painted_in_place_and_painting_it_again_changes_nothing():
    image = burnt((LEFT_THIRD,))
    once = image.copy()
    Mask((LEFT_THIRD,)).burn(image)
    assert ImageChops.difference(image, once).getbbox() is None


@settings(max_examples=60, deadline=None)
@given(polygon)
def test_no_pixel_that_the_polygon_touches_is_left(corners):
    black = black_pixels(burnt((corners,)))
    placed = [(x * SIZE[0], y * SIZE[1]) for x, y in corners]
    steps = (0.01, 0.5, 0.99)
    touched = {
        (x, y)
        for x in range(SIZE[0])
        for y in range(SIZE[1])
        if any(winding(placed, x + u, y + v) for u in steps for v in steps)
    }
    assert touched <= black


@settings(max_examples=60, deadline=None)
@given(polygon)
def test_every_point_of_the_outline_has_a_pixel_of_margin_around_it(corners):
    black = black_pixels(burnt((corners,)))
    for (x0, y0), (x1, y1) in pairwise([*corners, corners[0]]):
        for i in range(101):
            px = int((x0 + (x1 - x0) * i / 100) * SIZE[0])
            py = int((y0 + (y1 - y0) * i / 100) * SIZE[1])
            around = {(px + dx, py + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)}
            assert {(x, y) for x, y in around if 0 <= x < SIZE[0] and 0 <= y < SIZE[1]} <= black


@pytest.mark.parametrize("size", [(160, 120), (1920, 1088)])
def test_the_whole_picture_can_be_covered(size):
    image = burnt((((0, 0), (1, 0), (1, 1), (0, 1)),), size)
    assert image.getextrema() == ((0, 0),) * 3


@given(st.lists(polygon, max_size=3), st.sampled_from([(32, 24), (17, 31)]))
def test_the_blocks_of_a_mask_are_the_pixels_that_it_blackens_each_once(polygons, size):
    covered = [
        (x, y)
        for top, bottom, left, right in Mask(polygons).blocks(size)
        for y in range(top, bottom)
        for x in range(left, right)
    ]
    assert len(covered) == len(set(covered))
    assert set(covered) == black_pixels(burnt(polygons, size))


def test_a_rectangle_is_one_block():
    assert Mask((LEFT_THIRD,)).blocks((1280, 720)) == [(0, 720, 0, 430)]


def test_a_mask_covers_a_picture_while_another_thread_has_it_made_for_another_size():
    mask, wrong = Mask((LEFT_THIRD,)), []
    stop = threading.Event()

    def film():
        while not stop.is_set():
            mask.blocks((64, 48))

    filming = threading.Thread(target=film)
    filming.start()
    for _ in range(200):
        image = grey()
        mask.burn(image)
        wrong += [image] if image.getpixel((0, 0)) != BLACK else []
    stop.set()
    filming.join(10)
    assert wrong == []
