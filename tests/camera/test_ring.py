import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edge.camera.ring import Ring
from edge.clock import MS, SECOND
from edge.parts import FrameTaken

PIXEL = Image.new("RGB", (1, 1))


def frame(at_s):
    return FrameTaken(round(at_s * SECOND), PIXEL)


def seconds(frames):
    return [f.boot_ns / SECOND for f in frames]


def ring(**changed):
    return Ring(**({"before_s": 2.0, "after_s": 5.0, "fps": 2.0, "max_frames": 16} | changed))


def fed(a_ring, *times_s):
    for at_s in times_s:
        a_ring.take(frame(at_s))
    return a_ring


def steady(start_s, end_s, fps=2.0):
    return [start_s + i / fps for i in range(int((end_s - start_s) * fps) + 1)]


def test_an_opening_is_given_the_frames_from_before_it_oldest_first():
    r = fed(ring(), *steady(90, 100))
    assert seconds(r.catch("a", 100 * SECOND)) == [98, 98.5, 99, 99.5, 100]


def test_frames_taken_before_the_opening_became_known_are_given_at_once_too():
    r = fed(ring(), *steady(90, 100))
    assert seconds(r.catch("a", round(99.6 * SECOND))) == [98, 98.5, 99, 99.5, 100]


def test_a_frame_that_came_before_the_opening_became_known_pushes_none_out():
    r = fed(ring(before_s=1.75), *steady(90, 100))
    assert seconds(r.catch("a", round(99.7 * SECOND))) == [98, 98.5, 99, 99.5, 100]


def test_a_frame_a_little_early_pushes_none_out():
    r = fed(ring(before_s=2.49), 98, 98.5, 99, 99.5, 100, 100.49)
    assert seconds(r.catch("a", round(100.49 * SECOND))) == [98, 98.5, 99, 99.5, 100, 100.49]


def test_frames_from_after_the_opening_are_handed_on_as_they_come():
    r = ring()
    r.catch("a", 100 * SECOND)
    assert r.take(frame(100.2)) == [("a", frame(100.2))]
    assert r.take(frame(105)) == [("a", frame(105))]


def test_a_frame_later_than_the_window_belongs_to_nothing():
    r = ring()
    r.catch("a", 100 * SECOND)
    assert r.take(FrameTaken(105 * SECOND + 1, PIXEL)) == []


def test_a_frame_from_before_the_opening_that_arrives_after_it_still_belongs():
    r = fed(ring(), 99)
    r.catch("a", 100 * SECOND)
    assert r.take(frame(99.9)) == [("a", frame(99.9))]


def test_a_frame_belongs_to_every_opening_whose_window_it_is_in():
    r = ring()
    r.catch("a", 100 * SECOND)
    r.catch("b", 103 * SECOND)
    assert [k for k, _ in r.take(frame(103.5))] == ["a", "b"]
    assert [k for k, _ in r.take(frame(106))] == ["b"]


def test_an_opening_is_done_once_its_window_is_over_and_only_once():
    r = ring()
    r.catch("a", 100 * SECOND)
    assert r.done(105 * SECOND) == []
    assert r.due_ns() == 105 * SECOND + 1
    assert r.done(105 * SECOND + 1) == ["a"]
    assert r.done(200 * SECOND) == []
    assert r.due_ns() is None


def test_an_opening_is_done_as_soon_as_it_has_all_the_frames_it_may_have():
    r = ring(max_frames=2)
    r.catch("a", 100 * SECOND)
    r.take(frame(100.1))
    assert r.done(101 * SECOND) == []
    r.take(frame(100.6))
    assert r.take(frame(101.1)) == []
    assert r.done(101 * SECOND) == ["a"]


def test_too_many_frames_from_before_are_cut_to_the_ones_nearest_the_opening():
    r = fed(ring(max_frames=4), *steady(90, 100))
    assert seconds(r.catch("a", 100 * SECOND)) == [99.5, 100]


def test_the_side_before_gets_what_the_side_after_will_leave_over():
    r = fed(ring(max_frames=14), *steady(90, 100))
    assert seconds(r.catch("a", 100 * SECOND)) == [98, 98.5, 99, 99.5, 100]
    r = fed(ring(max_frames=14, after_s=0.0), *steady(90, 100))
    assert len(r.catch("a", 100 * SECOND)) == 5


def test_frames_that_were_not_there_before_leave_their_room_to_those_after():
    r = ring(max_frames=6)
    assert r.catch("a", 100 * SECOND) == []
    taken = [f for at_s in steady(100.1, 105) for _, f in r.take(frame(at_s))]
    assert seconds(taken) == [100.1, 100.6, 101.1, 101.6, 102.1, 102.6]


def test_one_frame_at_most_is_the_first_one_after():
    r = fed(ring(max_frames=1), 99, 99.5)
    assert r.catch("a", 100 * SECOND) == []
    assert r.take(frame(100.2)) == [("a", frame(100.2))]
    assert r.take(frame(100.7)) == []


def test_a_key_in_use_is_refused_and_its_opening_goes_on():
    r = ring()
    r.catch("a", 100 * SECOND)
    with pytest.raises(ValueError, match="opening 'a': found one collecting"):
        r.catch("a", 101 * SECOND)
    assert r.take(frame(104.5)) == [("a", frame(104.5))]


