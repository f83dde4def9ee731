"""The sensor's calls against picamera2's own code and signatures, without a Pi; see conftest.py."""

import errno
import gc
import os
import subprocess
import sys
import weakref
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from edge.camera.eye import TAKEN_NS
from edge.camera.sensor import Sensor
from edge.errors import PartError

SIZE = (64, 48)


@pytest.fixture
def sensor(picamera2):
    sensor = Sensor(1280, 720)
    sensor.open()
    return sensor


def chained(text, cause):
    """An error that was raised while another was handled, as picamera2 does it."""
    err = RuntimeError(text)
    err.__cause__ = cause
    return err


def names(mock):
    return [name for name, _, _ in mock.mock_calls]


def test_the_sensor_is_configured_for_fresh_rgb_pictures_and_started(sensor, camera):
    (call,) = camera.create_video_configuration.call_args_list
    assert call.kwargs["main"] == {"format": "RGB888", "size": (1280, 720)}
    assert call.kwargs["queue"] is False
    assert call.kwargs["raw"] is call.kwargs["display"] is call.kwargs["encode"] is None
    assert call.kwargs["buffer_count"] == 2
    camera.configure.assert_called_once_with(camera.create_video_configuration.return_value)
    camera.start.assert_called_once_with()
    assert names(camera).index("configure") < names(camera).index("start")


@pytest.mark.parametrize(
    ("native", "wanted", "readout"),
    [
        ((3280, 2464), (1280, 720), (1640, 1232)),  # imx219: all of the view, binned
        ((4608, 2592), (1280, 720), (2304, 1296)),  # imx708
        ((2592, 1944), (1920, 1080), (2592, 1944)),  # ov5647: binned would be too small
    ],
)
def test_the_sensor_reads_out_all_of_its_view(picamera2, camera, native, wanted, readout):
    camera.sensor_resolution = native
    Sensor(*wanted).open()
    assert camera.create_video_configuration.call_args.kwargs["sensor"] == {"output_size": readout}


def test_a_picture_is_rgb_of_the_configured_size_and_says_when_it_was_taken(sensor, camera):
    picture = sensor.capture()
    assert (picture.mode, picture.size) == ("RGB", (1280, 720))
    assert picture.info[TAKEN_NS] == 123_456_789
    camera.captured_request.assert_called_once_with(wait=5.0)


def test_a_picture_without_a_sensor_time_states_none(sensor, camera):
    camera.request.get_metadata.return_value = {}
    assert TAKEN_NS not in sensor.capture().info


def test_closing_empties_the_queue_first_and_is_safe_to_repeat(sensor, camera):
    sensor.close()
    sensor.close()
    assert names(camera)[-2:] == ["cancel_all_and_flush", "close"]
    assert names(camera).count("close") == 1


def test_a_sensor_that_was_never_opened_can_be_closed_but_not_used():
    sensor = Sensor(1280, 720)
    sensor.close()
    with pytest.raises(PartError, match="found not open"):
        sensor.capture()


def test_opening_again_gives_the_first_camera_back(sensor, camera, picamera2):
    sensor.open()
    assert names(camera).count("close") == 1
    assert picamera2.call_count == 2


def test_what_closing_raises_is_logged_and_the_camera_let_go(sensor, camera, caplog):
    camera.close.side_effect = RuntimeError("Failed to release camera")
    sensor.close()
    assert "camera closing: found RuntimeError: Failed to release camera" in caplog.text
    with pytest.raises(PartError, match="found not open"):
        sensor.capture()


def test_what_picamera2_leaves_in_reference_cycles_is_gone_once_the_sensor_is_closed(sensor, camera):
    class Selector:
        """Like the two that picamera2's threads leave behind."""

    left = Selector()
    left.itself = left
    gone = weakref.ref(left)
    del left
    gc.disable()
    try:
        sensor.close()
        assert gone() is None
    finally:
        gc.enable()


def test_a_camera_that_is_not_there_is_looked_for_again_and_then_named_absent(picamera2):
    picamera2.global_camera_info.return_value = []
    with pytest.raises(PartError, match=r"found none; want a camera that libcamera sees\. Power off"):
        Sensor(1280, 720).open()
    picamera2._cm.reset.assert_called_once_with()
    picamera2.assert_not_called()


def test_a_camera_whose_driver_came_up_late_is_found(picamera2, camera):
    picamera2.global_camera_info.side_effect = [[], [{"Num": 0}]]
    Sensor(1280, 720).open()
    camera.start.assert_called_once_with()


BUSY = RuntimeError("Failed to acquire camera: Device or resource busy")


