"""The film's calls against picamera2's own code and signatures, without a Pi; see conftest.py."""

import contextlib
import errno
import sys
import threading
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy
import pytest
from PIL import Image

from edge.camera.film import FPS, FilmSource
from edge.camera.mask import Mask
from edge.camera.sensor import FRAME_US, Sensor
from edge.errors import PartError
from edge.parts import AccessUnit

SIZE = (64, 48)
LEFT = Mask([[(0, 0), (0.3, 0), (0.4, 1), (0, 1)]])


@pytest.fixture
def sensor(picamera2):
    sensor = Sensor(*SIZE, films=True)
    sensor.open()
    return sensor


@pytest.fixture
def mask():
    """The one in force; its `on` may be changed."""
    return SimpleNamespace(on=LEFT)


@pytest.fixture
def film(sensor, mask):
    return FilmSource(sensor, lambda: mask.on, SIZE)


@pytest.fixture
def units():
    return []


def names(mock):
    return [name for name, _, _ in mock.mock_calls]


def started(camera, nth=0):
    """Encoder, output and stream that picamera2 was given."""
    call = camera.start_encoder.call_args_list[nth]
    encoder, output = call.args
    return encoder, output, call.kwargs["name"]


class Request:
    """A CompletedRequest over a buffer of ours, as far as MappedArray reads it; `padding` bytes end each line."""

    def __init__(self, real, padding=0):
        width, height = SIZE
        stride = width * 3 + padding
        self.buffer = bytearray(b"\x80" * (stride * height))
        self.stream_map = {"main": "stream"}
        self.request = SimpleNamespace(buffers={"stream": "framebuffer"})
        self.config = {"main": {"format": "RGB888", "size": SIZE, "stride": stride}}
        self.picam2 = SimpleNamespace(allocator=self, helpers=real.request.Helpers(None))
        self.stride = stride

    def sync(self, allocator, framebuffer, write):
        assert (framebuffer, write) == ("framebuffer", True)
        return contextlib.nullcontext(self.buffer)

    def picture(self):
        lines = numpy.frombuffer(self.buffer, numpy.uint8).reshape(SIZE[1], self.stride)[:, : SIZE[0] * 3]
        return Image.frombytes("RGB", SIZE, lines.tobytes())


def test_a_film_has_two_buffers_more_than_single_pictures(sensor, camera):
    assert camera.create_video_configuration.call_args.kwargs["buffer_count"] == 4


