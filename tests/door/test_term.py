"""The term as a table and as times: every phase and signal is known, and no end comes early by a reckoned clock."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import FLOOR_NS, SECOND, Quality, Stamp
from edge.door.term import IGNORED, TABLE, Effect, Phase, Signal, Span, Term, Visit, diagram, pack, unpack

NOW_NS = FLOOR_NS + 10**6 * SECOND
HOUR_NS = 3600 * SECOND


def stamp(wall_ns: int = NOW_NS, clock: Quality = Quality.SYNCED, boot: str = "b1", boot_ns: int = HOUR_NS) -> Stamp:
    return Stamp(boot, boot_ns, wall_ns, clock, 1 if clock is Quality.SYNCED else None)


@pytest.mark.parametrize(("phase", "signal"), list(itertools.product(Phase, Signal)))
def test_a_pair_is_a_row_or_ignored_or_a_fault_that_changes_nothing(phase: Phase, signal: Signal):
    term = Term(phase)
    if (phase, signal) in IGNORED:
        assert term.move(signal) == ()
        assert (phase, signal) not in TABLE
    elif (phase, signal) in TABLE:
        assert term.move(signal) == TABLE[phase, signal].effects
    else:
        assert signal is Signal.DONE
        with pytest.raises(KeyError):
            term.move(signal)
        assert term.phase is phase


def test_whoever_stops_watching_rests_and_whoever_is_armed_looks():
    for (phase, signal), move in TABLE.items():
        watched, watches = phase in (Phase.ARMED, Phase.UNSURE), move.to in (Phase.ARMED, Phase.UNSURE)
        assert (Effect.REST in move.effects) is (watched and not watches)
        assert (Effect.WATCH in move.effects) is (watches and not watched)
        assert (Effect.LOOK in move.effects) is (move.to is Phase.ARMED)
        assert (Effect.ERASE in move.effects) is (signal in (Signal.DONE, Signal.ERASE))


def test_a_term_holds_from_its_first_instant_to_before_its_last():
    term = Term(span=Span(NOW_NS, NOW_NS + HOUR_NS))
    told = [term.signal(NOW_NS + ns) for ns in (-1, 0, HOUR_NS - 1, HOUR_NS)]
    assert told == [Signal.BEFORE, Signal.BEGUN, Signal.BEGUN, Signal.OVER]
    assert term.signal(None) is None
    assert Term().signal(NOW_NS) is None


def test_a_synced_clock_is_believed_whatever_was_known_before():
    term = Term(mark=stamp(NOW_NS + 10 * HOUR_NS, boot="b0"))
    assert term.reckon(stamp()) == NOW_NS


def test_a_clock_that_lost_its_source_in_this_boot_still_counts_as_synced():
    term = Term(mark=stamp())
    later = stamp(NOW_NS + 99 * HOUR_NS, Quality.RESTORED, boot_ns=3 * HOUR_NS)
    assert term.reckon(later) == NOW_NS + 2 * HOUR_NS


def test_without_a_clock_time_goes_on_from_the_last_that_was_known():
    term = Term(mark=stamp(boot="b0"))
    assert term.reckon(stamp(0, Quality.UNSYNCED, boot_ns=2 * HOUR_NS)) == NOW_NS + 2 * HOUR_NS
    assert Term().reckon(stamp(0, Quality.UNSYNCED)) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(1, 50), st.booleans()), max_size=8))
def test_a_reckoned_time_is_never_ahead_of_the_true_one(lives: list[tuple[int, int, bool]]):
    """Each life: hours off before it, hours it lasts, whether its clock is synced."""
    true_ns, term = NOW_NS, Term(mark=stamp(boot="b"))
    for n, (off, lasts, synced) in enumerate(lives):
        true_ns += off * HOUR_NS
        for hour in range(lasts + 1):
            wall_ns = true_ns + hour * HOUR_NS if synced else hour
            quality = Quality.SYNCED if synced else Quality.UNSYNCED
            found = term.note(stamp(wall_ns, quality, f"b{n}", hour * HOUR_NS))
            assert found is not None
            assert found <= true_ns + hour * HOUR_NS
        true_ns += lasts * HOUR_NS


def test_of_a_counted_visit_only_so_many_openings_are_expected():
    term = Term(visits=[Visit("doctor", NOW_NS, NOW_NS + HOUR_NS, 2)])
    assert [term.expected(stamp()) for _ in range(3)] == ["doctor", "doctor", None]


@pytest.mark.parametrize("quality", [Quality.UNSYNCED, Quality.RESTORED, Quality.RTC])
def test_a_clock_that_is_not_sure_makes_no_opening_expected(quality: Quality):
    term = Term(visits=[Visit("doctor", NOW_NS, NOW_NS + HOUR_NS)])
    assert term.expected(stamp(clock=quality)) is None


def test_an_opening_that_may_have_been_before_the_visit_is_not_expected():
    term = Term(visits=[Visit("doctor", NOW_NS, NOW_NS + HOUR_NS)])
    assert term.expected(stamp(), stamp(NOW_NS - SECOND)) is None
    assert term.expected(stamp(NOW_NS + SECOND), stamp()) == "doctor"
    assert term.expected(stamp(NOW_NS + HOUR_NS)) is None


def test_what_is_kept_comes_back_as_it_was():
    span, visits = Span(1, 2), [Visit("staff", 1, 2, 3)]
    term = Term(Phase.ENDING, span, visits, 5, stamp())
    assert unpack(pack(term)) == term


def test_the_diagram_shows_every_row():
    assert diagram().count("-->") == len(TABLE) + 1