@pytest.mark.parametrize(
    ("raised", "says"),
    [
        (chained("Camera __init__ sequence did not complete.", BUSY), r"in use .*busy.*fuser"),
        (RuntimeError("camera.acquire() returned unexpected code: -16: Device or resource busy"), "in use"),
        (IndexError("list index out of range"), "want a camera that libcamera sees"),
        (RuntimeError('No camera number 0 found - use "rpicam-hello"'), "want a camera that libcamera sees"),
        (RuntimeError("Camera(s) not found (Do not forget ...)"), "want a camera that libcamera sees"),
        (PermissionError(errno.EACCES, "Permission denied", "/dev/dma_heap/linux,cma"), "SupplementaryGroups=video"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "Restart doorunit"),
        (RuntimeError("failed to allocate capture buffers for stream 0"), "Restart doorunit"),
        (RuntimeError("Could not open any dmaHeap device"), "RuntimeError: Could not open any dmaHeap.*rpicam-hello"),
        (ValueError("Bad key 'x'"), "ValueError: Bad key"),
        (KeyError(0), "KeyError: 0"),
        (AssertionError(), "AssertionError"),
    ],
)
def test_whatever_opening_raises_is_named_by_its_cause_with_a_remedy(picamera2, raised, says):
    picamera2.side_effect = raised
    with pytest.raises(PartError, match=f"camera opening: .*{says}"):
        Sensor(1280, 720).open()


@pytest.mark.parametrize("step", ["create_video_configuration", "configure", "start"])
def test_a_camera_that_does_not_start_is_given_back(picamera2, camera, step):
    getattr(camera, step).side_effect = RuntimeError("Configuration failed")
    with pytest.raises(PartError, match="camera starting: found RuntimeError: Configuration failed"):
        Sensor(1280, 720).open()
    assert names(camera)[-1] == "close"


@pytest.mark.parametrize(
    ("raised", "says"),
    [
        (TimeoutError(), r"found no picture within 5 s; want one within 0\.2 s\. Power off"),
        (CancelledError(), "CancelledError"),
        (RuntimeError("Stream format NV12 not supported for PIL images"), "NV12 not supported"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
    ],
)
def test_whatever_a_capture_raises_is_named_and_the_sensor_can_still_be_closed(sensor, camera, raised, says):
    camera.captured_request.return_value.__enter__.side_effect = raised
    with pytest.raises(PartError, match=f"camera taking a picture: .*{says}"):
        sensor.capture()
    sensor.close()
    assert names(camera)[-2:] == ["cancel_all_and_flush", "close"]


@pytest.mark.parametrize(
    "raised", [ModuleNotFoundError("No module named 'libcamera'"), ValueError("numpy.dtype size changed")]
)
def test_picamera2_that_cannot_be_imported_is_named_with_the_command_that_installs_it(real, monkeypatch, raised):
    class Refuses:
        def __getattr__(self, name):
            raise raised

    monkeypatch.setitem(sys.modules, "picamera2", Refuses())
    with pytest.raises(PartError, match=f"found {raised}; .*sudo apt install python3-picamera2"):
        Sensor(1280, 720).open()


def test_picamera2_that_is_not_installed_is_named_so(real, monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(PartError, match="sudo apt install python3-picamera2"):
        Sensor(1280, 720).open()


def test_importing_the_sensor_does_not_import_picamera2():
    code = "import sys, edge.camera.sensor; sys.exit('picamera2' in sys.modules or 'libcamera' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- picamera2's own constructor, over a stand-in for libcamera


NO_HEAP = RuntimeError("Could not open any dmaHeap device")


def attached(real, monkeypatch, *cameras, event_fd=-1):
    """Let the real Picamera2 see these cameras, and no dma heap."""
    manager = MagicMock(cameras=list(cameras), event_fd=event_fd)
    monkeypatch.setattr(real.picamera2.Picamera2._cm, "_cms", manager)
    monkeypatch.setattr(real.picamera2.Picamera2._cm, "reset", lambda: None)
    monkeypatch.setattr(real.picamera2, "DmaAllocator", MagicMock(side_effect=NO_HEAP))


def a_camera():
    """libcamera's Camera, with one raw mode: as much as the constructor reads."""
    camera = MagicMock(id="/base/soc/i2c0mux/i2c@1/imx219@10", controls={}, properties={})
    formats = camera.generate_configuration.return_value.at.return_value.formats
    formats.pixel_formats = ["SRGGB10_CSI2P"]
    formats.sizes.return_value = [SimpleNamespace(width=3280, height=2464)]
    return camera


def open_files():
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def tried(times):
    for _ in range(times):
        with pytest.raises(PartError) as caught:
            Sensor(1280, 720).open()
        message = str(caught.value)
        del caught
    return message


def test_an_absent_camera_can_be_tried_for_weeks_without_losing_files(real, monkeypatch):
    attached(real, monkeypatch)
    before = open_files()
    assert "found none" in tried(30)
    assert open_files() == before


def test_a_busy_camera_can_be_tried_for_weeks_without_losing_files(real, monkeypatch):
    camera = a_camera()
    camera.acquire.side_effect = BUSY
    attached(real, monkeypatch, camera)
    before = open_files()
    assert "in use" in tried(30)
    assert camera.acquire.call_count == 30
    assert open_files() == before


def test_a_camera_that_picamera2_acquired_before_it_raised_is_released(real, monkeypatch):
    camera = a_camera()
    silent, never_written = os.pipe()  # libcamera's event descriptor, which picamera2's thread listens to
    attached(real, monkeypatch, camera, event_fd=silent)
    assert "dmaHeap" in tried(1)
    camera.acquire.assert_called_once_with()
    camera.release.assert_called_once_with()
    os.close(silent)
    os.close(never_written)