def test_the_encoder_runs_on_the_stream_of_the_single_pictures_with_a_key_frame_each_two_seconds(film, camera, units):
    film.start(units.append)
    encoder, _, name = started(camera)
    assert name == "main"
    assert (encoder.bitrate, encoder.iperiod, encoder.repeat) == (2_000_000, 30, True)
    camera.set_controls.assert_called_once_with({"FrameDurationLimits": (1_000_000 // FPS, 200_000)})
    assert names(camera).count("configure") == 1, "single pictures go on undisturbed"


def test_the_mask_is_in_place_before_the_encoder_is_and_until_it_is_gone(film, camera, units):
    worn = []
    camera.start_encoder.side_effect = lambda *_, **__: worn.append(camera.pre_callback)
    camera.stop_encoder.side_effect = lambda *_: worn.append(camera.pre_callback)
    film.start(units.append)
    film.stop()
    assert len(worn) == 2
    assert all(callable(one) for one in worn)
    assert camera.pre_callback is None


@pytest.mark.parametrize("padding", [0, 64])
def test_each_picture_is_masked_in_its_own_buffer_as_a_single_picture_is(real, film, camera, units, padding):
    film.start(units.append)
    request = Request(real, padding)
    camera.pre_callback(request)
    expected = Image.new("RGB", SIZE, (0x80, 0x80, 0x80))
    LEFT.burn(expected)
    assert request.picture().tobytes() == expected.tobytes()
    assert expected.getpixel((0, 0)) == (0, 0, 0)


def test_a_mask_that_the_installer_changes_holds_from_the_next_picture_on(real, film, mask, camera, units):
    film.start(units.append)
    camera.pre_callback(Request(real))
    mask.on = Mask([[(0, 0), (1, 0), (1, 1), (0, 1)]])
    request = Request(real)
    camera.pre_callback(request)
    assert request.picture().getextrema() == ((0, 0),) * 3


class Theirs:
    """What picamera2's own process_requests reads of a Picamera2, with one picture that has just come."""

    def __init__(self, callback, seen):
        self.pre_callback, self.post_callback = callback, None
        self.lock, self._requestslock = threading.Lock(), threading.Lock()
        self.frames, self._max_queue_len, self.configure_count = 0, 1, 0
        self.completed_requests, self._job_list = [], []
        self.stream_map = {"main": "stream"}
        encoder = MagicMock()
        encoder.name = "main"
        encoder.encode.side_effect = lambda _stream, _request: seen.append("encoded")
        self._encoders = {encoder}

    def shown(self, real):
        """Have the real code process the picture."""
        success = sys.modules["libcamera"].FrameMetadata.Status.Success
        request = MagicMock(config={"display": None}, configure_count=0)
        request.request.buffers = {"stream": SimpleNamespace(metadata=SimpleNamespace(status=success))}
        self._requests = [request]
        real.Picamera2.process_requests(self, None)


def test_in_picamera2_s_own_code_the_mask_comes_before_the_encoder(real):
    seen = []
    Theirs(lambda _request: seen.append("masked"), seen).shown(real)
    assert seen == ["masked", "encoded"]


def test_in_picamera2_s_own_code_a_picture_whose_mask_fails_reaches_no_encoder(real):
    def fails(_request):
        raise RuntimeError("failed to find buffer")

    seen = []
    with pytest.raises(RuntimeError, match="failed to find buffer"):
        Theirs(fails, seen).shown(real)
    assert seen == []


def test_in_picamera2_s_own_code_an_encoder_is_added_under_the_lock_that_pictures_are_processed_under(real):
    theirs = Theirs(None, [])
    theirs.camera_configuration = lambda: {"main": {"size": SIZE, "format": "RGB888", "stride": SIZE[0] * 3}}
    theirs.camera_ctrl_info = {"FrameDurationLimits": (0, SimpleNamespace(min=50_000))}
    encoder = MagicMock()
    with theirs.lock:
        adding = threading.Thread(target=real.Picamera2.start_encoder, args=(theirs, encoder), kwargs={"name": "main"})
        adding.start()
        adding.join(0.05)
        assert encoder not in theirs._encoders
    adding.join(10)
    assert encoder in theirs._encoders


def test_a_picture_that_cannot_be_masked_is_not_passed_on(real, film, camera, units):
    film.start(units.append)
    request = Request(real)
    request.buffer = None
    request.picam2.allocator = SimpleNamespace(sync=lambda *_: contextlib.nullcontext(None))
    with pytest.raises(RuntimeError, match="failed to find buffer"):
        camera.pre_callback(request)


def test_what_the_encoder_makes_arrives_with_the_sensor_s_time(film, camera, units):
    film.start(units.append)
    encoder, output, _ = started(camera)
    encoder.firsttimestamp = 5_000_000  # set by picamera2 at its first picture, in us
    output.outputframe(b"\x00\x00\x00\x01\x65", True, 0, None, False)
    output.outputframe(b"\x00\x00\x00\x01\x41", False, 66_667)
    assert units == [
        AccessUnit(b"\x00\x00\x00\x01\x65", True, 5_000_000_000),
        AccessUnit(b"\x00\x00\x00\x01\x41", False, 5_066_667_000),
    ]


def test_a_key_frame_is_asked_of_the_encoder_that_runs(film, camera, units):
    film.key_frame()
    film.start(units.append)
    encoder, _, _ = started(camera)
    film.key_frame()
    assert encoder._key_frames_requested == 1


def test_stopping_is_safe_to_repeat_and_gives_the_single_pictures_their_rate_back(film, camera, units):
    film.start(units.append)
    encoder, output, _ = started(camera)
    film.stop()
    film.stop()
    camera.stop_encoder.assert_called_once_with(encoder)
    camera.set_controls.assert_called_with({"FrameDurationLimits": FRAME_US})
    output.outputframe(b"late", True, 0)
    assert units == []


def test_a_camera_that_is_off_does_not_film(film, sensor, camera, units):
    sensor.close()
    with pytest.raises(PartError, match="camera: found off; want an open camera"):
        film.start(units.append)
    sensor.open()
    camera.start_encoder.assert_not_called()


def test_closing_the_camera_ends_the_film_first_and_opening_it_again_goes_on(film, sensor, camera, units):
    film.start(units.append)
    sensor.close()
    assert names(camera).index("stop_encoder") < names(camera).index("close")
    sensor.open()
    assert camera.start_encoder.call_count == 2
    _, output, _ = started(camera, 1)
    output.outputframe(b"again", True, 0)
    assert [one.annexb for one in units] == [b"again"]
    film.stop()


def test_an_encoder_that_does_not_start_is_named_and_single_pictures_go_on(film, sensor, camera, units):
    camera.start_encoder.side_effect = FileNotFoundError(errno.ENOENT, "No such file or directory", "/dev/video11")
    with pytest.raises(PartError, match=r"camera filming: found .*/dev/video11"):
        film.start(units.append)
    assert sensor.capture().size == SIZE
    assert camera.pre_callback is None


def test_an_encoder_that_wants_a_package_names_it(film, camera, units, monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2.encoders", None)
    with pytest.raises(PartError, match="camera filming: .*sudo apt install python3-av"):
        film.start(units.append)
    camera.start_encoder.assert_not_called()


def test_a_film_that_does_not_go_on_after_a_reopening_leaves_the_single_pictures(film, sensor, camera, units, caplog):
    film.start(units.append)
    camera.start_encoder.side_effect = RuntimeError("Failed")
    sensor.open()
    assert "camera filming: found RuntimeError: Failed" in caplog.text
    assert sensor.capture().size == SIZE


def test_what_ending_a_film_raises_is_logged_and_the_camera_closes(film, sensor, camera, units, caplog):
    film.start(units.append)
    camera.stop_encoder.side_effect = RuntimeError("Encoder already stopped")
    sensor.close()
    assert "camera ending a film: found RuntimeError: Encoder already stopped" in caplog.text
    assert names(camera)[-1] == "close"


def test_where_picamera2_is_not_installed_the_film_says_so(film, monkeypatch, real):
    film.require()
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(PartError, match="sudo apt install python3-picamera2"):
        film.require()
