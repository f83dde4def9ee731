import logging
import queue
import threading

import pytest
from PIL import Image

from edge.camera.eye import PAUSE_MAX_NS, TAKEN_NS, Eye
from edge.camera.mask import Mask
from edge.clock import MS, SECOND, SystemClock
from edge.errors import PartError
from edge.parts import CameraFailed, FrameTaken
from edge.sim.camera import SimCamera

EVERYTHING = Mask((((0, 0), (1, 0), (1, 1), (0, 1)),))
NOTHING = Mask(())
DEADLINE_S = 10


class Clock:
    """A boot clock that is turned by hand."""

    def __init__(self):
        self.now_ns = 1000 * SECOND

    def __call__(self):
        return self.now_ns


class Bench:
    """A camera whose every capture takes `takes_ns` of the clock and may be made to do something."""

    def __init__(self, clock, takes_ns=0):
        self.clock = clock
        self.takes_ns = takes_ns
        self.during = lambda: None
        self.stated_ns = None
        self.calls = []

    def open(self):
        self.calls.append("open")

    def capture(self):
        self.calls.append("capture")
        self.during()
        self.clock.now_ns += self.takes_ns
        image = Image.new("RGB", (16, 16), (200, 200, 200))
        if self.stated_ns is not None:
            image.info[TAKEN_NS] = self.stated_ns
        return image

    def close(self):
        self.calls.append("close")


def broken():
    raise PartError("camera", found="nothing", wanted="a picture", remedy="Look at the cable.")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def bench(clock):
    return Bench(clock)


@pytest.fixture
def posted():
    return []


@pytest.fixture
def eye(bench, clock, posted):
    return Eye(bench, NOTHING, 2.0, posted.append, clock)


def turn_for(eye, clock, seconds):
    """Turn as the thread would, with a clock that jumps to whatever the eye waits for."""
    end_ns = clock.now_ns + round(seconds * SECOND)
    while clock.now_ns < end_ns:
        clock.now_ns = min(end_ns, clock.now_ns + eye.turn())


def times(posted):
    return [f.boot_ns for f in posted if isinstance(f, FrameTaken)]


def failures(posted):
    return [f for f in posted if isinstance(f, CameraFailed)]


