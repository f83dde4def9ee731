"""picamera2 without a Pi.

libcamera and a few compiled packages stand in as MagicMock; picamera2 itself is the real one. Where its import fails,
`pip install --no-deps picamera2` mends it, on any machine.
"""

import importlib
import importlib.util
import sys
import warnings
from unittest.mock import MagicMock, create_autospec

import pytest
from PIL import Image

# What picamera2 0.3.38 imports and PyPI cannot give without compiling, or not at all.
STRANGERS = (
    *("libcamera", "pykms", "videodev2", "prctl", "piexif", "simplejpeg"),
    *("pidng", "pidng.camdefs", "pidng.core", "numpy", "numpy.typing"),
)


def missing(name):
    """Whether `name` cannot be imported here, in which case it gets a stand-in."""
    try:
        return importlib.util.find_spec(name) is None
    except ModuleNotFoundError:  # its parent is missing
        return True


@pytest.fixture(scope="module")
def real():
    """The real picamera2 package, imported over stand-ins; sys.modules is put back afterwards."""
    before = dict(sys.modules)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, not ours
        sys.modules.update({name: MagicMock(name=name) for name in STRANGERS if missing(name)})
        module = importlib.import_module("picamera2")
    yield module
    for name in set(sys.modules) - set(before):
        if name.partition(".")[0] in {"picamera2", *STRANGERS}:
            del sys.modules[name]
    sys.modules.update(before)


@pytest.fixture
def camera(real):
    """What Picamera2() returns: every call is held against the real signature."""
    camera = create_autospec(real.Picamera2, instance=True)
    camera.sensor_resolution = (3280, 2464)  # set in the constructor, where autospec does not see it: an imx219
    request = create_autospec(real.CompletedRequest, instance=True)
    request.make_image.side_effect = lambda _name, width, height: Image.new("RGB", (width, height), (1, 2, 3))
    request.get_metadata.return_value = {"SensorTimestamp": 123_456_789}
    camera.captured_request.return_value.__enter__.return_value = request
    camera.request = request
    return camera


@pytest.fixture
def picamera2(real, camera, monkeypatch):
    """The class itself, with one camera attached."""
    spec = create_autospec(real.Picamera2)
    spec.return_value = camera
    spec.global_camera_info.return_value = [{"Model": "imx219", "Num": 0}]
    monkeypatch.setattr(real, "Picamera2", spec)
    return spec
