"""A picture's budget of bytes."""

import io

import pytest
from PIL import Image

from edge.camera.jpeg import LEAST, encode
from edge.sim.camera import SimCamera

QUALITY = 80


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    """The simulated landing at 720p, with the noise that a sensor has in the dark."""
    camera = SimCamera(lambda: 0.5, lambda: 1_800_000_000_000_000_000)
    camera.open()
    landing = camera.capture()
    return Image.blend(landing, Image.effect_noise(landing.size, 60).convert("RGB"), 0.2)


class Counting:
    """A picture that knows how often it was encoded; `size` of what comes out, whatever the quality."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.qualities: list[int] = []

    def save(self, into: io.BytesIO, _kind: str, quality: int) -> None:
        self.qualities.append(quality)
        into.write(bytes(self.size))


def test_without_a_budget_a_picture_has_the_quality_that_is_set(picture: Image.Image):
    plain = io.BytesIO()
    picture.save(plain, "JPEG", quality=QUALITY)
    assert encode(picture, QUALITY) == plain.getvalue()


def test_a_picture_that_fits_is_encoded_once():
    image = Counting(1000)
    assert len(encode(image, QUALITY, 1000)) == 1000
    assert image.qualities == [QUALITY]


@pytest.mark.parametrize("share", [0.9, 0.7, 0.5, 0.35])
def test_a_picture_over_its_budget_is_made_to_fit_and_is_whole(picture: Image.Image, share: float):
    budget = int(len(encode(picture, QUALITY)) * share)
    jpeg = encode(picture, QUALITY, budget)
    assert budget / 3 < len(jpeg) <= budget
    with Image.open(io.BytesIO(jpeg)) as read:
        read.load()
        assert read.size == picture.size


def test_a_picture_that_never_fits_costs_three_tries_and_goes_all_the_same():
    image = Counting(1001)
    assert len(encode(image, QUALITY, 1000)) == 1001
    assert len(image.qualities) == 3


def test_quality_never_falls_below_what_shows_a_face():
    image = Counting(1_000_000)
    encode(image, QUALITY, 1000)
    assert image.qualities == [QUALITY, LEAST]
