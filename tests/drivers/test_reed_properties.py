"""The reed driver against every waveform, every settle time, a busy loop, dropped edges and clocks that wrap."""

import random
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.reed import FAULT, SETTLED, Reed
from tests.drivers.feed import PERIOD, Edge, feed, movement, reports, ticks_diff

MS, SECOND = 1_000, 1_000_000
LATE_US = 20 * MS
LONGEST_GAP_US = {"clean": 0, "bounce": 900, "rattle": 30 * MS, "glitch": 3 * MS, "stuck": 0}
LONGEST_US = {"clean": 0, "bounce": 12 * MS, "rattle": 290 * MS, "glitch": 3 * MS, "stuck": 0}
MOVES = {"clean", "bounce", "rattle"}

thorough = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**32)
offsets = st.integers(0, PERIOD - 1) | st.integers(PERIOD - 3 * SECOND, PERIOD - 1)


def up_to(most_us: int, seed: int) -> Callable[[], int]:
    """Random waits of 0 to most_us; half of them none at all."""
    dice = random.Random(seed)
    return lambda: dice.randint(0, most_us) if most_us and dice.random() < 0.5 else 0


@st.composite
def reeds(draw: st.DrawFn, least_settle_ms: int = 5, most_resample_ms: int = 2000) -> Reed:
    """A reed with settings that edge/config.py takes and no rattle outlasts, on a clock that wraps."""
    settle_ms = draw(st.integers(least_settle_ms, 1000))
    longest_ms = (max(LONGEST_US.values()) + 3 * LATE_US) // MS
    chatter_ms = draw(st.integers(max(500, 2 * settle_ms + 1, settle_ms + longest_ms), 3000))
    resample_ms = draw(st.integers(100, most_resample_ms))
    return Reed(settle_ms * MS, chatter_ms * MS, resample_ms * MS, ticks_diff)


@st.composite
def days(draw: st.DrawFn, settle_us: int, late_us: int) -> tuple[bool, list[list[Edge]]]:
    """The contact's first level, and movements with rest between them; every name whose gaps the settle time spans."""
    names = [name for name, gap_us in LONGEST_GAP_US.items() if gap_us + MS < settle_us]
    before = closed = draw(st.booleans())
    moves, now = [], 2 * settle_us + 5 * late_us
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=4)):
        now += draw(st.integers(0, 3 * SECOND))
        edges = movement(name, now, closed, draw(seeds))
        closed = edges[-1][1] if edges else closed
        now += LONGEST_US[name] + settle_us + 3 * late_us + 1
        moves.append(edges)
    return before, moves


def all_of(moves: list[list[Edge]]) -> list[Edge]:
    """The edges of every movement."""
    return [edge for move in moves for edge in move]


def changes(before: bool, moves: list[list[Edge]]) -> list[tuple[bool, list[Edge]]]:
    """The movements that end elsewhere than they began: the level after, and the edges."""
    found = []
    for edges in moves:
        after = edges[-1][1] if edges else before
        if after is not before:
            found.append((after, edges))
        before = after
    return found


@thorough
@given(st.data(), reeds(), seeds, offsets, st.sampled_from([0, 2 * MS, LATE_US]))
def test_one_movement_is_one_report_with_its_first_edge_however_late_it_is_sampled(data, reed, seed, offset, late_us):
    before, moves = data.draw(days(reed.settle_us, late_us))
    edges = all_of(moves)
    until = (edges[-1][0] if edges else 0) + 10 * SECOND
    told = feed(
        reed, edges, until, before=before, late=up_to(late_us, seed), clock=lambda t_us: (t_us + offset) % PERIOD
    )
    start, *rest = reports(told)
    assert (start.kind, start.closed, start.missed, start.faulty) == (SETTLED, before, False, False)
    assert [tuple(report) for report in rest] == [
        (SETTLED, to, (e[0][0] + offset) % PERIOD, (e[-1][0] + offset) % PERIOD, len(e), False, False)
        for to, e in changes(before, moves)
    ]
    assert reed.glitches == sum(bool(e) for e in moves) - len(changes(before, moves))


@thorough
@given(st.data(), reeds(), seeds, st.sampled_from([0, LATE_US]))
def test_edges_that_reach_the_inbox_after_a_sample_saw_them_change_neither_count_nor_time(data, reed, seed, late_us):
    before, moves = data.draw(days(reed.settle_us, late_us + MS))
    edges = all_of(moves)
    until = (edges[-1][0] if edges else 0) + 10 * SECOND
    told = feed(reed, edges, until, before=before, late=up_to(late_us, seed), lag=up_to(MS, seed + 1))
    assert [(r.closed, r.first_us, r.missed) for r in reports(told)[1:]] == [
        (to, e[0][0], False) for to, e in changes(before, moves)
    ]


