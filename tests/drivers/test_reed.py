"""The reed driver by plain assertions alone: the same file runs on CPython and on MicroPython."""

from drivers.reed import FAULT, SETTLED, Reed

SHUT, OPEN = True, False
SETTLE, CHATTER, RESAMPLE = 50_000, 3_000_000, 1_000_000
SECOND = 1_000_000
PERIOD = 1 << 30  # of a board's ticks_us


def ticks_diff(later, earlier):
    """time.ticks_diff, which CPython lacks."""
    return (later - earlier + PERIOD // 2) % PERIOD - PERIOD // 2


def resting(closed, settle_us=SETTLE):
    """A reed that came to rest at `closed` at time 0."""
    reed = Reed(settle_us, CHATTER, RESAMPLE)
    reed.sample(-settle_us, closed)
    assert reed.sample(0, closed).kind == SETTLED
    return reed


def play(reed, edges, until_us, heard=None, ticks=lambda t_us: t_us):
    """Feed it as the unit does: each edge at its time, `sample` when wait_us says so. Returns the reports.

    edges: (t_us, level after it), in order; the level before the first is the reed's. heard: those that are delivered.
    """
    reports = []
    closed, now = reed.closed, 0
    due = reed.wait_us(ticks(0))
    for t_us, level in edges + [(until_us, None)]:
        while due < t_us:
            now = due
            report = reed.sample(ticks(now), closed)
            if report:
                reports.append(report)
            due = now + reed.wait_us(ticks(now))
        if level is not None:
            closed = level
            if heard is None or t_us in heard:
                reed.edge(ticks(t_us))
                due = t_us + reed.wait_us(ticks(t_us))
    return reports


def chatter(from_us, until_us, gap_us=9_000):
    """Edges that never leave the contact at rest; the first one opens it."""
    times = range(from_us, until_us, gap_us)
    return [(t_us, i % 2 == 1) for i, t_us in enumerate(times)]


def refusal(*settings):
    """What the driver says against these settings; empty where it takes them."""
    try:
        Reed(*settings)
    except ValueError as err:
        return str(err)
    return ""


# The first rest


def test_before_the_first_rest_nothing_is_known():
    reed = Reed(SETTLE)
    assert reed.closed is None
    assert reed.sample(0, SHUT) is None
    assert reed.sample(SETTLE - 1, SHUT) is None
    assert reed.closed is None


def test_the_first_rest_is_reported_though_no_edge_was_seen():
    for level in (SHUT, OPEN):
        reed = Reed(SETTLE)
        reed.sample(7, level)
        report = reed.sample(7 + SETTLE, level)
        assert (report.kind, report.closed, report.first_us, report.edges) == (SETTLED, level, 7, 0)
        assert not report.missed
        assert not report.faulty
        assert reed.closed is level


def test_a_door_that_does_not_move_is_reported_once_for_ever():
    assert play(resting(SHUT), [], 100 * SECOND) == []


# One movement, one report


def test_a_clean_opening_is_one_report_with_the_time_of_its_edge():
    (report,) = play(resting(SHUT), [(123_456, OPEN)], 3 * SECOND)
    assert report == (SETTLED, OPEN, 123_456, 123_456, 1, False, False)


def test_an_opening_is_told_as_soon_as_the_contact_has_rested_and_no_sooner():
    reed = resting(SHUT)
    reed.edge(1000)
    assert reed.sample(1000 + SETTLE - 1, OPEN) is None
    assert reed.sample(1000 + SETTLE, OPEN).closed is OPEN


def test_a_bouncing_opening_is_one_report_that_tells_the_bounce():
    (report,) = play(
        resting(SHUT), [(10_000, OPEN), (10_300, SHUT), (12_000, OPEN), (12_100, SHUT), (15_000, OPEN)], SECOND
    )
    assert report == (SETTLED, OPEN, 10_000, 15_000, 5, False, False)


def test_each_edge_begins_the_rest_anew():
    reed = resting(SHUT)
    reed.edge(0)
    reed.edge(40_000)
    assert reed.sample(SETTLE, OPEN) is None
    assert reed.sample(40_000 + SETTLE, OPEN).first_us == 0


def test_a_rattle_with_pauses_over_half_the_settle_time_is_counted_by_its_edges_alone():
    edges = [(t * 30_000, t % 2 == 0) for t in range(1, 10)]
    (report,) = play(resting(SHUT), edges, SECOND)
    assert report == (SETTLED, OPEN, 30_000, 270_000, 9, False, False)


def test_open_shut_open_with_rests_between_is_three_reports():
    reports = play(resting(SHUT), [(100_000, OPEN), (200_000, SHUT), (300_000, OPEN)], SECOND)
    assert [(r.closed, r.first_us) for r in reports] == [(OPEN, 100_000), (SHUT, 200_000), (OPEN, 300_000)]


def test_a_glitch_shorter_than_the_settle_time_is_no_opening_and_is_counted():
    reed = resting(SHUT)
    assert play(reed, [(100_000, OPEN), (103_000, SHUT), (700_000, OPEN), (703_000, SHUT)], 2 * SECOND) == []
    assert reed.glitches == 2
    assert reed.closed is SHUT


def test_an_opening_after_a_glitch_does_not_inherit_its_time():
    (report,) = play(resting(SHUT), [(100_000, OPEN), (103_000, SHUT), (700_000, OPEN)], 2 * SECOND)
    assert (report.first_us, report.edges) == (700_000, 1)


# Edges that were not delivered, or late


def test_an_opening_without_any_edge_is_found_by_sampling_and_says_so():
    (report,) = play(resting(SHUT), [(100_000, OPEN)], 3 * SECOND, heard=())
    assert report == (SETTLED, OPEN, RESAMPLE, RESAMPLE, 1, True, False)


def test_a_trailing_edge_that_the_kernel_dropped_does_not_leave_it_wrong():
    reed = resting(SHUT)
    assert play(reed, [(100_000, OPEN), (103_000, SHUT)], 2 * SECOND, heard=(100_000,)) == []
    assert (reed.closed, reed.glitches) == (SHUT, 1)


def test_an_edge_that_was_dropped_between_two_samples_begins_the_rest_anew():
    reed = resting(SHUT)
    reed.edge(0)
    assert reed.sample(25_000, SHUT) is None
    assert reed.sample(50_000, OPEN) is None  # it opened in between, and nobody said so
    assert reed.sample(50_000 + SETTLE - 1, OPEN) is None
    report = reed.sample(50_000 + SETTLE, OPEN)
    assert (report.closed, report.first_us, report.last_us, report.edges) == (OPEN, 0, 50_000, 2)


def test_an_edge_that_comes_after_the_sample_that_saw_it_keeps_its_own_time():
    reed = resting(SHUT)
    reed.sample(RESAMPLE, OPEN)
    reed.edge(RESAMPLE - 80)
    assert reed.sample(RESAMPLE - 80 + SETTLE, OPEN) == (SETTLED, OPEN, RESAMPLE - 80, RESAMPLE - 80, 1, False, False)


def test_an_edge_of_the_very_instant_of_the_sample_that_saw_it_was_not_missed():
    reed = resting(SHUT)
    reed.sample(RESAMPLE, OPEN)
    reed.edge(RESAMPLE)
    assert reed.sample(RESAMPLE + SETTLE, OPEN) == (SETTLED, OPEN, RESAMPLE, RESAMPLE, 1, False, False)


def test_a_bounce_after_a_missed_edge_does_not_make_it_seen():
    reed = resting(SHUT)
    reed.sample(RESAMPLE, OPEN)
    reed.edge(RESAMPLE + 100)
    reed.edge(RESAMPLE + 300)
    report = reed.sample(RESAMPLE + 300 + SETTLE, OPEN)
    assert report == (SETTLED, OPEN, RESAMPLE, RESAMPLE + 300, 3, True, False)


def test_an_edge_that_arrives_out_of_order_does_not_shorten_the_rest():
    reed = resting(SHUT)
    reed.edge(10_000)
    reed.edge(9_000)
    assert reed.sample(9_000 + SETTLE, OPEN) is None
    assert reed.sample(10_000 + SETTLE, OPEN).last_us == 10_000


# A contact that does not rest


def test_a_contact_that_never_rests_is_one_fault_and_not_one_opening():
    reed = resting(SHUT)
    (report,) = play(reed, chatter(500_000, 60 * SECOND), 60 * SECOND)
    assert (report.kind, report.closed, report.first_us, report.faulty) == (FAULT, None, 500_000, True)
    assert report.edges > 300
    assert reed.closed is SHUT


def test_the_fault_is_told_in_time_however_fast_the_edges_come():
    reed = resting(SHUT)
    assert play(reed, chatter(0, CHATTER, 1_000), CHATTER) == []
    assert reed.wait_us(CHATTER - 1) == 1
    assert reed.wait_us(CHATTER) == 0
    assert reed.sample(CHATTER, OPEN).kind == FAULT


def test_once_it_rests_a_faulty_contact_is_settled_even_where_it_was_before():
    for level in (SHUT, OPEN):
        reed = resting(SHUT)
        edges = chatter(500_000, 5 * SECOND) + [(5 * SECOND, level)]
        fault, settled = play(reed, edges, 9 * SECOND)
        assert fault.kind == FAULT
        assert (settled.kind, settled.closed, settled.first_us, settled.faulty) == (SETTLED, level, 500_000, True)
        assert settled.last_us == 5 * SECOND
        assert reed.glitches == 0


def test_a_second_chatter_is_a_second_fault():
    edges = chatter(0, 4 * SECOND) + [(4 * SECOND, SHUT)] + chatter(10 * SECOND, 14 * SECOND) + [(14 * SECOND, SHUT)]
    reports = play(resting(SHUT), edges, 20 * SECOND)
    assert [r.kind for r in reports] == [FAULT, SETTLED, FAULT, SETTLED]
    assert [r.first_us for r in reports] == [0, 0, 10 * SECOND, 10 * SECOND]


def test_after_a_fault_an_opening_is_no_longer_called_faulty():
    edges = chatter(0, 4 * SECOND) + [(4 * SECOND, SHUT), (8 * SECOND, OPEN)]
    assert [(r.kind, r.faulty) for r in play(resting(SHUT), edges, 20 * SECOND)][2] == (SETTLED, False)


# A contact that could not be read


def test_after_it_was_forgotten_the_next_rest_is_told_at_whatever_level():
    for level in (SHUT, OPEN):
        reed = resting(SHUT)
        reed.forget()
        assert reed.closed is None
        reed.sample(RESAMPLE, level)
        report = reed.sample(RESAMPLE + SETTLE, level)
        assert report == (SETTLED, level, RESAMPLE, RESAMPLE, 0, False, False)


def test_what_moved_or_chattered_before_it_was_forgotten_is_forgotten_too():
    reed = resting(SHUT)
    play(reed, chatter(0, 4 * SECOND), 4 * SECOND)
    reed.forget()
    (report,) = play(reed, [(5 * SECOND, OPEN)], 6 * SECOND)
    assert report == (SETTLED, OPEN, 5 * SECOND, 5 * SECOND, 1, False, False)


# When to sample


def test_at_rest_it_asks_to_be_sampled_for_edges_that_were_dropped():
    assert resting(SHUT).wait_us(123) == RESAMPLE


def test_while_it_moves_it_asks_for_a_sample_half_way_and_at_the_end():
    reed = resting(SHUT)
    reed.edge(1000)
    assert reed.wait_us(1000) == 25_000
    assert reed.wait_us(1000 + 24_999) == 1
    assert reed.wait_us(1000 + 25_000) == 25_000
    assert reed.wait_us(1000 + 49_999) == 1
    assert reed.wait_us(1000 + 50_000) == 0
    assert reed.wait_us(1000 + 70_000) == 0


def test_it_never_goes_unsampled_for_longer_than_resample_us():
    reed = Reed(1_000_000, CHATTER, 100_000)
    reed.edge(0)
    assert reed.wait_us(0) == 100_000
    assert reed.wait_us(950_000) == 50_000


def test_a_settle_time_of_one_microsecond_still_ends():
    reed = Reed(1, 2, 10)
    reed.edge(0)
    assert reed.wait_us(0) == 1
    assert reed.sample(1, OPEN).closed is OPEN


# Clocks that wrap


def test_an_opening_while_the_clock_wraps_is_one_report_with_its_first_edge():
    for start in range(PERIOD - 120_000, PERIOD + 20_000, 10_000):
        reed = Reed(SETTLE, CHATTER, RESAMPLE, ticks_diff)
        reed.sample((start - SETTLE) % PERIOD, SHUT)
        reed.sample(start % PERIOD, SHUT)
        edges = [(30_000, OPEN), (34_000, SHUT), (47_000, OPEN)]
        (report,) = play(reed, edges, SECOND, ticks=lambda t_us, start=start: (t_us + start) % PERIOD)
        first, last = (start + 30_000) % PERIOD, (start + 47_000) % PERIOD
        assert report == (SETTLED, OPEN, first, last, 3, False, False)


def test_a_rest_longer_than_the_clock_can_tell_does_no_harm():
    reed = Reed(SETTLE, CHATTER, RESAMPLE, ticks_diff)
    reed.sample(0, SHUT)
    reed.sample(SETTLE, SHUT)
    later = PERIOD // 2 + 12_345  # ticks_diff calls this earlier
    reed.edge(later)
    assert reed.sample(later + SETTLE, OPEN).first_us == later


def test_chatter_that_outlasts_the_clock_is_still_one_fault():
    reed = Reed(SETTLE, CHATTER, RESAMPLE, ticks_diff)
    reed.sample(0, SHUT)
    reed.sample(SETTLE, SHUT)
    kinds = []
    for t_us in range(SECOND, PERIOD + PERIOD // 2, 40_000):
        reed.edge(t_us % PERIOD)
        report = reed.sample((t_us + 1000) % PERIOD, OPEN)
        if report:
            kinds.append(report.kind)
    assert kinds == [FAULT]


# Settings


def test_settings_that_cannot_work_are_refused_with_what_is_wanted():
    assert refusal(0) == "settle_us is 0; want 1 to below chatter_us (3000000)"
    assert refusal(-1) != ""
    assert refusal(SETTLE, SETTLE) == "settle_us is 50000; want 1 to below chatter_us (50000)"
    assert refusal(1, 2) == ""


def test_on_a_board_nothing_need_be_set_for_a_door():
    reed = Reed()
    assert (reed.settle_us, reed.chatter_us, reed.resample_us) == (50_000, 3_000_000, 1_000_000)