def test_pictures_come_evenly_and_the_time_a_picture_takes_does_not_add_up(eye, bench, clock, posted):
    bench.takes_ns = 37 * MS
    turn_for(eye, clock, 600)
    gaps = {b - a for a, b in zip(times(posted), times(posted)[1:], strict=False)}
    assert gaps == {SECOND // 2}
    assert len(times(posted)) == 1200


def test_a_picture_that_takes_too_long_costs_its_slots_and_the_next_is_on_the_grid_again(eye, bench, clock, posted):
    turn_for(eye, clock, 1)
    bench.takes_ns = 1200 * MS
    turn_for(eye, clock, 0.4)
    bench.takes_ns = 0
    turn_for(eye, clock, 2)
    start_ns = times(posted)[0]
    assert {(t - start_ns) % (SECOND // 2) for t in times(posted)} == {0}
    assert max(b - a for a, b in zip(times(posted), times(posted)[1:], strict=False)) == 1500 * MS


def test_a_picture_is_masked_before_anyone_else_has_it(bench, clock):
    seen = []
    eye = Eye(bench, EVERYTHING, 2.0, lambda f: seen.append(f.image.getextrema()), clock)
    eye.turn()
    assert seen == [((0, 0),) * 3]


def test_the_installer_s_view_is_a_copy_from_before_the_mask_and_only_while_it_is_asked_for(bench, clock):
    raw, posted = [], []
    eye = Eye(bench, EVERYTHING, 2.0, posted.append, clock)
    eye.on_raw = raw.append
    turn_for(eye, clock, 1)
    eye.on_raw = None
    turn_for(eye, clock, 1)
    assert len(raw) in (2, 3)
    assert raw[0].getpixel((8, 8)) == (200, 200, 200)
    assert all(fact.image.getpixel((8, 8)) == (0, 0, 0) for fact in posted)


def test_a_mask_that_is_drawn_while_the_camera_looks_holds_from_the_next_picture_on(eye, bench, clock, posted):
    turn_for(eye, clock, 1)
    before = len(posted)
    eye.wear((((0, 0), (1, 0), (1, 1), (0, 1)),))
    turn_for(eye, clock, 1)
    assert [fact.image.getpixel((8, 8)) for fact in (posted[before - 1], posted[-1])] == [(200, 200, 200), (0, 0, 0)]


def test_a_picture_carries_the_instant_before_it_was_asked_for(eye, bench, clock, posted):
    bench.takes_ns = 80 * MS
    asked_ns = clock.now_ns
    eye.turn()
    assert times(posted) == [asked_ns]
    assert eye.last_frame_ns == asked_ns


def test_a_picture_carries_the_instant_that_the_camera_states(eye, bench, clock, posted):
    bench.takes_ns = 80 * MS
    bench.stated_ns = clock.now_ns + 20 * MS
    eye.turn()
    assert times(posted) == [bench.stated_ns]


@pytest.mark.parametrize("stated", [-3 * SECOND, 81 * MS, 10**18])
def test_a_stated_instant_that_cannot_be_is_not_believed(eye, bench, clock, posted, stated):
    bench.takes_ns = 80 * MS
    asked_ns = clock.now_ns
    bench.stated_ns = asked_ns + stated
    eye.turn()
    assert times(posted) == [asked_ns]


def test_the_sensor_is_opened_once_and_stays_open(eye, bench, clock):
    assert not eye.sensor_open
    turn_for(eye, clock, 5)
    assert bench.calls == ["open"] + ["capture"] * 10
    assert eye.sensor_open


def test_each_failure_is_posted_once_and_the_pauses_grow_to_three_quarters_of_a_minute(eye, bench, clock, posted):
    bench.during = broken
    waits = []
    for _ in range(9):
        waits.append(eye.turn() // SECOND)
        clock.now_ns += waits[-1] * SECOND
    assert waits == [1, 2, 4, 8, 16, 32, 45, 45, 45]
    assert len(failures(posted)) == len(posted) == 9
    assert bench.calls == ["open", "capture", "close"] * 9
    assert not eye.sensor_open


def test_a_failing_camera_is_left_alone_until_its_pause_is_over(eye, bench, clock):
    bench.during = broken
    eye.turn()
    clock.now_ns += 400 * MS
    assert eye.turn() == 600 * MS
    assert bench.calls == ["open", "capture", "close"]


def test_a_camera_that_fails_soon_after_each_opening_is_tried_more_and_more_rarely(eye, bench, clock):
    waits = []
    for _ in range(7):
        bench.during = lambda: None
        turn_for(eye, clock, 3)
        bench.during = broken
        waits.append(eye.turn() // SECOND)
        clock.now_ns += waits[-1] * SECOND
    assert waits == [1, 2, 4, 8, 16, 32, 45]


def test_a_minute_of_pictures_forgives_earlier_failures(eye, bench, clock):
    bench.during = broken
    turn_for(eye, clock, 40)
    bench.during = lambda: None
    turn_for(eye, clock, 130)
    bench.during = broken
    assert eye.turn() == 1 * SECOND


def test_a_camera_that_comes_back_gives_pictures_without_being_told(eye, bench, clock, posted):
    bench.during = broken
    turn_for(eye, clock, 5)
    bench.during = lambda: None
    turn_for(eye, clock, 5)
    assert isinstance(posted[-1], FrameTaken)


def test_an_outage_is_a_warning_first_then_silence_then_one_line_with_its_length(eye, bench, clock, caplog):
    caplog.set_level(logging.INFO, "edge.camera.eye")
    bench.during = broken
    turn_for(eye, clock, 3)
    bench.during = lambda: None
    turn_for(eye, clock, 10)
    assert [r.levelname for r in caplog.records] == ["WARNING", "INFO"]
    assert "Look at the cable. (next try in 1 s)" in caplog.messages[0]
    assert caplog.messages[1] == "camera: gives pictures again after 3 s"


def test_the_failure_is_posted_before_the_sensor_is_closed_because_closing_may_hang(bench, clock):
    seen = []
    eye = Eye(bench, NOTHING, 2.0, lambda fact: seen.append((type(fact), list(bench.calls))), clock)
    bench.during = broken
    eye.turn()
    assert seen == [(CameraFailed, ["open", "capture"])]


def test_a_paused_camera_has_its_sensor_closed_and_posts_nothing(eye, bench, clock, posted):
    eye.turn()
    eye.pause()
    assert eye.turn() is None
    assert eye.turn() is None
    assert bench.calls == ["open", "capture", "close"]
    assert not eye.sensor_open
    assert len(posted) == 1


def test_a_resumed_camera_looks_at_once_even_when_it_was_failing(eye, bench, clock, posted):
    bench.during = broken
    turn_for(eye, clock, 100)
    bench.during = lambda: None
    eye.pause()
    eye.turn()
    eye.resume()
    eye.turn()
    assert isinstance(posted[-1], FrameTaken)


def test_an_eye_paused_before_its_first_turn_never_opens_the_sensor(eye, bench):
    eye.pause()
    assert eye.turn() is None
    assert bench.calls == []


@pytest.mark.parametrize("ends", [lambda: None, broken])
def test_what_was_under_way_while_the_camera_was_switched_off_is_dropped(eye, bench, posted, ends):
    def switched_off():
        eye.pause()
        ends()

    bench.during = switched_off
    assert eye.turn() == 0
    assert eye.turn() is None
    assert posted == []
    assert eye.last_frame_ns is None
    assert bench.calls == ["open", "capture", "close"]


# --- with its thread


@pytest.fixture
def facts():
    return queue.SimpleQueue()


class Landing(SimCamera):
    """The simulated camera, which also says when it has come to hang."""

    def __init__(self, *args, **kept):
        super().__init__(*args, **kept)
        self.hung = threading.Event()

    def capture(self):
        if self.fault == "hang":
            self.hung.set()
        return super().capture()


@pytest.fixture
def landing():
    return Landing(lambda: 0.0, lambda: 0, width=160, height=120)


def looking(camera, facts, fps=10.0, **kept):
    eye = Eye(camera, NOTHING, fps, facts.put, SystemClock().now, **kept)
    eye.start()
    return eye


def camera_threads():
    return [t for t in threading.enumerate() if t.name == "camera"]


def test_the_thread_posts_pictures_and_ends_with_the_sensor_closed(landing, facts):
    eye = looking(landing, facts)
    first, second = facts.get(timeout=DEADLINE_S), facts.get(timeout=DEADLINE_S)
    eye.close()
    eye.close()
    assert first.image.size == (160, 120)
    assert second.boot_ns > first.boot_ns
    assert camera_threads() == []
    assert not eye.sensor_open
    with pytest.raises(PartError, match="not open"):
        landing.capture()


def test_closing_does_not_wait_for_the_next_picture_or_the_end_of_a_pause(landing, facts):
    landing.fault = "absent"
    eye = looking(landing, facts, fps=0.2)
    assert isinstance(facts.get(timeout=DEADLINE_S), CameraFailed)
    clock = SystemClock()
    start_ns = clock.now()
    eye.close()
    assert clock.now() - start_ns < SECOND // 2
    assert camera_threads() == []


def test_pausing_and_resuming_wake_the_thread(landing, facts):
    eye = looking(landing, facts, fps=0.2)
    assert isinstance(facts.get(timeout=DEADLINE_S), FrameTaken)
    eye.pause()
    eye.resume()
    eye.pause()
    eye.resume()
    eye.close()
    assert camera_threads() == []


def test_a_sensor_that_hangs_holds_up_nobody_and_is_seen_by_the_age_of_the_last_picture(landing, facts, caplog):
    eye = looking(landing, facts, join_s=0.05)
    frame = facts.get(timeout=DEADLINE_S)
    landing.fault = "hang"
    assert landing.hung.wait(DEADLINE_S)
    while not facts.empty():
        frame = facts.get()
    assert eye.last_frame_ns == frame.boot_ns
    eye.close()
    (left,) = camera_threads()
    assert left.daemon
    assert "its thread is left" in caplog.text
    landing.close()  # the simulated hang ends here; the thread must still end in good order
    left.join(timeout=DEADLINE_S)
    assert not left.is_alive()
    assert facts.empty()


def test_a_fault_of_our_own_is_reported_and_does_not_end_the_thread(clock, facts, caplog):
    camera = Bench(clock)
    camera.during = lambda: 1 / 0
    eye = Eye(camera, NOTHING, 2.0, facts.put, clock)
    eye.start()
    fact = facts.get(timeout=DEADLINE_S)
    assert "ZeroDivisionError" in fact.error.found
    assert eye.faults == 1
    assert "Traceback" in caplog.text
    camera.during = lambda: None
    clock.now_ns += PAUSE_MAX_NS
    eye.resume()  # wakes it
    assert isinstance(facts.get(timeout=DEADLINE_S), FrameTaken)
    eye.close()
    assert camera_threads() == []


def test_an_eye_that_never_started_can_be_closed(eye, bench):
    eye.turn()
    eye.close()
    eye.close()
    assert bench.calls == ["open", "capture", "close"]