def test_a_ring_for_late_openings_looks_back_further_and_waits_longer():
    r = fed(ring(late_s=3.0), *steady(90, 103))
    assert seconds(r.catch("a", 100 * SECOND)) == steady(98, 103)
    assert r.done(105 * SECOND + 1) == []
    assert r.done(108 * SECOND + 1) == ["a"]


def test_frames_out_of_order_are_put_in_order():
    r = fed(ring(), 99, 98.5, 99.5, 98)
    assert seconds(r.catch("a", 100 * SECOND)) == [98, 98.5, 99, 99.5]


def test_frames_of_a_camera_that_stopped_are_forgotten_in_time():
    r = fed(ring(), *steady(90, 100))
    r.done(103 * SECOND)
    assert len(r) == 0


def test_clearing_drops_every_frame_and_names_the_openings_cut_short():
    r = fed(ring(), 99, 99.5)
    r.catch("a", 100 * SECOND)
    assert r.clear() == ["a"]
    assert len(r) == 0
    assert r.take(frame(101)) == []
    assert r.done(200 * SECOND) == []


def test_no_frames_from_before_are_kept_when_none_are_wanted():
    r = fed(ring(before_s=0.0), *steady(90, 100))
    assert len(r) <= 2
    assert seconds(r.catch("a", round(100.1 * SECOND))) == []


@st.composite
def histories(draw):
    """A ring's settings, when its frames are taken, and openings with the delay after which they become known."""
    fps = draw(st.sampled_from([0.2, 0.5, 1.0, 2.0, 3.0, 7.0, 10.0]))
    period_ns = round(SECOND / fps)
    late_ns = draw(st.integers(0, 3000)) * MS
    count = draw(st.integers(0, 60))
    jitter_ns = draw(st.lists(st.integers(0, period_ns // 50), min_size=count, max_size=count))
    frames = [100 * SECOND + i * period_ns + jitter for i, jitter in enumerate(jitter_ns)]
    end_ms = 100_000 + count * period_ns // MS
    at = st.integers(95_000, end_ms)
    known = st.integers(0, late_ns)
    openings = draw(st.lists(st.tuples(at.map(lambda ms: ms * MS), known), max_size=5))
    kept = {
        "before_s": draw(st.integers(0, 40)) / 4,
        "after_s": draw(st.integers(0, 120)) / 4,
        "fps": fps,
        "max_frames": draw(st.integers(1, 100)),
        "late_s": late_ns / SECOND,
    }
    return kept, frames, openings


def play(kept, frames, openings):
    """Run a history in the order in which things become known; return each opening's frame times."""
    r = Ring(**kept)
    steps = [(at_ns, 0, at_ns) for at_ns in frames]
    steps += [(at_ns + late_ns, 1, key) for key, (at_ns, late_ns) in enumerate(openings)]
    given_to = {key: [] for key in range(len(openings))}
    ended = []
    for now_ns, kind, what in sorted(steps):
        if kind == 0:
            for key, taken in r.take(FrameTaken(what, PIXEL)):
                assert key not in ended
                given_to[key].append(taken.boot_ns)
        else:
            given_to[what] += [f.boot_ns for f in r.catch(what, openings[what][0])]
        ended += r.done(now_ns)
        assert len(r) <= r.capacity <= (kept["before_s"] + kept["late_s"]) * kept["fps"] + 2
    ended += r.done(10**15)
    assert sorted(ended) == list(range(len(openings)))
    return given_to


@settings(max_examples=400, deadline=None)
@given(histories())
def test_every_opening_gets_its_window_whole_or_the_frames_nearest_to_it(history):
    kept, frames, openings = history
    before_ns, after_ns = round(kept["before_s"] * SECOND), round(kept["after_s"] * SECOND)
    foreseen = after_ns // round(SECOND / kept["fps"]) + 1
    for key, got in play(*history).items():
        at_ns = openings[key][0]
        before = [t for t in frames if at_ns - before_ns <= t <= at_ns]
        after = [t for t in frames if at_ns < t <= at_ns + after_ns]
        assert len(got) <= kept["max_frames"]
        assert sorted(got) == sorted(set(got))
        assert set(got) <= set(before + after)
        if len(before) + max(foreseen, len(after)) <= kept["max_frames"]:
            assert got == before + after
        got_before = [t for t in got if t <= at_ns]
        got_after = [t for t in got if t > at_ns]
        assert got_before == before[len(before) - len(got_before) :]
        assert got_after == after[: len(got_after)]
        if len(got) < kept["max_frames"]:
            assert got_after == after


@settings(max_examples=100, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_whatever_the_order_of_frames_the_ring_stays_in_order_and_bounded(history, random):
    kept, frames, _ = history
    r = Ring(**kept)
    random.shuffle(frames)
    for at_ns in frames:
        r.take(FrameTaken(at_ns, PIXEL))
        assert len(r) <= r.capacity
    held = [f.boot_ns for f in r.catch("a", max(frames, default=0))]
    assert held == sorted(held)