@thorough
@given(reeds(least_settle_ms=21), st.booleans(), seeds, offsets, st.sampled_from([0, LATE_US]))
def test_chatter_is_one_fault_and_then_one_rest_wherever_it_ends(reed, before, seed, offset, late_us):
    begin_us = 2 * reed.settle_us + 3 * LATE_US
    edges = movement("chatter", begin_us, before, seed, lasts_us=reed.chatter_us + 200 * MS)
    clock = lambda t_us: (t_us + offset) % PERIOD  # noqa: E731 - one clock for the feed and for what is expected
    told = feed(reed, edges, edges[-1][0] + 5 * SECOND, before=before, late=up_to(late_us, seed), clock=clock)
    _, fault, settled = reports(told)
    last_us, after = edges[-1]
    assert (fault.kind, fault.closed, fault.first_us, fault.faulty) == (FAULT, None, clock(begin_us), True)
    assert settled == (SETTLED, after, clock(begin_us), clock(last_us), len(edges), False, True)
    (told_us,) = [h.now_us for h in told if h.report is fault]
    assert begin_us + reed.chatter_us <= told_us <= begin_us + reed.chatter_us + LATE_US


@thorough
@given(reeds(least_settle_ms=21), seeds)
def test_chatter_without_end_is_one_fault_and_never_an_opening(reed, seed):
    edges = movement("chatter", 3 * SECOND, True, seed, lasts_us=20 * SECOND)
    told = feed(reed, edges, edges[-1][0], before=True, late=up_to(LATE_US, seed))
    assert [r.kind for r in reports(told)] == [SETTLED, FAULT]
    assert reed.closed is True


@thorough
@given(reeds(), st.booleans(), seeds, st.sampled_from([0, LATE_US]))
def test_a_glitch_of_three_milliseconds_is_no_report_whichever_of_its_edges_are_dropped(reed, before, seed, late_us):
    dice = random.Random(seed)
    edges = movement("glitch", 3 * SECOND, before, seed)
    heard = [t for t, _ in edges if dice.random() < 0.5]
    told = feed(reed, edges, 12 * SECOND, before=before, heard=heard, late=up_to(late_us, seed))
    assert [(r.kind, r.closed) for r in reports(told)] == [(SETTLED, before)]


@thorough
@given(st.data(), reeds(), seeds, offsets, st.sampled_from([0, LATE_US]))
def test_dropped_edges_leave_a_wrong_level_for_no_longer_than_a_resample_and_a_settle(
    data, reed, seed, offset, late_us
):
    names = data.draw(st.lists(st.sampled_from([*LONGEST_GAP_US, "chatter"]), min_size=1, max_size=4))
    kept = data.draw(st.sampled_from([0.0, 0.2, 0.5, 0.9]))
    dice, level, edges = random.Random(seed), True, []
    for name in names:
        begin_us = (edges[-1][0] if edges else 0) + dice.randint(1, 4 * SECOND)
        edges += movement(name, begin_us, level, dice.randrange(2**32), lasts_us=dice.randint(0, SECOND))
        level = edges[-1][1] if edges else level
    heard = {t for t, _ in edges if dice.random() < kept}
    until = (edges[-1][0] if edges else 0) + 10 * SECOND
    told = feed(
        reed,
        edges,
        until,
        before=True,
        heard=heard,
        late=up_to(late_us, seed),
        clock=lambda t_us: (t_us + offset) % PERIOD,
    )
    bound_us = reed.resample_us + reed.settle_us + 2 * late_us
    changed = [0, *(t for t, _ in edges)]
    for held in told:
        since_us = max(t for t in changed if t <= held.now_us)
        assert held.closed is held.level or held.now_us - since_us < bound_us
    assert told[-1].closed is level


@thorough
@given(st.data(), reeds(), seeds)
def test_between_two_reports_of_one_level_lies_one_of_the_other_or_a_fault(data, reed, seed):
    dice, level, edges = random.Random(seed), True, []
    for name in data.draw(st.lists(st.sampled_from([*LONGEST_GAP_US, "chatter"]), min_size=1, max_size=5)):
        begin_us = (edges[-1][0] if edges else 0) + dice.randint(1, 2 * SECOND)
        edges += movement(name, begin_us, level, dice.randrange(2**32), lasts_us=dice.randint(0, 5 * SECOND))
        level = edges[-1][1] if edges else level
    heard = {t for t, _ in edges if dice.random() < 0.7}
    until = (edges[-1][0] if edges else 0) + 10 * SECOND
    found = reports(feed(reed, edges, until, before=True, heard=heard, late=up_to(LATE_US, seed)))
    assert all(a.closed is not b.closed for a, b in zip(found, found[1:], strict=False))
    assert all((r.kind == FAULT) == (r.closed is None) for r in found)
