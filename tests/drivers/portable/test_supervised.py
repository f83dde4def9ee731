"""The contact with end-of-line resistors, from shares and time alone. Runs on both Pythons."""

from drivers.supervised import (
    CUT,
    FOREIGN,
    LIMITS,
    OPEN,
    OVER,
    SHORT,
    SHUT,
    UNREST,
    Supervised,
    limits,
    per_mille,
)
from tests.drivers.portable.bench import said

# The share of each state with four resistors alike, worked out by hand.
SHARES = {SHORT: 0, FOREIGN: 333, SHUT: 500, OPEN: 667, CUT: 1000, OVER: 1500}
STEP_MS = 20


def play(line, shares, from_ms=0):
    """[(when, report)] for one share each 20 ms."""
    told = [(from_ms + i * STEP_MS, line.sample(from_ms + i * STEP_MS, share)) for i, share in enumerate(shares)]
    return [(at, report) for at, report in told if report]


def resting(state):
    line = Supervised(settle_ms=100, chatter_ms=1000)
    play(line, [SHARES[state]] * 10, -1000)
    assert line.state == state
    return line


def test_each_state_is_told_by_its_share_and_only_two_tell_of_the_door():
    for state, share in SHARES.items():
        line = Supervised(settle_ms=100)
        ((at, report),) = play(line, [share] * 50)
        assert (at, report.state, report.first_ms, report.per_mille, report.was) == (100, state, 0, share, None)
        assert report.closed is line.closed is {SHUT: True, OPEN: False}.get(state)


def test_a_foreign_magnet_at_an_open_door_is_foreign_too():
    ((_, report),) = play(Supervised(), [400] * 50)
    assert report.state == FOREIGN


def test_every_way_from_state_to_state_is_one_report_with_the_time_it_began():
    for before in SHARES:
        for after in SHARES:
            told = play(resting(before), [SHARES[before]] * 5 + [SHARES[after]] * 50)
            want = [] if before == after else [(200, after, 100, before)]
            assert [(at, r.state, r.first_ms, r.was) for at, r in told] == want


def test_a_bounce_shorter_than_the_settle_time_is_nothing():
    assert play(resting(SHUT), ([500] * 10 + [667] * 4) * 20) == []


def test_a_bouncing_opening_is_one_report_from_its_first_change():
    ((_, report),) = play(resting(SHUT), [500, 667, 500, 667, 667, 500] + [667] * 20)
    assert (report.state, report.first_ms) == (OPEN, STEP_MS)


def test_a_glitch_does_not_lend_its_time_to_an_opening_after_it():
    ((_, report),) = play(resting(SHUT), [667] * 2 + [500] * 10 + [667] * 10)
    assert report.first_ms == 12 * STEP_MS


def test_a_line_that_never_rests_is_unrest_once_and_then_what_it_rests_at():
    told = play(resting(SHUT), [500, 667] * 100 + [500] * 20)
    assert [r.state for _, r in told] == [UNREST, SHUT]
    assert told[0][0] == 1000 + STEP_MS
    assert told[0][1].closed is None


def test_a_share_that_wavers_about_a_limit_stays_where_it_is():
    limit = LIMITS[2][0]
    for state, other in ((SHUT, 12), (OPEN, -11)):
        assert play(resting(state), [limit, limit + other] * 100) == []


def test_a_share_that_passes_the_limit_by_the_hysteresis_goes_over():
    ((_, report),) = play(resting(SHUT), [LIMITS[2][0] + 13] * 20)
    assert report.state == OPEN


def test_resistors_of_one_per_cent_and_a_contact_of_ten_ohms_tell_the_same_states():
    for pull, line, alarm in ((2178, 2222, 2222), (2222, 2178, 2178), (2222, 2178, 2222)):
        for state, ohm in ((SHUT, line + 10), (OPEN, line + alarm)):
            ((_, report),) = play(Supervised(), [1000 * ohm // (ohm + pull)] * 50)
            assert report.state == state


def test_after_it_was_forgotten_the_next_rest_is_told_again():
    line = resting(SHUT)
    line.forget()
    assert line.closed is None
    ((_, report),) = play(line, [500] * 20)
    assert (report.state, report.was) == (SHUT, None)


def test_a_clock_that_wraps_in_between_changes_nothing():
    period = 1 << 30

    def diff(later, earlier):
        return (later - earlier + period // 2) % period - period // 2

    line = Supervised(settle_ms=100, diff=diff)
    told = [line.sample((period - 50 + i * STEP_MS) % period, 500) for i in range(20)]
    assert [(i, r.state, r.first_ms) for i, r in enumerate(told) if r] == [(5, SHUT, period - 50)]


def test_asked_as_often_as_it_says_a_state_is_told_within_two_settle_times():
    line = Supervised(settle_ms=100)
    at = 0
    while line.sample(at, 500) is None:
        at += line.wait_ms()
    assert at == 100


def test_a_share_is_the_input_over_the_supply_rounded():
    assert [per_mille(mv, 3300) for mv in (0, 1650, 3300, 2200, 5000)] == [0, 500, 1000, 667, 1515]
    for supply_mv in (0, -5):
        assert "want more than 0" in said(ValueError, per_mille, 100, supply_mv)


def test_other_resistors_make_another_table_and_those_that_blur_are_refused():
    assert limits(1000, 1000, 1000, 1000) == LIMITS
    assert limits(4700, 4700, 10_000, 4700) != LIMITS
    for ohms in ((2200, 2200, 100, 2200), (2200, 100, 2200, 2200), (100, 2200, 2200, 2200), (2200, 2200, 2200, 99_999)):
        assert "want 60 between them" in said(ValueError, limits, *ohms)


def test_settings_that_cannot_work_are_refused():
    for settle_ms, chatter_ms in ((0, 100), (100, 100), (-1, 5)):
        assert "want 1 to below chatter_ms" in said(ValueError, Supervised, settle_ms, chatter_ms)
    for hysteresis in (-1, 26):
        assert "want 0 to 25" in said(ValueError, Supervised, 100, 3000, hysteresis)
