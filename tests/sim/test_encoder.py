import queue
import subprocess
import sys

import pytest

from edge.camera.mask import Mask
from edge.clock import SystemClock
from edge.errors import PartError
from edge.sim.camera import SimCamera
from edge.sim.encoder import FPS, Encoder, SimFilm
from edge.sim.time import SimClock

WITHIN_S = 10
FRAME_NS = 1_000_000_000 // FPS


class Lens:
    """A film over the simulated landing, whose camera may be off."""

    def __init__(self, clock):
        self.on = True
        self.camera = SimCamera(lambda: 0.5, lambda: clock.read().wall_ns, width=160, height=96)
        self.film = SimFilm(self.camera, lambda: Mask([]), clock.now, lambda: self.on)
        self.units = queue.Queue()

    def next(self):
        return self.units.get(timeout=WITHIN_S)

    def silent(self):
        """Whether no picture comes within three frames' time."""
        try:
            self.units.get(timeout=3 / FPS)
        except queue.Empty:
            return True
        return False


@pytest.fixture
def lens():
    one = Lens(SystemClock())
    yield one
    one.film.stop()


@pytest.fixture
def still():
    """One whose time is turned by hand."""
    clock = SimClock()
    one = Lens(clock)
    one.clock = clock
    one.camera.open()
    return one


def test_each_picture_in_is_one_access_unit_out_with_its_time(still):
    encoder = Encoder(200_000)
    times = []
    for _ in range(5):
        times.append(still.clock.now())
        (unit,) = still.film.turn(encoder)
        assert unit.at_ns == times[-1]
        still.clock.turn(FRAME_NS)


def test_a_film_begins_with_a_key_frame_and_has_one_each_two_seconds(still):
    encoder = Encoder(200_000)
    units = []
    for _ in range(4 * FPS + 1):
        units += still.film.turn(encoder)
        still.clock.turn(FRAME_NS)
    assert [i for i, unit in enumerate(units) if unit.key] == [0, 30, 60]


def test_a_key_frame_brings_its_parameter_sets(still):
    (unit,) = still.film.turn(Encoder(200_000))
    kinds = [part[0] & 31 for part in unit.annexb.split(b"\x00\x00\x01")[1:]]
    assert kinds[:2] == [7, 8]
    assert 5 in kinds


def test_a_key_frame_comes_when_it_is_asked_for(still):
    encoder = Encoder(200_000)
    keys = []
    for i in range(6):
        if i == 3:
            still.film.key_frame()
        keys += [unit.key for unit in still.film.turn(encoder)]
        still.clock.turn(FRAME_NS)
    assert keys == [True, False, False, True, False, False]


def test_while_the_unit_s_camera_is_off_nothing_is_filmed(still):
    still.on = False
    assert still.film.turn(Encoder(200_000)) == []


def test_a_film_runs_until_it_is_stopped_and_may_run_again(lens):
    for _ in range(2):
        lens.film.start(lens.units.put)
        assert lens.next().key
        lens.next()
        lens.film.stop()
        lens.film.stop()
        lens.units = queue.Queue()
    with pytest.raises(queue.Empty):
        lens.units.get(timeout=2 / FPS)


def test_a_camera_that_is_off_does_not_film(lens):
    lens.on = False
    with pytest.raises(PartError, match="camera: found off"):
        lens.film.start(lens.units.put)


def test_an_absent_camera_does_not_film(lens):
    lens.camera.fault = "absent"
    with pytest.raises(PartError, match="simulated camera: found none"):
        lens.film.start(lens.units.put)


def test_a_camera_that_fails_while_it_films_is_silent_until_it_is_well_again(lens):
    lens.film.start(lens.units.put)
    lens.next()
    lens.camera.fault = "absent"
    assert any(lens.silent() for _ in range(10))
    lens.camera.fault = None
    lens.next()


def test_where_pyav_is_not_installed_the_film_says_so(lens, monkeypatch):
    lens.film.require()
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(PartError, match=r"pip install 'doorunit\[live\]'"):
        lens.film.start(lens.units.put)


def test_importing_the_encoder_does_not_import_pyav():
    code = "import sys, edge.sim.encoder; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
