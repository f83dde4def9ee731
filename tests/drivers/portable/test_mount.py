"""Whether the unit left its wall, from milli-g and time alone. Runs on both Pythons."""

import math

from drivers.lis3dh import IN_PLACE, REMOVED, TILTED, Mount, _cos2_ppm
from tests.drivers.portable.bench import said

UPRIGHT = (0, -1000, 0)
ASKEW = (500, -866, 0)  # 30 degrees
STEP_MS = 100


def hanging():
    return Mount(UPRIGHT, tilt_deg=15, stir_mg=80, hold_ms=1500)


def play(mount, readings, from_ms=0, step_ms=STEP_MS):
    """[(when, new state)] for one reading each step."""
    told = [(from_ms + i * step_ms, mount.sample(from_ms + i * step_ms, r)) for i, r in enumerate(readings)]
    return [(at, state) for at, state in told if state is not None]


def carried(steps):
    """In a hand: off upright, and never still."""
    return [((600, -700, 300), (300, -600, 700))[i % 2] for i in range(steps)]


def test_a_unit_on_its_wall_tells_nothing():
    mount = hanging()
    assert play(mount, [(i % 7 - 3, -1000 + i % 5, 2) for i in range(1000)]) == []
    assert mount.state == IN_PLACE


def test_a_slammed_door_shakes_the_wall_and_is_no_removal():
    assert play(hanging(), ([(0, -1400, 300), (0, -600, -300)] * 7 + [UPRIGHT] * 20) * 5) == []


def test_a_unit_that_hangs_askew_is_tilted_once_it_has_lasted():
    mount = hanging()
    assert play(mount, [UPRIGHT] * 5 + [ASKEW] * 40) == [(500 + 1500, TILTED)]


def test_a_smaller_angle_than_was_asked_for_is_no_tilt():
    assert play(hanging(), [(242, -970, 0)] * 50) == []  # 14.0 degrees
    assert play(hanging(), [(276, -961, 0)] * 50) == [(1500, TILTED)]  # 16.0 degrees


def test_a_unit_in_a_hand_is_removed():
    mount = hanging()
    assert play(mount, [UPRIGHT] * 3 + carried(40)) == [(300 + 1500, REMOVED)]
    assert mount.state == REMOVED


def test_a_unit_that_hung_askew_and_is_then_carried_off_is_removed():
    assert play(hanging(), [ASKEW] * 40 + carried(40)) == [(1500, TILTED), (4000 + 1500, REMOVED)]


def test_a_removed_unit_that_lies_still_on_a_table_is_not_back():
    mount = hanging()
    assert [state for _, state in play(mount, carried(40) + [(0, 0, 1000)] * 100)] == [REMOVED]


def test_a_unit_that_is_put_back_and_let_go_is_in_place_again():
    mount = hanging()
    told = play(mount, carried(40) + [UPRIGHT] * 60)
    assert [state for _, state in told] == [REMOVED, IN_PLACE]
    assert mount.state == IN_PLACE


def test_a_fall_has_no_angle_and_counts_as_off():
    assert [state for _, state in play(hanging(), [(0, 0, 0), (0, -90, 0)] * 20)] == [REMOVED]


def test_a_clock_that_wraps_in_between_changes_nothing():
    period = 1 << 30

    def diff(later, earlier):
        return (later - earlier + period // 2) % period - period // 2

    mount = Mount(UPRIGHT, diff=diff)
    readings = [UPRIGHT] * 5 + [ASKEW] * 40
    told = [mount.sample((period - 1000 + i * STEP_MS) % period, r) for i, r in enumerate(readings)]
    assert [(i, state) for i, state in enumerate(told) if state] == [(20, TILTED)]


def test_the_cosine_of_every_angle_is_right_to_one_in_a_hundred_thousand():
    for degrees in range(1, 61):
        assert abs(_cos2_ppm(degrees) - math.cos(math.radians(degrees)) ** 2 * 1e6) < 10


def test_a_unit_that_is_not_at_rest_cannot_be_taken_as_upright():
    for upright in ((0, 0, 0), (0, 0, 599), (1400, 0, 10)):
        assert "want a unit at rest" in said(ValueError, Mount, upright)


def test_angles_that_tell_nothing_are_refused():
    for tilt_deg in (0, 61):
        assert "want 1 to 60" in said(ValueError, Mount, UPRIGHT, tilt_deg)
